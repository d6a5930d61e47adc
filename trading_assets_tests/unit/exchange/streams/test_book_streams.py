"""Books and tickers as streams: they agree with REST, and changes join without a gap."""

import json
from contextlib import contextmanager
from decimal import Decimal

import pytest
from websockets.sync.client import connect


@contextmanager
def streams(wire, *names):
    url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/")
    with connect(f"{url}/stream?streams={'/'.join(names)}", max_queue=None) as ws:
        yield ws


def arrived(ws):
    """Give all frames that have been sent: they are in order, so an answer ends them."""
    ws.send('{"method":"LIST_SUBSCRIPTIONS","id":"end"}')
    frames = []
    while "stream" in (frame := json.loads(ws.recv(timeout=5))):
        frames.append(frame["data"])
    return frames


class LocalBook:
    """A book kept by the venue's documented procedure."""

    def __init__(self, snapshot):
        self.number = snapshot["lastUpdateId"]
        self.sides = {name: dict(snapshot[name]) for name in ("bids", "asks")}
        self.has_begun = False

    def take(self, event):
        if event["u"] <= self.number:
            return
        if self.has_begun:
            assert event["U"] == self.number + 1
        else:
            assert event["U"] <= self.number + 1 <= event["u"]
        self.has_begun = True
        for name, side in (("b", "bids"), ("a", "asks")):
            for price, quantity in event[name]:
                if Decimal(quantity):
                    self.sides[side][price] = quantity
                else:
                    del self.sides[side][price]
        self.number = event["u"]


@pytest.mark.parametrize("speed", ["", "@100ms", "@1000ms"])
def test_a_local_book_stays_the_books_of_the_venue(wire, speed):
    with streams(wire, f"solusdt@depth{speed}") as ws:
        wire.sim("step", seconds=7)
        book = LocalBook(wire.get("depth", symbol="SOLUSDT", limit=5000).json())
        for number, seconds in enumerate((4, 1, 60, 3_600)):
            if number % 2:
                wish = {"symbol": "SOLUSDT", "side": "BUY", "type": "MARKET"}
                assert wire.order(**wish, quantity="25").status_code == 200
                wire.order(**wire.limit_buy())
            wire.sim("step", seconds=seconds)
            for event in arrived(ws):
                book.take(event)
            snapshot = wire.get("depth", symbol="SOLUSDT", limit=5000).json()
            assert book.sides == {name: dict(snapshot[name]) for name in ("bids", "asks")}
            assert book.number <= snapshot["lastUpdateId"]
    assert book.has_begun


def test_a_client_that_takes_is_seen_within_the_pace(wire):
    with streams(wire, "solusdt@bookTicker", "solusdt@depth@100ms") as ws:
        wire.sim("step", seconds=1)
        before = [e for e in arrived(ws) if "A" in e][-1]
        wire.order(symbol="SOLUSDT", side="BUY", type="MARKET", quantity=before["A"][:-5])
        wire.sim("step", seconds=0.1)
        after = arrived(ws)
    quotes = next(e for e in after if "A" in e)
    changes = next(e for e in after if e.get("e") == "depthUpdate")
    best = wire.get("ticker/bookTicker", symbol="SOLUSDT").json()
    assert [quotes[n] for n in "bBaA"] == [
        best[n] for n in ("bidPrice", "bidQty", "askPrice", "askQty")
    ]
    assert changes["a"][0][0] == before["a"]
    assert not changes["b"]
    assert quotes["u"] > before["u"]


@pytest.mark.parametrize("levels", [5, 10, 20])
def test_the_top_of_the_book_is_that_of_rest(wire, levels):
    with streams(wire, f"btcusdt@depth{levels}@100ms") as ws:
        wire.sim("step", seconds=11)
        events = arrived(ws)
    snapshot = wire.get("depth", symbol="BTCUSDT", limit=levels).json()
    assert events[-1] == snapshot
    assert len(events) == 1 + 11 + 0  # the first at once, then every second; books change with one


def test_tickers_say_what_rest_says(wire):
    names = ("ticker", "miniTicker", "ticker_1h", "ticker_4h", "ticker_1d", "avgPrice")
    with streams(wire, *(f"ethusdt@{name}" for name in names)) as ws:
        wire.sim("step", seconds=3)
        events = arrived(ws)
    assert len(events) == 3 * len(names)
    last = {event["e"]: event for event in events}
    day = wire.get("ticker/24hr", symbol="ETHUSDT").json()
    pairs = {
        "s": "symbol", "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice",
        "x": "prevClosePrice", "c": "lastPrice", "Q": "lastQty", "b": "bidPrice", "B": "bidQty",
        "a": "askPrice", "A": "askQty", "o": "openPrice", "h": "highPrice", "l": "lowPrice",
        "v": "volume", "q": "quoteVolume", "O": "openTime", "C": "closeTime", "F": "firstId",
        "L": "lastId", "n": "count",
    }  # fmt: skip
    full = last["24hrTicker"]
    assert {name: full[short] for short, name in pairs.items()} == day
    assert set(full) == {"e", "E", *pairs}
    mini = last["24hrMiniTicker"]
    assert {short: mini[short] for short in "ohlcvq"} == {s: day[pairs[s]] for s in "ohlcvq"}
    for span in ("1h", "4h", "1d"):
        window = wire.get("ticker", symbol="ETHUSDT", windowSize=span).json()
        rolling = last[f"{span}Ticker"]
        assert {pairs[s]: rolling[s] for s in rolling if s not in "eE"} == window
    average = wire.get("avgPrice", symbol="ETHUSDT").json()
    assert (last["avgPrice"]["w"], last["avgPrice"]["i"]) == (average["price"], "5m")
    assert last["avgPrice"]["T"] <= average["closeTime"]


def test_streams_of_all_symbols(wire):
    with streams(wire, "!miniTicker@arr", "!ticker_1h@arr", "!bookTicker") as ws:
        wire.sim("step", seconds=1)
        events = arrived(ws)
    lists = [event for event in events if isinstance(event, list)]
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert [[row["s"] for row in rows] for rows in lists] == [symbols, symbols]
    quotes = [event["s"] for event in events if isinstance(event, dict)]
    assert quotes == symbols


def test_an_outage_shows_the_last_book_and_no_ticker(wired):
    with wired(start=1_708_399_980_000_000) as wire:  # 2024-02-20T03:33:00Z
        with streams(wire, "btcusdt@miniTicker", "btcusdt@avgPrice", "btcusdt@depth5") as ws:
            wire.sim("step", seconds=30)
            events = arrived(ws)
        assert events[-1] == wire.get("depth", symbol="BTCUSDT", limit=5).json()
        assert all("lastUpdateId" in event for event in events)


@pytest.mark.parametrize(
    "name",
    ["btcusdt@depth7", "btcusdt@depth@5ms", "btcusdt@ticker_2h", "!ticker@arr", "!x", "btcusdt@",
     "BTCUSDT@ticker", "nopeusdt@ticker", "btcusdt@kline_7m", "btcusdt@kline_1m@+09:00"],
)  # fmt: skip
def test_what_is_no_stream_stays_silent(wire, name):
    with streams(wire, name) as ws:
        wire.sim("step", seconds=70)
        assert arrived(ws) == []
