"""EODHD: what is asked for, and what is refused."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import CorruptFile, DataError, NotTraded, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.decoding import decode

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
DECEMBER = Month(2025, 12)


def opens(source: Any, wanted: Any) -> list[int]:
    frame = decode(wanted.kind, source.fetch(BTC, wanted), wanted.name)
    return list(frame["ts"].to_physical().to_list())


def test_a_month_of_minutes_is_four_windows_that_end_before_the_next(
    eodhd_server: Any, open_vendor: Any
) -> None:
    source = open_vendor(eodhd_server, timeframe="1m")
    objects = source.listing(BTC, MARCH).objects
    starts = [MARCH.start + days * DAY for days in (0, 8, 16, 24)]
    assert [item.start for item in objects] == starts
    assert opens(source, objects[1]) == list(range(starts[1], starts[2], MINUTE))
    query = dict(eodhd_server.asked[-1].query)
    assert query.pop("api_token") == eodhd_server.key
    assert query == {
        "interval": "1m",
        "from": str(starts[1] // 1_000_000),
        "to": str(starts[2] // 1_000_000 - 1),
        "fmt": "json",
    }


def test_a_month_of_days_is_one_window_and_is_labelled_by_date(
    eodhd_server: Any, open_vendor: Any
) -> None:
    source = open_vendor(eodhd_server)
    (wanted,) = source.listing(BTC, MARCH).objects
    assert opens(source, wanted) == list(range(MARCH.start, MARCH.end, DAY))
    query = eodhd_server.asked[-1].query
    assert (query["from"], query["to"], query["period"]) == ("2024-03-01", "2024-03-31", "d")


def test_only_days_that_the_vendor_has_delivered_are_asked_for(
    eodhd_server: Any, open_vendor: Any, clock: Any
) -> None:
    clock.instant = DECEMBER.start + 10 * DAY + 239 * MINUTE
    eodhd_server.now = datetime(2025, 12, 11, 3, 59, tzinfo=UTC)
    source = open_vendor(eodhd_server, timeframe="1m")
    listing = source.listing(BTC, DECEMBER)
    assert listing.end == DECEMBER.start + 9 * DAY
    assert [item.finished for item in listing.objects] == [True, False]
    assert opens(source, listing.objects[1])[-1] == listing.end - MINUTE
    clock.instant += MINUTE
    assert source.listing(BTC, DECEMBER).end == DECEMBER.start + 10 * DAY
    clock.instant = DECEMBER.start + 60 * MINUTE
    with pytest.raises(NotTraded, match="no bars of BTCUSDT for 2025-12 yet"):
        source.listing(BTC, DECEMBER)


def test_in_its_first_month_the_first_bar_decides(eodhd_server: Any, open_vendor: Any) -> None:
    eodhd_server.first_days["BTC-USD.CC"] = date(2024, 3, 20)
    source = open_vendor(eodhd_server)
    assert source.listing(BTC, MARCH).start is None
    assert source.listing(BTC, MARCH.shift(1)).start == MARCH.end
    with pytest.raises(DataError, match="its first bar in 2024-03"):
        source.listing(BTC, MARCH.shift(-1))
    assert [asked.query["period"] for asked in eodhd_server.asked] == ["m"]


def test_a_name_without_an_exchange_is_never_asked_for(eodhd_server: Any, open_vendor: Any) -> None:
    source = open_vendor(eodhd_server)
    with pytest.raises(UnknownSymbol, match=r"AAPL.US.*vendor_symbol in \[instruments.ETHUSDT\]"):
        source.listing(Symbol("ETHUSDT"), MARCH)
    assert eodhd_server.asked == []
    eodhd_server.first_days.clear()
    with pytest.raises(UnknownSymbol, match="HTTP 404 Ticker Not Found"):
        source.listing(BTC, MARCH)


def test_an_answer_about_something_else_is_not_stored(eodhd_server: Any, open_vendor: Any) -> None:
    source = open_vendor(eodhd_server, timeframe="1m")
    wanted = source.listing(BTC, MARCH).objects[1]
    eodhd_server.ignores_span = True
    with pytest.raises(CorruptFile, match="not about what was asked"):
        source.fetch(BTC, wanted)
    eodhd_server.ignores_span = False
    eodhd_server.rewrite = lambda rows: [
        row | {"timestamp": row["timestamp"] + 8 * 86_400} for row in rows
    ]
    with pytest.raises(CorruptFile, match="not about what was asked"):
        source.fetch(BTC, wanted)
    eodhd_server.rewrite = lambda rows: [
        {"date": "2024-03-10", **{k: row[k] for k in ("open", "high", "low", "close", "volume")}}
        for row in rows[:1]
    ]
    with pytest.raises(CorruptFile, match="bars of another size"):
        source.fetch(BTC, wanted)


def test_a_day_that_is_adjusted_in_part_is_not_stored(eodhd_server: Any, open_vendor: Any) -> None:
    source = open_vendor(eodhd_server)
    (wanted,) = source.listing(BTC, MARCH).objects
    eodhd_server.rewrite = lambda rows: [row | {"close": row["adjusted_close"]} for row in rows]
    with pytest.raises(CorruptFile, match="mixes adjusted and unadjusted"):
        source.fetch(BTC, wanted)
