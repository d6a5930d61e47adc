"""Fetching a month: idempotent, versioned, and never half."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import (
    CorruptFile,
    DataError,
    MissingPartition,
    UnknownSymbol,
    VenueUnavailable,
)
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.history import HistorySource, VendorObject
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import open_history, traits_of
from trading_assets.workflows.ingest_month import ingest_month
from trading_assets.workflows.publish_bars import publish_bars_1m

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)


class CountingHistory:
    """A source that counts what is fetched from another one."""

    def __init__(self, source: HistorySource) -> None:
        self._source = source
        self.name, self.store = source.name, source.store
        self.now, self.listing = source.now, source.listing
        self.instruments = source.instruments
        self.fetched: list[str] = []

    def fetch(self, symbol: Symbol, wanted: VendorObject) -> bytes:
        self.fetched.append(wanted.name)
        return self._source.fetch(symbol, wanted)


class FixedClock:
    def __init__(self, instant: Micros) -> None:
        self.instant = instant

    def now(self) -> Micros:
        return self.instant

    def wait(self, seconds: float) -> None:
        self.instant += int(seconds * 1_000_000)


def ingest_counted(desk: Desk, month: Month = MARCH, **options: Any) -> tuple[Any, list[str]]:
    with desk.history() as sources:
        counting = CountingHistory(sources.of(BTC))
        return ingest_month(desk, BTC, month, history=counting, **options), counting.fetched


def files_of(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


def test_a_month_is_fetched_once(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    first, fetched = ingest_counted(archive_desk)
    assert fetched == ["BTCUSDT-1m-2024-03.zip"]
    assert (first.table, first.symbol, first.month, first.changed) == (
        "raw_klines",
        BTC,
        MARCH,
        True,
    )
    assert first.metadata["fetched"] == 1
    again, fetched = ingest_counted(archive_desk)
    assert fetched == []
    assert (again.changed, again.version) == (False, first.version)
    _, fetched = ingest_counted(archive_desk, refresh=True)
    assert len(fetched) == 1


def test_only_new_days_of_the_current_month_are_fetched(
    archive: Any, archive_desk: Desk, csv_of: Callable[..., str]
) -> None:
    clock = FixedClock(MARCH.start + 2 * DAY + MINUTE)
    desk = dataclasses.replace(
        archive_desk, clock=clock, history=lambda: open_history(archive_desk.settings, clock)
    )
    days = [[MARCH.start + day * DAY + i * MINUTE for i in range(1440)] for day in range(3)]
    for number in (1, 2):
        archive.put(f"2024-03-{number:02d}", csv_of(days[number - 1]))
    first, fetched = ingest_counted(desk)
    assert len(fetched) == 2
    assert first.metadata["expected_until"] == "2024-03-03 00:00"
    archive.put("2024-03-03", csv_of(days[2]))
    clock.instant += DAY
    second, fetched = ingest_counted(desk)
    assert fetched == ["BTCUSDT-1m-2024-03-03.zip"]
    assert second.version != first.version


def test_what_the_vendor_restates_is_a_new_version_and_the_old_bytes_stay(
    archive: Any, archive_desk: Desk
) -> None:
    path = archive.put_month(MARCH)
    old = path.read_bytes()
    first, _ = ingest_counted(archive_desk)
    archive.put_month(MARCH, without=[range(10, 12)])
    second, fetched = ingest_counted(archive_desk)
    assert len(fetched) == 1
    assert second.changed
    assert second.version != first.version
    original, restated = archive_desk.raw.history("archive", BTC, MARCH)
    assert archive_desk.raw.read(original, original.objects[0]) == old
    assert restated.version == second.version


def test_a_damaged_raw_file_is_noticed(archive: Any, archive_desk: Desk) -> None:
    archive.put_month(MARCH)
    ingest_month(archive_desk, BTC, MARCH)
    manifest = archive_desk.raw.require("archive", BTC, MARCH)
    path = archive_desk.raw.path(manifest, manifest.objects[0])
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match=r"BTCUSDT-1m-2024-03-.*zip is damaged"):
        ingest_month(archive_desk, BTC, MARCH)
    path.unlink()
    assert not ingest_month(archive_desk, BTC, MARCH).changed
    assert archive_desk.raw.verify().faults == ()


@pytest.mark.parametrize("fault", ["checksum", "no checksum", "zip"])
def test_bad_bytes_are_named_and_nothing_is_stored(
    archive: Any, archive_desk: Desk, fault: str
) -> None:
    path = archive.put_month(MARCH)
    if fault == "no checksum":
        path.with_name(path.name + ".CHECKSUM").unlink()
    else:
        path.write_bytes(path.read_bytes()[:-100])
        if fault == "zip":
            archive.sign(path)
    with pytest.raises(CorruptFile, match=r"BTCUSDT-1m-2024-03\.zip"):
        ingest_month(archive_desk, BTC, MARCH)
    assert files_of(archive_desk.raw.root) == []


def test_a_zip_that_the_vendor_itself_packed_wrongly_makes_no_bars_until_it_has_another(
    archive: Any, archive_desk: Desk
) -> None:
    path = archive.put_month(MARCH)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    archive.sign(path)
    ingest_month(archive_desk, BTC, MARCH)
    with pytest.raises(CorruptFile, match=r"Zip BTCUSDT-1m-2024-03\.zip cannot be opened"):
        publish_bars_1m(archive_desk, BTC, MARCH)
    assert archive_desk.tables.tables() == ()
    archive.put_month(MARCH)
    assert ingest_month(archive_desk, BTC, MARCH).metadata["fetched"] == 1
    assert publish_bars_1m(archive_desk, BTC, MARCH).rows == MARCH.days * 1440


def test_what_is_outside_the_graph_is_refused(archive: Any, archive_desk: Desk) -> None:
    with pytest.raises(UnknownSymbol, match="not configured"):
        ingest_month(archive_desk, Symbol("ETHUSDT"), MARCH)
    with pytest.raises(DataError, match="before history starts"):
        ingest_month(archive_desk, BTC, Month(2019, 12))
    with pytest.raises(DataError, match="in the future"):
        ingest_month(archive_desk, BTC, Month(2999, 1))
    with pytest.raises(MissingPartition, match="no file of BTCUSDT for 2024-03"):
        ingest_month(archive_desk, BTC, MARCH)
    assert files_of(archive_desk.raw.root) == []


def test_a_source_that_is_down_leaves_everything_as_it_was(
    make_desk: Callable[..., Desk], closed_port: int
) -> None:
    desk = make_desk(
        TA_SOURCE="binance",
        TA_BINANCE__API_URL=f"http://127.0.0.1:{closed_port}/api",
        TA_BINANCE__MAX_ATTEMPTS="1",
    )
    assert traits_of(desk.settings, "binance").store == f"binance-127.0.0.1-{closed_port}"
    with pytest.raises(VenueUnavailable, match="cannot reach the venue"):
        ingest_month(desk, BTC, MARCH)
    assert files_of(desk.raw.root) == []


def test_an_interrupted_month_is_no_month_and_goes_on_where_it_stopped(
    archive: Any, archive_desk: Desk, csv_of: Callable[..., str]
) -> None:
    for day in range(4):
        archive.put(f"2024-03-{day + 1:02d}", csv_of([MARCH.start + day * DAY]))
    bad = archive.root / "daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-03-03.zip"
    good = bad.read_bytes()
    bad.write_bytes(b"not what was promised")
    with pytest.raises(CorruptFile, match="2024-03-03"):
        ingest_month(archive_desk, BTC, MARCH)
    assert archive_desk.raw.current("archive", BTC, MARCH) is None
    with pytest.raises(MissingPartition):
        publish_bars_1m(archive_desk, BTC, MARCH)
    bad.write_bytes(good)
    progress: list[tuple[int, int]] = []
    published, fetched = ingest_counted(
        archive_desk, told=lambda done, total: progress.append((done, total))
    )
    assert fetched == [f"BTCUSDT-1m-2024-03-{day:02d}.zip" for day in (3, 4)]
    assert progress == [(done, 4) for done in range(5)]
    assert published.metadata["objects"] == 4
    assert published.metadata["fetched"] == 2
    assert archive_desk.raw.kept("archive", BTC, MARCH) == ()
    names = [path.name for path in files_of(archive_desk.raw.root)]
    assert len(names) == 5
    assert "manifest-1.json" in names


def test_an_interrupted_refresh_changes_nothing(
    archive: Any, archive_desk: Desk, csv_of: Callable[..., str]
) -> None:
    paths = [archive.put(f"2024-03-0{day}", csv_of([MARCH.start + day * DAY])) for day in (1, 2)]
    first, _ = ingest_counted(archive_desk)
    paths[1].write_bytes(b"not what was promised")
    with pytest.raises(CorruptFile, match="2024-03-02"):
        ingest_month(archive_desk, BTC, MARCH, refresh=True)
    again, fetched = ingest_counted(archive_desk)
    assert (again.version, again.changed, fetched) == (first.version, False, [])
    assert archive_desk.raw.kept("archive", BTC, MARCH) == ()


def test_another_market_has_other_raw_files(make_desk: Callable[..., Desk]) -> None:
    stores = {
        traits_of(settings := make_desk(**variables).settings, settings.source).store
        for variables in (
            {},
            {"TA_EXCHANGE__SEED": "8"},
            {"TA_EXCHANGE__STRUCTURE": "0"},
            {"TA_SOURCE": "binance"},
            {"TA_SOURCE": "archive"},
        )
    }
    assert len(stores) == 5
