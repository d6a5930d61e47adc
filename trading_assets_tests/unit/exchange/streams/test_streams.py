"""Market streams over real WebSockets of a stepped exchange."""

import json

import pytest

from trading_assets_tests.stand_ins.exchange_sockets import (
    arrived,
    asked,
    socket,
)

INTERVALS = (
    "1m",
    "3m",
    "5m",
    "15m",
    "30m",
    "1h",
    "2h",
    "4h",
    "6h",
    "8h",
    "12h",
    "1d",
    "3d",
    "1w",
    "1M",
)


def test_a_minute_pushes_its_bar_every_two_seconds_and_closes_it_once(wire):
    with socket(wire, "/ws/btcusdt@kline_1m") as ws:
        wire.sim("step", seconds=60)
        events = arrived(ws)
    assert len(events) == 30
    assert [event["E"] % 2_000 for event in events] == [0] * 30
    bars = [event["k"] for event in events]
    assert [bar["x"] for bar in bars] == [False] * 29 + [True]
    row = wire.get("klines", symbol="BTCUSDT", interval="1m", limit=2).json()[0]
    last = bars[-1]
    names = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
    assert [last[name] for name in names] == row[:-1]
    assert last["L"] - last["f"] + 1 == last["n"]
    assert (events[-1]["e"], events[-1]["s"], last["i"]) == ("kline", "BTCUSDT", "1m")


def test_every_update_agrees_with_rest_at_its_instant(wire):
    with socket(wire, "/ws/solusdt@kline_5m") as ws:
        for seconds in (6, 2, 50, 4, 20):  # the exchange takes five messages a second
            wire.sim("step", seconds=seconds)
            bar = arrived(ws)[-1]["k"]
            row = wire.get("klines", symbol="SOLUSDT", interval="5m", limit=1).json()[0]
            assert [bar[name] for name in "tohlcv"] == row[:6]


def test_two_symbols_close_every_bar_of_every_interval_once_in_order(wire):
    names = [f"{s}@kline_{i}" for s in ("btcusdt", "ethusdt") for i in INTERVALS]
    start = wire.get("time").json()["serverTime"]
    with socket(wire, "/stream?streams=" + "/".join(names)) as ws:
        for _ in range(2):
            wire.sim("step", seconds=6 * 3_600)
        frames = arrived(ws)
    closed = [f["data"] for f in frames if f["data"]["k"]["x"]]
    assert [e["E"] for e in closed] == sorted(e["E"] for e in closed)
    end = wire.get("time").json()["serverTime"]
    for symbol in ("BTCUSDT", "ETHUSDT"):
        for interval in INTERVALS:
            got = [e["k"]["t"] for e in closed if (e["s"], e["k"]["i"]) == (symbol, interval)]
            window = {"limit": 1000}
            if interval[-1] in "hdwM":  # a thousand of them are years, which take seconds
                window["startTime"] = start - 32 * 86_400_000
            rows = wire.get("klines", symbol=symbol, interval=interval, **window).json()
            assert got == [row[0] for row in rows if start < row[6] + 1 <= end], interval


def test_a_long_step_thins_the_updates_in_between(wire):
    with socket(wire, "/ws/btcusdt@kline_1d") as ws:
        wire.sim("step", seconds=12 * 3_600)
        events = arrived(ws)
    assert 20 <= len(events) <= 60
    assert [event["k"]["x"] for event in events][-1]
    assert sum(event["k"]["x"] for event in events) == 1


def test_an_outage_has_no_bars_and_no_updates(wired):
    with (
        wired(start=1_708_399_680_000_000) as wire,  # 2024-02-20T03:28:00Z
        socket(wire, "/ws/btcusdt@kline_1m/btcusdt@kline_1h") as ws,
    ):
        wire.sim("step", seconds=3 * 3_600)
        events = arrived(ws)
        start_ms, end_ms = 1_708_399_680_000, wire.get("time").json()["serverTime"]
        closed = [(e["k"]["i"], e["k"]["t"]) for e in events if e["k"]["x"]]
        for interval in ("1m", "1h"):
            rows = wire.get("klines", symbol="BTCUSDT", interval=interval, limit=500).json()
            expected = [row[0] for row in rows if start_ms < row[6] + 1 <= end_ms]
            assert [t for i, t in closed if i == interval] == expected
    outage = range(1_708_399_860_000, 1_708_408_800_000)
    assert not [e for e in events if e["E"] in outage and not e["k"]["x"]]


def test_bars_of_another_zone_have_its_borders(wire):
    with socket(wire, "/ws/btcusdt@kline_1d@+08:00") as ws:
        wire.sim("step", seconds=4 * 3_600)  # to 16:00Z, midnight there
        closed = [e["k"] for e in arrived(ws) if e["k"]["x"]]
    assert [bar["t"] for bar in closed] == [1_709_294_400_000 - 20 * 3_600_000]
    row = wire.get("klines", symbol="BTCUSDT", interval="1d", timeZone="8", limit=2).json()[0]
    assert [closed[0][name] for name in "tohlcv"] == row[:6]


def test_bars_of_a_second_close_every_second(wire):
    with socket(wire, "/ws/btcusdt@kline_1s") as ws:
        wire.sim("step", seconds=10)
        bars = [e["k"] for e in arrived(ws)]
    assert [bar["x"] for bar in bars] == [True] * 10
    rows = wire.get("klines", symbol="BTCUSDT", interval="1s", limit=11).json()[:10]
    assert [[bar[name] for name in "tohlcv"] for bar in bars] == [row[:6] for row in rows]


def test_trades_build_the_bar_and_carry_on_without_gaps(wire):
    with socket(wire, "/ws/solusdt@trade/solusdt@aggTrade/solusdt@kline_1m") as ws:
        wire.sim("step", seconds=60)
        events = arrived(ws)
        bar = [e["k"] for e in events if e["e"] == "kline"][-1]
        trades = [e for e in events if e["e"] == "trade" and e["T"] <= bar["T"]]
        grouped = [e for e in events if e["e"] == "aggTrade" and e["T"] <= bar["T"]]
    numbers = [trade["t"] for trade in trades]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    # The first trade of the minute was at the instant of the connection, before it.
    assert (numbers[0], numbers[-1]) == (bar["f"] + 1, bar["L"])
    assert float(bar["h"]) >= max(float(trade["p"]) for trade in trades)
    assert [e["f"] for e in grouped[1:]] == [e["l"] + 1 for e in grouped[:-1]]
    for one in grouped:
        parts = [t for t in trades if one["f"] <= t["t"] <= one["l"]]
        assert {t["p"] for t in parts} == {one["p"]}
        assert sum(round(float(t["q"]) * 1_000) for t in parts) == round(float(one["q"]) * 1_000)


def transcript(wired):
    names = "btcusdt@kline_1m/btcusdt@trade/ethusdt@kline_5m/ethusdt@aggTrade/solusdt@kline_1s"
    with wired() as wire, socket(wire, "/stream?streams=" + names) as ws:
        frames = []
        for seconds in (3, 60, 0, 121, 600):
            wire.sim("step", seconds=seconds)
            frames += arrived(ws)
        return frames


def test_the_same_steps_give_the_same_transcript(wired):
    first = transcript(wired)
    assert len(first) > 5_000
    assert transcript(wired) == first
    times = [frame["data"]["E"] for frame in first]
    assert times == sorted(times)


# --- control frames


def test_streams_are_added_listed_and_taken_away_with_any_id(wire):
    with socket(wire, "/ws/0") as ws:
        assert asked(ws, method="LIST_SUBSCRIPTIONS", id=1) == {"result": ["0"], "id": 1}
        wish = {"method": "SUBSCRIBE", "params": ["btcusdt@kline_1m"]}
        assert asked(ws, **wish, id="a-b_9") == {"result": None, "id": "a-b_9"}
        wire.sim("step", seconds=2)
        assert arrived(ws)[0]["k"]["i"] == "1m"
    with socket(wire, "/ws") as ws:
        wish["method"] = "UNSUBSCRIBE"
        assert asked(ws, **wish, id=None) == {"result": None, "id": None}
        wire.sim("step", seconds=2)
        assert arrived(ws) == []


def test_the_combined_form_is_a_property(wire):
    with socket(wire, "/stream?streams=btcusdt@kline_1m") as ws:
        assert asked(ws, method="GET_PROPERTY", params=["combined"], id=1)["result"] is True
        wish = {"method": "SET_PROPERTY", "params": ["combined", False]}
        assert asked(ws, **wish, id=2) == {"result": None, "id": 2}
        wire.sim("step", seconds=2)
        assert arrived(ws)[0]["e"] == "kline"


@pytest.mark.parametrize(
    ("frame", "code", "text"),
    [
        ("{", 3, "Invalid JSON: expected"),
        ("[" * 90_000, 3, "Invalid JSON"),
        ('{"id":1' + "1" * 9_000 + "}", 3, "Invalid JSON"),
        ("7", 2, "expected an object"),
        ('{"method":"SUBSCRIBE","params":["a"]}', 2, "request ID must be"),
        ('{"method":"SUBSCRIBE","params":["a"],"id":1.5}', 2, "request ID must be"),
        ('{"method":"SUBSCRIBE","params":["a"],"id":"no spaces"}', 2, "request ID must be"),
        ('{"id":1}', 2, "missing field `method`"),
        ('{"method":"JUMP","id":1}', 2, "unknown variant JUMP, expected one of `SUBSCRIBE`"),
        ('{"method":"SUBSCRIBE","id":1}', 2, "list of streams"),
        ('{"method":"SUBSCRIBE","params":[7],"id":1}', 2, "invalid stream"),
        ('{"method":"SUBSCRIBE","params":["a b"],"id":1}', 2, "invalid stream"),
        ('{"method":"LIST_SUBSCRIPTIONS","params":["a"],"id":1}', 2, "too many parameters"),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "expected Boolean"),
        ('{"method":"SET_PROPERTY","params":["x",true],"id":1}', 0, "Unknown property"),
        ('{"method":"GET_PROPERTY","params":[],"id":1}', 2, "must be a string"),
    ],
)
def test_a_malformed_frame_is_answered_and_the_connection_lives(shared, frame, code, text):
    with socket(shared, "/ws") as ws:
        ws.send(frame)
        answer = json.loads(ws.recv(timeout=5))
        assert answer["code"] == code
        assert text in answer["msg"]
        assert answer["error"] == {"code": code, "msg": answer["msg"]}
        assert asked(ws, method="LIST_SUBSCRIPTIONS", id=2) == {"result": [], "id": 2}


def test_events_come_in_microseconds_when_the_address_says_so(wire):
    names = "btcusdt@kline_1m/btcusdt@trade/btcusdt@ticker/!miniTicker@arr/btcusdt@depth"
    with (
        socket(wire, f"/stream?streams={names}&timeUnit=microsecond") as fine,
        socket(wire, f"/stream?streams={names}&timeUnit=MILLISECOND") as coarse,
    ):
        wire.sim("step", seconds=60)
        both = [[frame["data"] for frame in arrived(ws)] for ws in (fine, coarse)]
    assert len(both[0]) == len(both[1]) > 200
    for micros, millis in zip(*both, strict=True):
        if isinstance(millis, list):
            assert [one["E"] for one in micros] == [one["E"] * 1_000 for one in millis]
            continue
        assert micros["E"] == millis["E"] * 1_000
        if millis["e"] == "kline":
            assert micros["k"]["t"] == millis["k"]["t"] * 1_000
            assert micros["k"]["T"] == millis["k"]["T"] * 1_000 + 999
            assert micros["k"]["f"] == millis["k"]["f"]
        elif millis["e"] == "trade":
            assert (micros["T"], micros["t"]) == (millis["T"] * 1_000, millis["t"])
        elif millis["e"] == "24hrTicker":
            assert micros["C"] - micros["O"] == 86_400_000_000
            assert micros["L"] == millis["L"]
        else:
            assert (micros["U"], micros["u"]) == (millis["U"], millis["u"])
