"""WebSocket connections to an embedded exchange, as tests talk over them."""

import base64
import hashlib
import hmac
import itertools
import json
from contextlib import contextmanager

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.sync.client import connect

from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.config import AccountConfig

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
ACCOUNTS = (AccountConfig(), AccountConfig("second", "ed-key", "", PUBLIC))


class Api:
    """One connection; events that arrive between answers are kept."""

    def __init__(self, ws):
        self.ws = ws
        self.numbers = itertools.count(1)
        self.events = []

    def frame(self):
        return json.loads(self.ws.recv(timeout=5))

    def raw(self, text):
        self.ws.send(text)
        while "event" in (frame := self.frame()):
            self.events.append(frame)
        return frame

    def call(self, method, *, number=None, **params):
        number = next(self.numbers) if number is None else number
        answer = self.raw(json.dumps({"id": number, "method": method, "params": params}))
        assert answer["id"] == number
        return answer

    def signed(self, method, **params):
        params |= {"apiKey": "demo-key", "timestamp": wall_now() // 1_000}
        payload = "&".join(f"{k}={v}" for k, v in sorted(params.items()))
        signature = hmac.new(b"demo-secret", payload.encode(), hashlib.sha256).hexdigest()
        return self.call(method, **params, signature=signature)

    def signed_by_ed25519(self, method, **params):
        params |= {"apiKey": "ed-key", "timestamp": wall_now() // 1_000}
        payload = "&".join(f"{k}={v}" for k, v in sorted(params.items()))
        signature = base64.b64encode(PRIVATE.sign(payload.encode())).decode()
        return self.call(method, **params, signature=signature)

    def taken(self):
        """Give the events so far, and forget them."""
        self.call("ping")
        events, self.events = self.events, []
        return [event["event"] for event in events]


@contextmanager
def api_of(wire, tail=""):
    url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/") + "/ws-api/v3" + tail
    with connect(url) as ws:
        yield Api(ws)


@contextmanager
def socket(wire, path, **options):
    url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/") + path
    with connect(url, **options) as ws:
        yield ws


def arrived(ws):
    """Give all frames that have been sent: they are in order, so an answer ends them."""
    ws.send('{"method":"LIST_SUBSCRIPTIONS","id":"end"}')
    frames = []
    while True:
        frame = json.loads(ws.recv(timeout=5))
        if frame.get("id") == "end":
            return frames
        frames.append(frame)


def read_to_the_end(ws):
    while True:
        ws.recv(timeout=5)


def asked(ws, **frame):
    ws.send(json.dumps(frame))
    return json.loads(ws.recv(timeout=5))
