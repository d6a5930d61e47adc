"""The time in which a symbol was traded: what is expected of history, and what is refused."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.splits import Split
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.list_instruments import list_instruments, publish_instruments
from trading_assets.workflows.listing import declared_splits, micros_of
from trading_assets.workflows.market_month import market_month
from trading_assets.workflows.publish_bars import publish_bars_1m

BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)


@pytest.fixture
def listed_desk(archive: Any, make_desk: Callable[..., Desk]) -> Callable[..., Desk]:
    """Build a desk over the archive that declares when BTCUSDT was traded."""

    def make(**declared: str) -> Desk:
        return make_desk(
            TA_SOURCE="archive",
            TA_ARCHIVE_ROOT=str(archive.root),
            TA_SYMBOLS='["BTCUSDT"]',
            TA_HISTORY_START="2020-01",
            **{f"TA_INSTRUMENTS__BTCUSDT__{k.upper()}": v for k, v in declared.items()},
        )

    return make


def minutes(days: range) -> range:
    return range(days.start * 1440, days.stop * 1440)


def test_history_before_the_listing_is_not_expected(
    archive: Any, listed_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH.shift(-1))
    archive.put_month(MARCH, without=[minutes(range(3))])
    (gap,) = _bars_gaps(listed_desk(), archive)
    assert gap.minutes == 3 * 1440
    assert _bars_gaps(listed_desk(listed="2024-03-04"), archive) == ()
    (gap,) = _bars_gaps(listed_desk(listed="2024-03-02"), archive)
    assert (gap.start, gap.minutes) == (MARCH.start + DAY, 2 * 1440)
    (gap,) = _bars_gaps(listed_desk(listed="2020-03-02"), archive)
    assert gap.minutes == 3 * 1440


def test_history_from_the_delisting_on_is_not_expected(
    archive: Any, listed_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH, without=[minutes(range(20, 31))])
    desk = listed_desk(delisted="2024-03-21", listed="2020-01-01")
    assert _bars_gaps(desk, archive) == ()
    manifest = desk.tables.require("bars_1m", BTC, MARCH)
    assert manifest.extra["expected_end"] == MARCH.start + 20 * DAY
    assert manifest.max_ts == MARCH.start + 20 * DAY - MINUTE
    days = desk.tables.read("bars_1d", BTC, MARCH)
    assert (days.height, days["complete"].all()) == (20, True)


@pytest.mark.parametrize("declared", [{"listed": "2024-03-02"}, {"delisted": "2024-03-31"}])
def test_bars_from_a_time_without_listing_are_another_instrument_and_refused(
    archive: Any, listed_desk: Callable[..., Desk], declared: dict[str, str]
) -> None:
    archive.put_month(MARCH)
    desk = listed_desk(**declared)
    ingest_month(desk, BTC, MARCH)
    with pytest.raises(DataError, match=r"1440 bars of BTCUSDT .* not listed") as caught:
        publish_bars_1m(desk, BTC, MARCH)
    assert "vendor_symbol" in caught.value.fix
    assert desk.tables.current("bars_1m", BTC, MARCH) is None


def test_a_month_without_any_trading_is_not_fetched(
    archive: Any, listed_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH)
    desk = listed_desk(listed="2020-01-01", delisted="2024-03-01")
    with pytest.raises(DataError, match="not traded in 2024-03") as caught:
        ingest_month(desk, BTC, MARCH)
    assert "[2020-01-01, 2024-03-01)" in caught.value.expected


def test_a_changed_declaration_makes_the_month_again(
    archive: Any, listed_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH.shift(-1))
    archive.put_month(MARCH, without=[minutes(range(2))])
    first = _bars_gaps(listed_desk(), archive)
    second = _bars_gaps(listed_desk(listed="2024-03-03"), archive)
    third = _bars_gaps(listed_desk(), archive)
    assert (len(first), len(second), len(third)) == (1, 0, 1)


def test_the_table_of_instruments_holds_the_listing(
    archive: Any, listed_desk: Callable[..., Desk]
) -> None:
    desk = listed_desk(listed="1970-01-01", delisted="2024-03-05", asset_class="equity")
    (found,) = list_instruments(desk)
    assert (found.listed, found.delisted) == (0, micros_of(date(2024, 3, 5)))
    assert (found.asset_class, found.tick) == ("equity", Decimal("0.01"))
    (open_ended,) = list_instruments(listed_desk())
    assert (open_ended.listed, open_ended.delisted) == (None, None)


def test_a_table_from_before_listings_is_published_anew(
    archive: Any, listed_desk: Callable[..., Desk]
) -> None:
    desk = listed_desk(listed="2020-01-01")
    publish_instruments(desk)
    manifest = desk.tables.require("instruments", None, None)
    older = desk.tables.read_manifest(manifest).drop("listed", "delisted")
    desk.tables.publish(
        "instruments", None, None, older, code_version="1", parents={}, extra=manifest.extra
    )
    (found,) = list_instruments(desk)
    assert found.listed == micros_of(date(2020, 1, 1))


def test_splits_are_declared_with_the_instrument(listed_desk: Callable[..., Desk]) -> None:
    desk = listed_desk(splits='[{"ex_date": "2014-06-09", "ratio": "7:1"}]')
    assert declared_splits(desk.settings, BTC) == (Split(date(2014, 6, 9), 7),)
    assert declared_splits(listed_desk().settings, BTC) == ()
    with pytest.raises(ConfigurationError, match=r"BTCUSDT\.splits\.0\.ratio"):
        listed_desk(splits='[{"ex_date": "2014-06-09", "ratio": "7"}]')


def _bars_gaps(desk: Desk, archive: Any) -> tuple[Any, ...]:
    market_month(desk, BTC, MARCH)
    return desk.tables.require("bars_1m", BTC, MARCH).gaps
