"""Which outages explain the gaps of which source, from the shipped table and from the user's."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.known_outages import known_outages, venues_of
from trading_assets.workflows.market_month import market_month
from trading_assets.workflows.publish_bars import publish_bars_1m

BTC, ETH = Symbol("BTCUSDT"), Symbol("ETHUSDT")
MARCH = Month(2024, 3)
HEADER = "venue,symbol,first_missing,last_missing,cause,evidence\n"
OUTAGE = "archive,BTCUSDT,2024-03-01 01:40,2024-03-01 03:19,venue_outage,their notice\n"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "outages.csv"
    path.write_text(HEADER + OUTAGE)
    return path


@pytest.fixture
def knowing(archive: Any, make_desk: Callable[..., Desk], mine: Path) -> Callable[..., Desk]:
    def desk(**others: str) -> Desk:
        return make_desk(
            TA_SOURCE="archive",
            TA_ARCHIVE_ROOT=str(archive.root),
            TA_QUALITY__OUTAGES=str(mine),
            **others,
        )

    return desk


def causes(desk: Desk) -> dict[int, str]:
    manifest = desk.tables.require("bars_1m", BTC, MARCH)
    return {gap.minutes: gap.cause for gap in manifest.gaps}


def test_gaps_get_the_cause_of_the_outage_that_they_lie_in(
    archive: Any, knowing: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH, without=[range(100, 200), range(300, 310)])
    desk = knowing()
    ingest_month(desk, BTC, MARCH)
    published = publish_bars_1m(desk, BTC, MARCH)
    assert causes(desk) == {100: "venue_outage", 10: "unexplained"}
    assert published.metadata["gaps"] == 2
    assert published.metadata["unexplained_gaps"] == 1


def test_an_explained_gap_is_published_where_an_unexplained_one_blocks(
    archive: Any, knowing: Callable[..., Desk], mine: Path
) -> None:
    archive.put_month(MARCH, without=[range(100, 200)])
    desk = knowing(TA_QUALITY__MAX_GAP_MINUTES="10")
    ingest_month(desk, BTC, MARCH)
    assert publish_bars_1m(desk, BTC, MARCH).metadata["missing_minutes"] == 100
    mine.write_text(HEADER + OUTAGE.replace("BTCUSDT", "ETHUSDT"))
    with pytest.raises(DataError, match="gap that is too long"):
        publish_bars_1m(desk, BTC, MARCH)


def test_a_table_that_changed_publishes_the_same_rows_with_other_causes(
    archive: Any, knowing: Callable[..., Desk], mine: Path
) -> None:
    archive.put_month(MARCH, without=[range(100, 200)])
    desk = knowing()
    ingest_month(desk, BTC, MARCH)
    first = publish_bars_1m(desk, BTC, MARCH)
    assert not publish_bars_1m(desk, BTC, MARCH).changed
    mine.write_text(HEADER)
    second = publish_bars_1m(desk, BTC, MARCH)
    assert (second.changed, second.version) == (True, first.version)
    assert causes(desk) == {100: "unexplained"}
    assert "outages/BTCUSDT/2024-03" in first.parents
    assert "outages/BTCUSDT/2024-03" not in second.parents


def test_a_new_explanation_reaches_the_larger_bars_and_makes_no_new_rows(
    archive: Any, knowing: Callable[..., Desk], mine: Path
) -> None:
    archive.put_month(MARCH, without=[range(100, 200)])
    mine.write_text(HEADER)
    desk = knowing()
    first = market_month(desk, BTC, MARCH)
    assert not any(item.changed for item in market_month(desk, BTC, MARCH))
    mine.write_text(HEADER + OUTAGE)
    second = market_month(desk, BTC, MARCH)
    assert [item.version for item in second] == [item.version for item in first]
    for published in second[1:]:
        (gap,) = desk.tables.require(published.table, BTC, MARCH).gaps
        assert (published.changed, gap.cause) == (True, "venue_outage")
        assert published.metadata["explained_set"] == second[1].metadata["explained_set"]
    assert not any("explained_set" in item.metadata for item in first)


def test_another_factor_for_jumps_makes_another_report(
    archive: Any, knowing: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH)
    desk = knowing()
    ingest_month(desk, BTC, MARCH)
    publish_bars_1m(desk, BTC, MARCH)
    other = knowing(TA_QUALITY__JUMP_FACTOR="1.5")
    assert publish_bars_1m(other, BTC, MARCH).changed
    assert other.tables.require("bars_1m", BTC, MARCH).extra["jump_factor"] == 1.5


def test_the_real_venues_outages_are_those_of_its_archive_and_its_api_only(
    make_desk: Callable[..., Desk],
) -> None:
    settings = make_desk(
        TA_SOURCES__FUTURES__KIND="binance_archive",
        TA_SOURCES__FUTURES__MARKET="um",
        TA_SOURCES__SPOT__KIND="binance_archive",
    ).settings
    assert venues_of(settings, "archive") == ("archive", "binance_spot")
    assert venues_of(settings, "binance") == ("binance", "binance_spot")
    assert venues_of(settings, "spot") == ("spot", "binance_spot")
    assert venues_of(settings, "futures") == ("futures", "binance_um")
    assert venues_of(settings, "embedded") == ("embedded",)
    test_net = make_desk(TA_BINANCE__API_URL="https://testnet.binance.vision/api").settings
    assert venues_of(test_net, "binance") == ("binance",)


def test_the_shipped_table_explains_one_symbol_and_no_other(
    make_desk: Callable[..., Desk],
) -> None:
    settings, june = make_desk().settings, Month(2018, 6)
    (outage,) = known_outages(settings, "archive", BTC, june)
    assert (outage.end - outage.start) // 60_000_000 + 1 == 600
    assert known_outages(settings, "archive", ETH, june) == ()
    assert known_outages(settings, "embedded", BTC, june) == ()


def test_a_table_that_is_not_there_is_said(make_desk: Callable[..., Desk]) -> None:
    desk = make_desk(TA_QUALITY__OUTAGES="no/such.csv")
    with pytest.raises(ConfigurationError, match=r"quality\.outages") as caught:
        known_outages(desk.settings, "archive", BTC, MARCH)
    assert str(desk.settings.home / "no/such.csv") in caught.value.found


def test_what_lies_outside_the_sessions_of_a_calendar_is_no_gap(
    archive: Any, knowing: Callable[..., Desk]
) -> None:
    """XNYS opens on Friday, 1 March 2024, at 14:30 UTC and closes at 21:00."""
    archive.put_month(Month(2024, 2))
    archive.put_month(MARCH, without=[range(900), range(1200, 1210), range(1300, 1440)])
    desk = knowing(TA_INSTRUMENTS__BTCUSDT__CALENDAR="XNYS")
    ingest_month(desk, BTC, MARCH)
    published = publish_bars_1m(desk, BTC, MARCH)
    assert causes(desk) == {30: "unexplained", 10: "unexplained"}
    assert "sessions_xnys/2024-03" in published.parents
