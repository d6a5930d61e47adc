"""Parquet partitions behind manifests."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.errors import (
    ConfigurationError,
    ConflictError,
    CorruptFile,
    DataError,
    MissingPartition,
)
from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage import pointers
from trading_assets.storage.partition_store import Manifest, PartitionStore

SomeBars = Callable[..., pl.DataFrame]
BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)


@pytest.fixture
def store(tmp_path: Path) -> PartitionStore:
    return PartitionStore(tmp_path / "data")


def publish(store: PartitionStore, frame: pl.DataFrame, **facts: object) -> tuple[Manifest, bool]:
    month = Month.of(int(frame["ts"].to_physical()[0]))
    defaults: dict[str, object] = {"code_version": "1", "parents": {"raw": "a" * 64}}
    return store.publish("bars_1m", BTC, month, frame, **(defaults | facts))  # type: ignore[arg-type]


def test_rows_come_back_as_published_with_their_facts(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    gap = Gap(MARCH.start, MARCH.start + MINUTE, 2)
    manifest, changed = publish(store, some_bars(), gaps=(gap,), extra={"file": ("a", 1)})
    assert changed
    assert (manifest.n, manifest.rows) == (1, 10)
    assert (manifest.min_ts, manifest.max_ts) == (MARCH.start, MARCH.start + 9 * MINUTE)
    assert manifest.gaps == (gap,)
    assert manifest.extra == {"file": ["a", 1]}
    assert manifest.parents == {"raw": "a" * 64}
    assert manifest.address == "bars_1m/BTCUSDT/2024-03"
    folder = store.root / "bars_1m" / "symbol=BTCUSDT" / "month=2024-03"
    assert store.path(manifest) == folder / f"part-{manifest.file_sha256[:16]}.parquet"
    assert sorted(p.name for p in folder.iterdir()) == ["manifest-1.json", manifest.file]
    assert_frame_equal(store.read("bars_1m", BTC, MARCH), some_bars())
    assert store.current("bars_1m", BTC, MARCH) == manifest


def test_publishing_the_same_again_writes_nothing(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    first, _ = publish(store, some_bars(), extra={"pair": (1, 2)})
    rechunked = pl.concat([some_bars()[:3], some_bars()[3:]], rechunk=False)
    again, changed = publish(store, rechunked, extra={"pair": (1, 2)})
    assert not changed
    assert again == first
    assert len(store.history("bars_1m", BTC, MARCH)) == 1


@pytest.mark.parametrize(
    "facts", [{"code_version": "2"}, {"parents": {"raw": "b" * 64}}, {"extra": {"a": 1}}]
)
def test_equal_rows_from_other_origins_are_a_new_manifest_over_the_same_file(
    store: PartitionStore, some_bars: SomeBars, facts: dict[str, object]
) -> None:
    first, _ = publish(store, some_bars())
    second, changed = publish(store, some_bars(), **facts)
    assert changed
    assert (second.n, second.version, second.file) == (2, first.version, first.file)


def test_earlier_versions_stay_readable(store: PartitionStore, some_bars: SomeBars) -> None:
    first, _ = publish(store, some_bars(close=100.0))
    os.utime(store.path(first).with_name("manifest-1.json"), ns=(10**15, 10**15))
    second, _ = publish(store, some_bars(close=99.0))
    assert first.version != second.version
    assert [m.n for m in store.history("bars_1m", BTC, MARCH)] == [1, 2]
    assert_frame_equal(store.read_manifest(first), some_bars(close=100.0))
    assert store.as_of("bars_1m", BTC, MARCH, 10**12) == first
    assert store.as_of("bars_1m", BTC, MARCH, 10**12 - 1) is None
    assert store.as_of("bars_1m", BTC, MARCH, second.published_at) == second


def test_of_two_writers_the_later_one_loses(
    store: PartitionStore, some_bars: SomeBars, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_immutable = pointers.write_immutable

    def with_a_rival(*args: object) -> Path:
        monkeypatch.setattr(pointers, "write_immutable", write_immutable)
        publish(store, some_bars(close=99.0))
        return write_immutable(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(pointers, "write_immutable", with_a_rival)
    with pytest.raises(ConflictError, match="Nothing was overwritten"):
        publish(store, some_bars(close=98.0))
    assert_frame_equal(store.read("bars_1m", BTC, MARCH), some_bars(close=99.0))


def test_a_truncated_file_is_refused_before_it_is_decoded(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    manifest, _ = publish(store, some_bars())
    path = store.path(manifest)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(CorruptFile) as caught:
        store.read("bars_1m", BTC, MARCH)
    assert str(path) in str(caught.value)
    assert manifest.file_sha256 in caught.value.expected
    assert "materialise" in caught.value.fix


def test_verify_finds_one_flipped_bit_in_any_version_and_in_a_manifest(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    first, _ = publish(store, some_bars(close=100.0))
    publish(store, some_bars(close=99.0))
    publish(store, some_bars(month="2024-04"))
    verification = store.verify()
    assert (verification.files, verification.faults) == (3, ())
    path = store.path(first)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
    pointer = store.folder("bars_1m", BTC, Month(2024, 4)) / "manifest-1.json"
    pointer.write_bytes(pointer.read_bytes().replace(b'"rows":10', b'"rows":11'))
    faults = store.verify("bars_1m").faults
    assert [fault.what for fault in faults] == [
        f"A pointer in {pointer.parent} is damaged",
        f"File {path} is damaged",
    ]
    assert len(store.verify(every_version=False).faults) == 1


def test_a_lost_file_is_written_again_and_a_rotten_one_is_reported(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    manifest, _ = publish(store, some_bars())
    path = store.path(manifest)
    path.unlink()
    with pytest.raises(CorruptFile, match="is missing"):
        store.read("bars_1m", BTC, MARCH)
    _, changed = publish(store, some_bars())
    assert changed
    assert_frame_equal(store.read("bars_1m", BTC, MARCH), some_bars())
    path.write_bytes(b"rot")
    with pytest.raises(CorruptFile, match="Move the file away"):
        publish(store, some_bars())


def test_what_is_not_there_is_said(store: PartitionStore) -> None:
    assert store.current("bars_1m", BTC, MARCH) is None
    assert store.tables() == ()
    assert store.months("bars_1m", BTC) == ()
    with pytest.raises(MissingPartition, match="Materialise bars_1m"):
        store.read("bars_1m", BTC, MARCH)
    with pytest.raises(MissingPartition, match="from 2024-03 to 2024-04"):
        store.read_range("bars_1m", BTC, MARCH.start, MARCH.end + 1)


def test_a_range_reads_over_months_and_skips_missing_ones(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    for month in ("2024-03", "2024-05"):
        publish(store, some_bars(3, month=month))
    may = Month(2024, 5)
    frame = store.read_range("bars_1m", BTC, MARCH.start + MINUTE, may.start + 2 * MINUTE)
    ts = frame["ts"].to_physical().to_list()
    assert ts == [MARCH.start + MINUTE, MARCH.start + 2 * MINUTE, may.start, may.start + MINUTE]
    assert store.months("bars_1m", BTC) == (MARCH, may)
    assert store.symbols("bars_1m") == (BTC,)
    assert store.tables() == ("bars_1m",)
    assert store.read_range("bars_1m", BTC, MARCH.start, MARCH.end).height == 3


def test_months_with_different_columns_are_not_joined(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    publish(store, some_bars(3))
    publish(store, some_bars(3, month="2024-04").drop("source"))
    with pytest.raises(DataError, match="others in 2024-03"):
        store.read_range("bars_1m", BTC, MARCH.start, MARCH.end + MINUTE)


def test_tables_without_symbol_or_month_are_partitions_too(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    origin: dict[str, object] = {"code_version": "1", "parents": {}}
    store.publish("regimes", None, MARCH, some_bars(), **origin)  # type: ignore[arg-type]
    facts = pl.DataFrame({"name": ["a"], "value": [1.0]})
    manifest, _ = store.publish("instruments", None, None, facts, **origin)  # type: ignore[arg-type]
    assert manifest.address == "instruments"
    assert manifest.min_ts is None
    assert_frame_equal(store.read("instruments", None, None), facts)
    assert store.months("regimes", None) == (MARCH,)
    assert store.tables() == ("instruments", "regimes")
    assert store.verify().files == 2


@pytest.mark.parametrize("table", ["../elsewhere", "a/b", "", "Bars"])
def test_a_table_cannot_leave_the_store(store: PartitionStore, table: str) -> None:
    with pytest.raises(ConfigurationError, match="Not the name of a table"):
        store.read(table, BTC, MARCH)


def test_leftovers_of_a_crash_are_swept_when_publishing(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    folder = store.folder("bars_1m", BTC, MARCH)
    folder.mkdir(parents=True)
    (folder / "part-0.parquet.tmp-1-0").write_bytes(b"half")
    publish(store, some_bars())
    assert not list(folder.glob("*.tmp-*"))


def test_what_stands_need_not_be_made_again(store: PartitionStore, some_bars: SomeBars) -> None:
    def standing(code: str, parent: str) -> Manifest | None:
        parents = {"raw": parent * 64}
        return store.standing("bars_1m", BTC, MARCH, code_version=code, parents=parents)

    assert standing("1", "a") is None
    manifest, _ = publish(store, some_bars())
    assert standing("1", "a") == manifest
    assert standing("2", "a") is None
    assert standing("1", "b") is None
    store.path(manifest).write_bytes(b"rot")
    with pytest.raises(CorruptFile, match="damaged"):
        standing("1", "a")
    store.path(manifest).unlink()
    assert standing("1", "a") is None


_ENDLESS_WRITER = """
import sys
from pathlib import Path
import polars as pl
from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.partition_store import PartitionStore

store = PartitionStore(Path(sys.argv[1]))
n = int(sys.argv[2])
while True:
    frame = pl.DataFrame({"value": pl.int_range(n * 20_000, (n + 1) * 20_000, eager=True)})
    store.publish(
        "bars_1m", Symbol("BTCUSDT"), Month(2024, 3), frame, code_version="1", parents={}
    )
    print(n, flush=True)
    n += 1
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_writer_killed_at_any_moment_leaves_a_whole_partition(
    store: PartitionStore, seed: int
) -> None:
    dice = random.Random(seed)
    reached = -1
    for _ in range(3):
        arguments = [sys.executable, "-c", _ENDLESS_WRITER, str(store.root), str(reached + 1)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            for _ in range(dice.randint(1, 12)):
                reached = int(writer.stdout.readline())
            writer.kill()
            reached = max([reached, *map(int, writer.stdout.read().split())])
        assert store.verify().faults == ()
        values = store.read("bars_1m", BTC, MARCH)["value"]
        assert (values.len(), values[0] // 20_000) in {(20_000, reached), (20_000, reached + 1)}
        reached = values[0] // 20_000
