"""From raw bytes to canonical bars, and to larger ones."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE, Gap, Timeframe
from trading_assets.domain.errors import CorruptFile, DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA, row_content_hash
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import traits_of
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.market_month import larger_bars, market_month
from trading_assets.workflows.publish_bars import publish_bars_1m
from trading_assets.workflows.resample_month import resample_month

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
ALL_MINUTES = 31 * 1440


def at(minute: int) -> int:
    return MARCH.start + minute * MINUTE


def test_a_month_becomes_bars_with_its_gaps_and_parents(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(Month(2024, 2))
    archive.put_month(MARCH, without=[range(100, 130), range(ALL_MINUTES - 5, ALL_MINUTES)])
    raw = ingest_month(archive_desk, BTC, MARCH)
    published = publish_bars_1m(archive_desk, BTC, MARCH)
    manifest = archive_desk.tables.require("bars_1m", BTC, MARCH)
    assert manifest.gaps == (
        Gap(at(100), at(129), 30),
        Gap(at(ALL_MINUTES - 5), at(ALL_MINUTES - 1), 5),
    )
    assert manifest.parents == {
        "raw_klines/BTCUSDT/2024-03": raw.version,
        "source/archive": traits_of(archive_desk.settings, "archive").version,
    }
    frame = archive_desk.tables.read("bars_1m", BTC, MARCH)
    assert frame.schema == BAR_SCHEMA
    assert frame.height == published.rows == ALL_MINUTES - 35
    assert set(frame["source"]) == {"archive"}
    assert published.version == manifest.version == row_content_hash(frame)
    assert published.metadata["missing_minutes"] == 35
    assert published.metadata["first"] == "2024-03-01 00:00"
    assert published.metadata["file_sha256"] == manifest.file_sha256


def test_larger_bars_follow(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH, without=[range(100, 130)])
    raw, minutes, fives, hours, days = market_month(archive_desk, BTC, MARCH)
    assert [p.table for p in (raw, minutes, fives, hours, days)] == [
        "raw_klines",
        "bars_1m",
        "bars_5m",
        "bars_1h",
        "bars_1d",
    ]
    assert fives.rows == ALL_MINUTES // 5 - 6
    assert (hours.rows, hours.metadata["incomplete"]) == (744, 2)
    assert days.parents == {"bars_1m/BTCUSDT/2024-03": minutes.version}
    with pytest.raises(DataError, match="not resampled"):
        resample_month(archive_desk, BTC, MARCH, Timeframe.M1)


def test_a_size_that_is_asked_for_is_published_besides(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    published = market_month(archive_desk, BTC, MARCH, asked=(Timeframe.M15, Timeframe.M1))
    assert [p.table for p in published[2:]] == ["bars_5m", "bars_15m", "bars_1h", "bars_1d"]
    assert published[3].rows == ALL_MINUTES // 15


class CountingTables(PartitionStore):
    """The tables, with a list of what was read of them."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reads: list[str] = []

    def read_manifest(self, manifest: Manifest) -> pl.DataFrame:
        self.reads.append(manifest.address)
        return super().read_manifest(manifest)


def test_minutes_are_read_once_for_all_larger_bars_of_a_month_and_never_for_another(
    archive: Any, archive_desk: Desk
) -> None:
    archive.put_month(Month(2024, 2))
    archive.put_month(MARCH)
    tables = CountingTables(archive_desk.tables.root)
    desk = dataclasses.replace(archive_desk, tables=tables)
    for month in (Month(2024, 2), MARCH):
        market_month(desk, BTC, month)
    assert tables.reads == ["bars_1m/BTCUSDT/2024-02", "bars_1m/BTCUSDT/2024-03"]
    path = tables.path(tables.require("bars_1m", BTC, MARCH))
    path.write_bytes(path.read_bytes()[:-1])
    (tables.folder("bars_1d", BTC, MARCH) / "manifest-1.json").unlink()
    with pytest.raises(CorruptFile, match="is damaged"):
        larger_bars(desk, BTC, MARCH)


def test_doing_it_again_changes_nothing(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    first = market_month(archive_desk, BTC, MARCH)
    again = market_month(archive_desk, BTC, MARCH)
    assert all(p.changed for p in first)
    assert not any(p.changed for p in again)
    assert [p.version for p in again] == [p.version for p in first]
    assert [p.metadata for p in again[1:]] == [p.metadata for p in first[1:]]


def test_a_restated_month_reaches_all_tables_and_keeps_its_past(
    archive: Any, archive_desk: Desk
) -> None:
    archive.put_month(MARCH, without=[range(100, 130)])
    first = market_month(archive_desk, BTC, MARCH)
    archive.put_month(MARCH)
    second = market_month(archive_desk, BTC, MARCH)
    assert all(p.changed for p in second)
    assert all(a.version != b.version for a, b in zip(first, second, strict=True))
    old, new = archive_desk.tables.history("bars_1m", BTC, MARCH)
    assert (len(old.gaps), len(new.gaps)) == (1, 0)
    assert archive_desk.tables.read_manifest(old).height == ALL_MINUTES - 30


def test_a_gap_that_is_too_long_blocks_and_the_last_good_version_stays(
    archive: Any, archive_desk: Desk, make_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH, without=[range(100, 200)])
    good = market_month(archive_desk, BTC, MARCH)[1]
    archive.put_month(MARCH, without=[range(100, 4421)])
    ingest_month(archive_desk, BTC, MARCH)
    with pytest.raises(DataError, match=r"quality\.max_gap_minutes") as caught:
        publish_bars_1m(archive_desk, BTC, MARCH)
    assert "4321 minutes, from 2024-03-01 01:40 to 2024-03-04 01:40" in caught.value.found
    assert archive_desk.tables.require("bars_1m", BTC, MARCH).version == good.version
    variables = {"TA_SOURCE": "archive", "TA_ARCHIVE_ROOT": str(archive.root)}
    patient = make_desk(**variables, TA_QUALITY__MAX_GAP_MINUTES="5000")
    assert publish_bars_1m(patient, BTC, MARCH).metadata["missing_minutes"] == 4321
    strict = make_desk(**variables, TA_QUALITY__MAX_GAP_MINUTES="10")
    with pytest.raises(DataError, match="at most 10 minutes"):
        publish_bars_1m(strict, BTC, MARCH)


def test_contradictions_between_files_are_shown_and_nothing_is_published(
    archive: Any, archive_desk: Desk, csv_of: Callable[..., str]
) -> None:
    opens = [at(i) for i in range(ALL_MINUTES)]
    conflict = csv_of([at(7)]).replace(",1.5,", ",1.75,")
    archive.put("2024-03", csv_of(opens) + conflict)
    ingest_month(archive_desk, BTC, MARCH)
    with pytest.raises(DataError, match="different values for one open time") as caught:
        publish_bars_1m(archive_desk, BTC, MARCH)
    assert "volume 1.75" in caught.value.found
    assert archive_desk.tables.current("bars_1m", BTC, MARCH) is None


def test_repetitions_and_bars_off_the_grid_are_counted(
    archive: Any, archive_desk: Desk, csv_of: Callable[..., str]
) -> None:
    opens = [at(i) for i in range(ALL_MINUTES)]
    text = csv_of([*opens, *opens[50:60], at(70) + 5_000_000])
    archive.put("2024-03", text)
    published = market_month(archive_desk, BTC, MARCH)[1]
    assert (published.metadata["duplicates"], published.metadata["off_grid"]) == (10, 1)
    assert published.metadata["missing_minutes"] == 0


def test_an_empty_zip_is_not_a_month(archive: Any, archive_desk: Desk) -> None:
    archive.put("2024-03", "")
    ingest_month(archive_desk, BTC, MARCH)
    with pytest.raises(DataError, match="no bars of BTCUSDT in 2024-03"):
        publish_bars_1m(archive_desk, BTC, MARCH)


def test_a_zip_with_another_month_inside_is_refused(
    archive: Any, archive_desk: Desk, csv_of: Callable[..., str]
) -> None:
    archive.put("2024-03", csv_of([MARCH.start - DAY]))
    ingest_month(archive_desk, BTC, MARCH)
    with pytest.raises(DataError, match="do not belong to 2024-03"):
        publish_bars_1m(archive_desk, BTC, MARCH)


def test_steps_say_what_they_need(archive: Any, archive_desk: Desk) -> None:
    with pytest.raises(MissingPartition, match="Materialise raw_klines"):
        publish_bars_1m(archive_desk, BTC, MARCH)
    with pytest.raises(MissingPartition, match="Materialise bars_1m"):
        resample_month(archive_desk, BTC, MARCH, Timeframe.M5)


def test_damage_is_found_on_the_way(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    market_month(archive_desk, BTC, MARCH)
    minutes = archive_desk.tables.require("bars_1m", BTC, MARCH)
    path = archive_desk.tables.path(minutes)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CorruptFile, match=r"part-.*parquet is damaged"):
        publish_bars_1m(archive_desk, BTC, MARCH)
    (raw_file,) = archive_desk.raw.root.rglob("*.zip")
    raw_file.unlink()
    path.unlink()
    with pytest.raises(CorruptFile, match=r"zip is missing"):
        publish_bars_1m(archive_desk, BTC, MARCH)
