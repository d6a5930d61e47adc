"""Asking the vendor again: what it has is taken, what it has not is written down, once."""

from collections.abc import Callable
from typing import Any

import pytest

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.raw_store import RawManifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.market_month import market_month
from trading_assets.workflows.publish_bars import publish_bars_1m
from trading_assets.workflows.repair_month import repair_month

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
DAY_ZIP = "BTCUSDT-1m-2024-03-01.zip"
MONTH_ZIP = "BTCUSDT-1m-2024-03.zip"


def at(minute: int) -> int:
    return MARCH.start + minute * MINUTE


def raw_of(desk: Desk) -> RawManifest:
    return desk.raw.require("archive", BTC, MARCH)


def names(desk: Desk) -> list[tuple[str, str]]:
    return [(i.described.name, i.described.role) for i in raw_of(desk).objects]


@pytest.fixture
def with_hole(archive: Any, archive_desk: Desk) -> Desk:
    """A desk whose month lacks minutes 100 to 129 of its first day."""
    archive.put_month(MARCH, without=[range(100, 130)])
    market_month(archive_desk, BTC, MARCH)
    return archive_desk


def day(csv_of: Callable[..., str], *, without: range = range(0)) -> str:
    return csv_of([at(i) for i in range(1440) if i not in without])


def test_a_days_zip_fills_the_hole_of_the_months_and_stays(
    archive: Any, with_hole: Desk, csv_of: Callable[..., str]
) -> None:
    archive.put("2024-03-01", day(csv_of))
    before = publish_bars_1m(with_hole, BTC, MARCH)
    assert before.metadata["unconfirmed_gaps"] == 1
    repaired = repair_month(with_hole, BTC, MARCH)
    assert (repaired.changed, repaired.metadata["fetched"]) == (True, 1)
    assert names(with_hole) == [(MONTH_ZIP, "listed"), (DAY_ZIP, "repair")]
    after = publish_bars_1m(with_hole, BTC, MARCH)
    assert after.metadata["missing_minutes"] == 0
    assert (after.metadata["repaired"], after.metadata["duplicates"]) == (30, 0)
    for refresh in (False, True):
        again = ingest_month(with_hole, BTC, MARCH, refresh=refresh)
        assert (again.changed, again.version) == (False, repaired.version)
    assert not repair_month(with_hole, BTC, MARCH).changed


def test_what_the_vendor_does_not_have_is_confirmed_once_and_published_with_a_warning(
    archive: Any, with_hole: Desk, csv_of: Callable[..., str]
) -> None:
    archive.put("2024-03-01", day(csv_of, without=range(100, 130)))
    before = publish_bars_1m(with_hole, BTC, MARCH)
    repaired = repair_month(with_hole, BTC, MARCH)
    assert names(with_hole) == [(MONTH_ZIP, "listed")]  # the day's zip had nothing new
    (answer,) = raw_of(with_hole).confirmed
    assert (answer.start, answer.end) == (at(100), at(129))
    assert answer.asked == (MONTH_ZIP, DAY_ZIP)
    assert answer.asked_at > 1_700_000_000_000_000
    after = publish_bars_1m(with_hole, BTC, MARCH)
    assert (after.changed, after.version) == (True, before.version)
    assert after.metadata["unexplained_gaps"] == 1
    assert after.metadata["unconfirmed_gaps"] == 0
    manifest = with_hole.tables.require("bars_1m", BTC, MARCH)
    assert manifest.gaps == (Gap(at(100), at(129), 30),)
    assert manifest.extra["confirmed"] == [
        [at(100), at(129), answer.asked_at, [MONTH_ZIP, DAY_ZIP]]
    ]
    once_more = repair_month(with_hole, BTC, MARCH)
    assert (once_more.changed, once_more.version) == (False, repaired.version)
    assert ingest_month(with_hole, BTC, MARCH).version == repaired.version


def test_a_part_is_taken_and_the_rest_confirmed(
    archive: Any, with_hole: Desk, csv_of: Callable[..., str]
) -> None:
    archive.put("2024-03-01", day(csv_of, without=range(110, 115)))
    repair_month(with_hole, BTC, MARCH)
    (answer,) = raw_of(with_hole).confirmed
    assert (answer.start, answer.end) == (at(110), at(114))
    after = publish_bars_1m(with_hole, BTC, MARCH)
    assert (after.metadata["missing_minutes"], after.metadata["repaired"]) == (5, 25)
    assert after.metadata["unconfirmed_gaps"] == 0


def test_a_confirmed_gap_is_asked_for_again_when_a_person_says_so(
    archive: Any, with_hole: Desk, csv_of: Callable[..., str]
) -> None:
    repair_month(with_hole, BTC, MARCH)
    (first,) = raw_of(with_hole).confirmed
    assert first.asked == (MONTH_ZIP,)
    archive.put("2024-03-01", day(csv_of))
    assert not repair_month(with_hole, BTC, MARCH).changed
    assert repair_month(with_hole, BTC, MARCH, again=True).changed
    assert raw_of(with_hole).confirmed == ()
    assert publish_bars_1m(with_hole, BTC, MARCH).metadata["missing_minutes"] == 0


def test_files_that_disagree_block_and_the_minute_is_named(
    archive: Any, with_hole: Desk, csv_of: Callable[..., str]
) -> None:
    good = with_hole.tables.require("bars_1m", BTC, MARCH)
    text = csv_of([at(7)])
    archive.put("2024-03-01", day(csv_of).replace(text, text.replace(",1.5,", ",1.75,")))
    repair_month(with_hole, BTC, MARCH)
    with pytest.raises(DataError, match="two files of the vendor disagree") as caught:
        publish_bars_1m(with_hole, BTC, MARCH)
    assert caught.value.found == "1 minutes: 2024-03-01 00:07: volume 1.5, now 1.75"
    assert with_hole.tables.require("bars_1m", BTC, MARCH) == good


def test_a_months_zip_that_was_replaced_is_fetched_anew(archive: Any, with_hole: Desk) -> None:
    archive.put_month(MARCH)
    repaired = repair_month(with_hole, BTC, MARCH)
    assert (repaired.metadata["fetched"], repaired.metadata["confirmed_gaps"]) == (1, 0)
    assert publish_bars_1m(with_hole, BTC, MARCH).metadata["missing_minutes"] == 0


def test_a_repair_that_was_damaged_on_disk_comes_again(
    archive: Any, with_hole: Desk, csv_of: Callable[..., str]
) -> None:
    archive.put("2024-03-01", day(csv_of))
    version = repair_month(with_hole, BTC, MARCH).version
    (path,) = with_hole.raw.root.rglob("BTCUSDT-1m-2024-03-01*.zip")
    path.unlink()
    assert ingest_month(with_hole, BTC, MARCH).version == version
    assert path.exists()


def test_a_month_without_gaps_asks_nobody(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    first = market_month(archive_desk, BTC, MARCH)[0]
    for path in archive.root.rglob("*.zip*"):
        path.unlink()
    repaired = repair_month(archive_desk, BTC, MARCH)
    assert (repaired.changed, repaired.version) == (False, first.version)


def test_nothing_is_repaired_that_was_never_fetched(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    with pytest.raises(MissingPartition):
        repair_month(archive_desk, BTC, MARCH)


def test_pages_of_the_venue_are_asked_for_again(make_desk: Callable[..., Desk]) -> None:
    """The embedded exchange has an outage in this month, and says the same each time."""
    desk = make_desk(TA_SYMBOLS='["BTCUSDT"]', TA_HISTORY_START="2024-01")
    before = market_month(desk, BTC, Month(2024, 2))
    missing = before[1].metadata["unconfirmed_gaps"]
    assert missing > 0
    repaired = repair_month(desk, BTC, Month(2024, 2))
    assert 0 < repaired.metadata["fetched"] < before[0].rows
    assert repaired.metadata["confirmed_gaps"] == missing
    after = publish_bars_1m(desk, BTC, Month(2024, 2))
    assert (after.version, after.metadata["unconfirmed_gaps"]) == (before[1].version, 0)
