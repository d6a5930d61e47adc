"""The pager and what stands on it, against a server that behaves as Binance documents it."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager, RestHistory
from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import DataError, UnknownSymbol, VenueUnavailable
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.decoding import decode
from trading_assets.market.history import VendorObject

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
START = MARCH.start


class Venue:
    """Klines of one symbol: limits, inclusive ends and the unfinished bar as documented."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.opens: list[Micros] = []
        self.now: Micros = START
        server.answer = self.answer

    def answer(self, asked: Any) -> Any:
        path = asked.path.removeprefix("/api/v3/")
        if asked.query.get("symbol", "BTCUSDT") != "BTCUSDT":
            return self.server.json({"code": -1121, "msg": "Invalid symbol."}, 400)
        return self.server.json(getattr(self, path)(asked.query))

    def time(self, _: dict[str, str]) -> dict[str, int]:
        return {"serverTime": self.now // 1000}

    def klines(self, query: dict[str, str]) -> list[list[Any]]:
        start, end = int(query["startTime"]), int(query.get("endTime", 10**15))
        opens = [ts // 1000 for ts in self.opens if ts <= self.now]
        inside = [ts for ts in opens if start <= ts <= end]
        return [
            [ts, "1.5", "2", "1", "1.25", "10", ts + 59_999, "15", 4, "1", "2", "0"]
            for ts in inside[: min(1000, int(query["limit"]))]
        ]

    def exchangeInfo(self, _: dict[str, str]) -> dict[str, Any]:  # noqa: N802 - the venue's name
        filters = [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001000"},
            {"filterType": "NOTIONAL", "minNotional": "5.00000000"},
        ]
        entry = {"symbol": "BTCUSDT", "baseAsset": "BTC", "quoteAsset": "USDT", "filters": filters}
        return {"symbols": [entry]}


@pytest.fixture
def venue(server: Any) -> Venue:
    return Venue(server)


@pytest.fixture
def pager(server: Any, clock: Any) -> KlinePager:
    client = make_client(f"{server.url}/api", timeout_s=5, recv_window_ms=5000)
    return KlinePager(client, clock, max_attempts=3)


@pytest.fixture
def history(pager: KlinePager) -> RestHistory:
    return RestHistory(pager, name="embedded", store="embedded-1")


def minutes(first: int, last: int) -> list[Micros]:
    return [START + minute * MINUTE for minute in range(first, last)]


@pytest.mark.parametrize("bars", [0, 1, 999, 1000, 1001, 1002, 2000, 2001, 2500])
def test_every_bar_of_a_span_comes_once(venue: Venue, pager: KlinePager, bars: int) -> None:
    venue.opens = minutes(-5, 3000)
    venue.now = START + 3000 * MINUTE
    source = BinanceBarSource(pager)
    found = [bar.ts for bar in source.bars(BTC, START, START + bars * MINUTE)]
    assert found == minutes(0, bars)


def test_outages_are_stepped_over(venue: Venue, pager: KlinePager) -> None:
    venue.opens = minutes(0, 700) + minutes(2900, 4300)
    venue.now = START + 5000 * MINUTE
    found = [bar.ts for bar in BinanceBarSource(pager).bars(BTC, START, venue.now)]
    assert found == venue.opens


@pytest.mark.parametrize("late_ms", [0, 1, 59_999])
def test_the_unfinished_bar_is_left_out_by_the_venues_time(
    venue: Venue, pager: KlinePager, late_ms: int
) -> None:
    venue.opens = minutes(0, 20)
    venue.now = START + 10 * MINUTE + late_ms * 1000
    source = BinanceBarSource(pager)
    assert source.now() == venue.now
    found = [bar.ts for bar in source.bars(BTC, START, START + 20 * MINUTE)]
    assert found == minutes(0, 10)


def test_the_venues_time_is_asked_only_when_it_may_matter(
    venue: Venue, pager: KlinePager, server: Any
) -> None:
    def questions(end: Micros) -> list[str]:
        before = len(server.asked)
        assert [bar.ts for bar in source.bars(BTC, START, end)] == minutes(0, 10)
        return [asked.path.rsplit("/", 1)[-1] for asked in server.asked[before:]]

    venue.opens = minutes(0, 20)
    venue.now = START + 10 * MINUTE
    source = BinanceBarSource(pager)
    assert questions(START + 10 * MINUTE) == ["time", "klines"]
    assert questions(START + 10 * MINUTE) == ["klines"]
    assert questions(START + 9 * MINUTE + 1) == ["klines"]
    assert questions(START + 10 * MINUTE + 1) == ["time", "klines"]
    assert questions(START + 20 * MINUTE) == ["time", "klines"]


def test_a_bar_has_the_venues_numbers(venue: Venue, pager: KlinePager) -> None:
    venue.opens = minutes(0, 1)
    venue.now = START + MINUTE
    (bar,) = BinanceBarSource(pager).bars(BTC, START, START + MINUTE)
    assert bar == Bar(BTC, START, 1.5, 2.0, 1.0, 1.25, 10.0, 15.0, 4)


def test_bars_out_of_order_or_off_the_grid_are_refused(venue: Venue, pager: KlinePager) -> None:
    venue.now = START + 10 * MINUTE
    for opens in ([START + MINUTE, START], [START + 1_000_000]):
        venue.opens = opens
        with pytest.raises(DataError, match="out of order or off the grid"):
            list(BinanceBarSource(pager).bars(BTC, START, START + 5 * MINUTE))


def test_grids_come_from_the_filters(venue: Venue, pager: KlinePager) -> None:
    (instrument,) = BinanceBarSource(pager).instruments((BTC,))
    assert (instrument.tick, instrument.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert instrument.min_notional == 5


def test_a_description_that_cannot_be_read_is_said(
    venue: Venue, pager: KlinePager, server: Any
) -> None:
    server.answer = lambda _: server.json({"symbols": [{"symbol": "BTCUSDT", "filters": []}]})
    with pytest.raises(DataError, match="cannot be read"):
        pager.instrument(BTC)
    server.answer = lambda _: server.json({"symbols": []})
    with pytest.raises(UnknownSymbol):
        pager.instrument(BTC)


def test_an_answer_of_another_shape_is_never_taken_for_no_bars(
    pager: KlinePager, server: Any
) -> None:
    for answer in ({}, {"serverTime": "x"}, [[]], [["x"]], 5):
        server.answer = lambda _, answer=answer: server.json(answer)
        for ask in (pager.now, lambda: pager.first_open(BTC), lambda: pager.instrument(BTC)):
            with pytest.raises(VenueUnavailable, match="cannot be read"):
                ask()
    rows = [[START // 1000, "1.5"]]
    server.answer = lambda asked: server.json(
        {"serverTime": MARCH.end // 1000} if asked.path.endswith("time") else rows
    )
    with pytest.raises(VenueUnavailable, match="bar of BTCUSDT"):
        list(BinanceBarSource(pager).bars(BTC, START, START + MINUTE))


def test_unknown_symbols_and_a_dead_venue_are_said(
    venue: Venue, pager: KlinePager, history: RestHistory, server: Any, clock: Any
) -> None:
    nope = Symbol("NOPE")
    venue.now = START + MINUTE
    calls: list[Callable[[], object]] = [
        lambda: list(BinanceBarSource(pager).bars(nope, START, START + MINUTE)),
        lambda: history.listing(nope, MARCH),
        lambda: history.instruments((nope,)),
    ]
    for ask in calls:
        with pytest.raises(UnknownSymbol, match="NOPE"):
            ask()
    server.answer = lambda _: server.raw(b"", 503)
    with pytest.raises(VenueUnavailable, match="time of the venue"):
        history.listing(BTC, MARCH)
    assert clock.waits == [0.25, 0.5]


def test_a_past_month_is_cut_into_the_same_windows_at_any_time(
    venue: Venue, history: RestHistory
) -> None:
    venue.opens = minutes(-5, 5)
    venue.now = MARCH.end + 2 * MINUTE
    listing = history.listing(BTC, MARCH)
    assert (listing.start, listing.end) == (MARCH.start, MARCH.end)
    assert len(listing.objects) == 45
    assert listing.objects[0] == VendorObject(
        "BTCUSDT-1m-2024-03-page00.json", "klines_json", START, START + 1000 * MINUTE, True
    )
    assert listing.objects[-1].end == MARCH.end
    assert all(a.end == b.start for a, b in zip(listing.objects, listing.objects[1:], strict=False))
    venue.now = MARCH.end + 10**12
    assert history.listing(BTC, MARCH) == listing


def test_the_current_month_ends_with_the_last_finished_minute(
    venue: Venue, history: RestHistory
) -> None:
    venue.opens = minutes(-5, 5)
    venue.now = START + 1500 * MINUTE + 59_000_000
    listing = history.listing(BTC, MARCH)
    assert listing.end == START + 1500 * MINUTE
    assert [(item.finished, item.end) for item in listing.objects] == [
        (True, START + 1000 * MINUTE),
        (False, START + 1500 * MINUTE),
    ]


def test_a_window_that_has_just_ended_is_read_again_later(
    venue: Venue, history: RestHistory
) -> None:
    venue.opens = minutes(-5, 5)
    venue.now = START + 1001 * MINUTE
    assert not history.listing(BTC, MARCH).objects[0].finished
    venue.now = START + 1002 * MINUTE
    assert history.listing(BTC, MARCH).objects[0].finished


def test_windows_before_the_first_bar_are_not_asked_for(venue: Venue, history: RestHistory) -> None:
    venue.opens = [START + 2500 * MINUTE]
    venue.now = MARCH.end + MINUTE
    listing = history.listing(BTC, MARCH)
    assert listing.start == START + 2500 * MINUTE
    assert listing.objects[0].start == START + 2000 * MINUTE


def test_months_outside_history_are_refused(venue: Venue, history: RestHistory) -> None:
    venue.opens = minutes(0, 5)
    venue.now = MARCH.end
    for month, message in (
        (Month(2024, 2), "its first bar in 2024-03"),
        (Month(2024, 4), "in the future"),
        (Month(2030, 1), "in the future"),
    ):
        with pytest.raises(DataError, match=message):
            history.listing(BTC, month)
    venue.opens = []
    with pytest.raises(DataError, match="no bar at all"):
        history.listing(BTC, MARCH)


def test_a_page_keeps_the_bytes_of_the_wire(
    venue: Venue, history: RestHistory, server: Any
) -> None:
    venue.opens = minutes(-5, 5000)
    venue.now = MARCH.end + 10**12
    window = history.listing(BTC, MARCH).objects[1]
    data = history.fetch(BTC, window)
    query = {"startTime": str(window.start // 1000), "limit": "1000"}
    query["endTime"] = str(window.end // 1000 - 1)
    assert data == json.dumps(venue.klines(query)).encode()
    assert decode("klines_json", data, window.name)["ts"].to_physical().to_list() == minutes(
        1000, 2000
    )
