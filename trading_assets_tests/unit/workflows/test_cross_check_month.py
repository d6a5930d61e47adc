"""A second opinion on a month, and what the graph makes of it."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from trading_assets.defs.assets.second_source import judge_second_source
from trading_assets.defs.partition_events import Finding
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.settings import load_settings
from trading_assets.workflows.cross_check_month import CrossCheck, cross_check_month
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_month import market_month

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
KEY = "2024-03|BTCUSDT"


@pytest.fixture
def other(archive: Any, tmp_path: Path) -> Any:
    """A mirror of another vendor, beside the first one."""
    return type(archive)(tmp_path / "other")


@pytest.fixture
def desk(archive: Any, other: Any, make_desk: Callable[..., Desk]) -> Desk:
    return make_desk(**two_sources(archive, other))


def two_sources(archive: Any, other: Any) -> dict[str, str]:
    return {
        "TA_SOURCE": "archive",
        "TA_ARCHIVE_ROOT": str(archive.root),
        "TA_SOURCES__SECOND__KIND": "binance_archive",
        "TA_SOURCES__SECOND__ROOT": str(other.root),
        "TA_QUALITY__CROSS_CHECK": "second",
    }


def checked(desk: Desk) -> CrossCheck:
    with desk.history() as sources:
        return cross_check_month(desk, BTC, MARCH, sources=sources)


def judged(desk: Desk) -> Finding:
    with desk.history() as sources:
        (finding,) = judge_second_source(desk, sources, KEY)
    return finding


def minutes(frame: pl.DataFrame) -> list[int]:
    return [(ts - MARCH.start) // 60_000_000 for ts in frame["ts"].to_physical()]


def test_sources_that_agree_pass(archive: Any, other: Any, desk: Desk) -> None:
    for mirror in (archive, other):
        mirror.put_month(MARCH, without=[range(100, 110)])
    before = market_month(desk, BTC, MARCH)[1]
    found = checked(desk)
    assert (found.first, found.second) == ("archive", "second")
    assert (found.compared, found.minutes.height) == (44_640 - 10, 0)
    assert judged(desk).passed
    assert market_month(desk, BTC, MARCH)[1].version == before.version


def test_every_kind_of_difference_is_listed_and_values_and_holes_of_ours_block(
    archive: Any, other: Any, desk: Desk
) -> None:
    archive.put_month(MARCH, without=[range(100, 102)])
    path = other.put_month(MARCH, without=[range(200, 203)])
    replace_in(other, path, ",1.5,", ",1.75,")
    market_month(desk, BTC, MARCH)
    found = checked(desk)
    assert minutes(found.only_second) == [100, 101]
    assert minutes(found.only_first) == [200, 201, 202]
    assert minutes(found.differing) == [0]
    assert found.differing["volume_new"].to_list() == [1.75]
    finding = judged(desk)
    assert not finding.passed
    assert finding.severity is dg.AssetCheckSeverity.ERROR
    assert finding.description is not None
    assert "2024-03-01 00:00: volume 1.5, now 1.75" in finding.description
    assert finding.metadata["compared"] == 44_640 - 5


def test_amounts_are_not_compared_where_the_second_source_is_another_venue(
    archive: Any, other: Any, desk: Desk, make_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH)
    path = other.put_month(MARCH)
    replace_in(other, path, ",1.5,", ",1.75,")
    market_month(desk, BTC, MARCH)
    assert checked(desk).left_out == ()
    assert not judged(desk).passed
    prices_only = make_desk(**two_sources(archive, other), TA_QUALITY__CROSS_CHECK_AMOUNTS="false")
    assert checked(prices_only).left_out == ("volume", "quote_volume", "n_trades")
    finding = judged(prices_only)
    assert finding.passed
    assert finding.metadata["not_compared"] == "volume, quote_volume, n_trades"
    replace_in(other, path, ",3,", ",4,")
    assert judged(prices_only).passed
    replace_in(other, path, "101.3,", "101.31,")
    assert not judged(prices_only).passed


def test_an_amount_that_a_source_never_gives_is_not_compared(
    archive: Any, other: Any, desk: Desk
) -> None:
    archive.put_month(MARCH)
    path = other.put_month(MARCH)
    replace_in(other, path, ",1.5,", ",0.0,", count=-1)
    market_month(desk, BTC, MARCH)
    assert checked(desk).left_out == ("volume",)
    assert judged(desk).passed
    replace_in(other, path, ",0.0,", ",1.5,")
    assert checked(desk).left_out == ()
    assert checked(desk).differing.height == 44_640 - 1


def test_a_hole_of_the_second_source_warns(archive: Any, other: Any, desk: Desk) -> None:
    archive.put_month(MARCH)
    other.put_month(MARCH, without=[range(200, 203)])
    market_month(desk, BTC, MARCH)
    finding = judged(desk)
    assert (finding.passed, finding.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_month_that_the_second_source_does_not_have_warns(archive: Any, desk: Desk) -> None:
    archive.put_month(MARCH)
    market_month(desk, BTC, MARCH)
    finding = judged(desk)
    assert (finding.passed, finding.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "no file of BTCUSDT" in (finding.description or "")


def test_a_source_is_no_second_opinion_on_itself(
    archive: Any, archive_desk: Desk, make_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH)
    market_month(archive_desk, BTC, MARCH)
    with pytest.raises(ConfigurationError, match="no second source for BTCUSDT"):
        checked(archive_desk)
    same = make_desk(
        TA_SOURCE="archive",
        TA_ARCHIVE_ROOT=str(archive.root),
        TA_QUALITY__CROSS_CHECK="archive",
    )
    assert judged(same).passed


def test_an_unknown_second_source_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"quality\.cross_check names no source"):
        load_settings({"TA_QUALITY__CROSS_CHECK": "polygone"})


def replace_in(mirror: Any, path: Path, old: str, new: str, count: int = 1) -> None:
    """Change the first minutes of a zip, or all, and sign it again."""
    with zipfile.ZipFile(path) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    mirror.put(path.stem.removeprefix("BTCUSDT-1m-"), text.replace(old, new, count))
