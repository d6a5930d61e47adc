"""Polygon: pages, what is asked for, and what is refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import CorruptFile, DataError, UnknownSymbol, VenueError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.decoding import decode

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
DECEMBER = Month(2025, 12)


def opens(source: Any, wanted: Any) -> list[int]:
    frame = decode(wanted.kind, source.fetch(BTC, wanted), wanted.name)
    return list(frame["ts"].to_physical().to_list())


def first(source: Any) -> Any:
    return source.listing(BTC, MARCH).objects[0]


def test_a_window_is_asked_for_raw_up_to_its_last_millisecond(
    polygon_server: Any, open_vendor: Any
) -> None:
    source = open_vendor(polygon_server)
    wanted = source.listing(BTC, MARCH).objects[3]
    assert (wanted.start, wanted.end) == (MARCH.start + 24 * DAY, MARCH.end)
    assert opens(source, wanted) == list(range(wanted.start, wanted.end, MINUTE))
    asked = polygon_server.asked[-1]
    span = f"{wanted.start // 1000}/{wanted.end // 1000 - 1}"
    assert asked.path == f"/v2/aggs/ticker/BTCUSD/range/1/minute/{span}"
    assert asked.query == {"adjusted": "false", "sort": "asc", "limit": "50000"}


def test_pages_are_followed_and_the_same_bars_are_the_same_bytes(
    polygon_server: Any, open_vendor: Any
) -> None:
    polygon_server.page_bars = 5000
    polygon_server.next_url = lambda host, rest: f"{host}{rest}&apiKey={polygon_server.key}"
    source = open_vendor(polygon_server)
    wanted = first(source)
    assert opens(source, wanted) == list(range(wanted.start, wanted.end, MINUTE))
    assert [len(asked.path.split("/")) for asked in polygon_server.asked[-3:]] == [10] * 3
    assert all("apiKey" not in asked.query for asked in polygon_server.asked)
    data = source.fetch(BTC, wanted)
    assert source.fetch(BTC, wanted) == data
    assert data.count(b'"next_url": ""') == 2
    assert polygon_server.key.encode() not in data
    assert polygon_server.url.encode() not in data


@pytest.mark.parametrize(
    ("next_url", "words"),
    [
        (lambda _, rest: "https://evil.example" + rest, "another host.*evil.example"),
        (lambda host, rest: host.replace("http:", "https:") + rest, "another host"),
        (
            lambda host, _: f"{host}/v2/aggs/ticker/BTCUSD/range/1/minute/0/9000000?cursor=1",
            "not end",
        ),
    ],
)
def test_a_next_page_elsewhere_or_without_end_is_refused(
    polygon_server: Any, open_vendor: Any, next_url: Any, words: str
) -> None:
    polygon_server.page_bars = 100
    source = open_vendor(polygon_server)
    wanted = first(source)
    polygon_server.next_url = next_url
    with pytest.raises(VenueError, match=words):
        source.fetch(BTC, wanted)


def test_a_full_page_without_a_next_one_is_refused(polygon_server: Any, open_vendor: Any) -> None:
    source = open_vendor(polygon_server)
    wanted = first(source)
    polygon_server.page_bars = source._most_bars = 1000
    polygon_server.gives_next = False
    with pytest.raises(VenueError, match="a full page and no next one"):
        source.fetch(BTC, wanted)


def test_adjusted_prices_are_refused_on_any_page(polygon_server: Any, open_vendor: Any) -> None:
    source = open_vendor(polygon_server)
    wanted = first(source)
    polygon_server.adjusted = True
    with pytest.raises(CorruptFile, match="adjusted for splits"):
        source.fetch(BTC, wanted)


def test_a_status_that_is_not_good_is_told_in_the_vendors_words(
    polygon_server: Any, open_vendor: Any
) -> None:
    source = open_vendor(polygon_server)
    wanted = first(source)
    polygon_server.status = "DELAYED"
    assert source.fetch(BTC, wanted)
    polygon_server.status = "NOT_AUTHORIZED"
    with pytest.raises(VenueError, match=r"refuses.*TA_POLYGON_API_KEY"):
        source.fetch(BTC, wanted)


def test_bars_outside_the_window_are_not_stored(polygon_server: Any, open_vendor: Any) -> None:
    source = open_vendor(polygon_server)
    wanted = first(source)
    polygon_server.rewrite = lambda bars: [*bars, bars[-1] | {"t": wanted.end // 1000}]
    with pytest.raises(CorruptFile, match="not about what was asked"):
        source.fetch(BTC, wanted)


def test_an_empty_window_is_an_answer(polygon_server: Any, open_vendor: Any) -> None:
    source = open_vendor(polygon_server)
    wanted = first(source)
    polygon_server.rewrite = lambda _: []
    assert opens(source, wanted) == []
    assert "results" not in json.loads(source.fetch(BTC, wanted))


def test_the_forming_minute_is_not_asked_for(
    polygon_server: Any, open_vendor: Any, clock: Any
) -> None:
    clock.instant = DECEMBER.start + 100 * MINUTE + 59_000_000
    polygon_server.now = datetime(2025, 12, 1, 1, 40, 59, tzinfo=UTC)
    source = open_vendor(polygon_server)
    listing = source.listing(BTC, DECEMBER)
    (wanted,) = listing.objects
    assert (listing.end, wanted.end) == (DECEMBER.start + 80 * MINUTE,) * 2
    assert not wanted.finished
    assert opens(source, wanted)[-1] == listing.end - MINUTE
    other = open_vendor(polygon_server, delay_minutes=0)
    (wanted,) = other.listing(BTC, DECEMBER).objects
    assert opens(other, wanted)[-1] == DECEMBER.start + 99 * MINUTE


def test_the_listing_bounds_history_and_is_asked_once(
    polygon_server: Any, open_vendor: Any
) -> None:
    polygon_server.list_dates["BTCUSD"] = "2024-03-20"
    source = open_vendor(polygon_server)
    with pytest.raises(UnknownSymbol, match=r"BTCUSDT on 2024-02-29.*does not have it"):
        source.listing(BTC, MARCH.shift(-1))
    assert source.listing(BTC, MARCH).start == MARCH.start + 19 * DAY
    assert source.listing(BTC, MARCH.shift(1)).start == MARCH.end
    with pytest.raises(DataError, match="its listing on 2024-03-20"):
        source.listing(BTC, MARCH.shift(-1))
    assert len(polygon_server.asked) == 2


def test_where_the_vendor_names_no_listing_the_first_bar_decides(
    polygon_server: Any, open_vendor: Any
) -> None:
    polygon_server.list_dates["BTCUSD"] = None
    assert open_vendor(polygon_server).listing(BTC, MARCH).start is None
