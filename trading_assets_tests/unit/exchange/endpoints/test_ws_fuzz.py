"""Frames of every shape: each gets one answer of the venue's form, and nothing breaks."""

import json
import logging
import random

from websockets.sync.client import connect

from trading_assets.exchange.endpoints.ws_api import _METHODS

FRAMES = 1_500
ODD = [
    "",
    " ",
    "-1",
    "1e5",
    "NaN",
    "9" * 400,
    "é",
    "\ud800",
    "\x00",
    "BTCUSDT",
    "1m",
    "'; --",
    "a&b=c",
]
SCALARS = [None, True, False, 0, -1, 2**63, 10**400, 0.5, 1e308, *ODD]
NAMES = [
    *("symbol", "symbols", "interval", "limit", "startTime", "endTime", "orderId", "side", "type"),
    *("quantity", "price", "timeInForce", "timestamp", "recvWindow", "signature", "apiKey"),
    *("returnRateLimits", "subscriptionId", "newClientOrderId", "windowSize", "", "\ud800", "x"),
]
OWN = [
    *("session.logon", "session.status", "session.logout", "session.subscriptions"),
    *("userDataStream.subscribe", "userDataStream.subscribe.signature", "userDataStream.start"),
    *("userDataStream.unsubscribe", "no.such", "", "v3/", "v3/time", "\ud800"),
]


def any_value(draw, depth=2):
    if depth and draw.random() < 0.2:
        if draw.random() < 0.5:
            return [any_value(draw, depth - 1) for _ in range(draw.randrange(3))]
        return {draw.choice(NAMES): any_value(draw, depth - 1) for _ in range(draw.randrange(3))}
    return draw.choice(SCALARS)


def any_frame(draw):
    frame = {
        "id": draw.randrange(10**6),
        "method": draw.choice([*_METHODS, *OWN]),
        "params": {draw.choice(NAMES): any_value(draw) for _ in range(draw.randrange(6))},
    }
    if draw.random() < 0.15:
        frame[draw.choice(["id", "method", "params"])] = any_value(draw)
    if draw.random() < 0.1:
        del frame[draw.choice(list(frame))]
    text = json.dumps(frame)
    if draw.random() < 0.1:
        text = text[: draw.randrange(len(text))]
    if draw.random() < 0.02:
        text = "[" * draw.randrange(50_000)
    return text


def test_every_frame_gets_one_answer_of_the_venues_form(wired, caplog):
    draw = random.Random(20_240_301)
    with wired(weight_limit=10**9) as wire:
        url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/") + "/ws-api/v3"
        with connect(url) as ws:
            for _ in range(FRAMES):
                text = any_frame(draw)
                ws.send(text)
                answer = json.loads(ws.recv(timeout=5))
                assert ("result" in answer) != ("error" in answer), (text, answer)
                if "error" in answer:
                    assert answer["status"] in {400, 401, 404, 410}, (text, answer)
                    assert answer["error"]["code"] < 0
                else:
                    assert answer["status"] == 200
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
