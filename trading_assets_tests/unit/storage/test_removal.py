"""Versions that go: in which order, past whom, and what is left when the remover is killed."""

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import CorruptFile, InvariantError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.history import VendorObject
from trading_assets.storage import pointers
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.storage.raw_store import RawManifest, RawObject, RawStore
from trading_assets.storage.removal import Removed

SomeBars = Callable[..., pl.DataFrame]
BTC, MARCH, APRIL = Symbol("BTCUSDT"), Month(2024, 3), Month(2024, 4)
BARS = ("bars_1m", BTC, MARCH)
NEVER, LONG_AFTER = 0, 4 * 10**15


@pytest.fixture
def store(tmp_path: Path) -> PartitionStore:
    return PartitionStore(tmp_path / "tables")


@pytest.fixture
def raw(tmp_path: Path) -> RawStore:
    return RawStore(tmp_path / "raw")


def put(store: PartitionStore, frame: pl.DataFrame, code_version: str = "1") -> Manifest:
    return store.publish(*BARS, frame, code_version=code_version, parents={})[0]


def remove(store: PartitionStore, *numbers: int, before: int = NEVER) -> Removed:
    return store.remove(BARS, numbers, before=before, delete=True)


def everything_reads(store: PartitionStore) -> bool:
    frames = [store.read_manifest(manifest) for manifest in store.history(*BARS)]
    return bool(frames) and not store.verify().faults


def files(store: PartitionStore) -> list[str]:
    return sorted(path.name for path in store.folder(*BARS).iterdir())


def test_a_version_goes_with_its_file_and_its_number_is_not_given_again(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    versions = [put(store, some_bars(close=100.0 + i)) for i in range(3)]
    counted = store.remove(BARS, [2], before=NEVER, delete=False)
    assert [m.n for m in store.history(*BARS)] == [1, 2, 3]
    assert remove(store, 2) == counted
    assert (counted.manifests, counted.files) == (1, 1)
    assert [m.n for m in store.history(*BARS)] == [1, 3]
    assert versions[1].file not in files(store)
    assert store.current(*BARS) == versions[2]
    assert everything_reads(store)
    assert put(store, some_bars(close=9.0)).n == 4


def test_the_current_version_is_never_removed(store: PartitionStore, some_bars: SomeBars) -> None:
    for close in (1.0, 2.0):
        put(store, some_bars(close=close))
    with pytest.raises(InvariantError, match="current version"):
        remove(store, 1, 2)
    assert [m.n for m in store.history(*BARS)] == [1, 2]


def test_a_file_of_two_versions_stays_while_either_stays(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    first, second = put(store, some_bars()), put(store, some_bars(), "2")
    put(store, some_bars(close=7.0))
    assert first.file == second.file
    assert (remove(store, 1).files, everything_reads(store)) == (0, True)
    assert (remove(store, 2).files, everything_reads(store)) == (1, True)


def test_what_was_current_in_a_hole_is_refused_and_not_guessed(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    for n in range(1, 6):
        put(store, some_bars(close=float(n)))
        path = store.folder(*BARS) / f"manifest-{n}.json"
        os.utime(path, ns=(n * 10**9, n * 10**9))
    remove(store, 1, 3)
    for second in (4, 5, 9):
        found = store.as_of(*BARS, second * 1_000_000)
        assert found is not None
        assert found.n == min(second, 5)
    for second in (0, 1, 2, 3):  # 2 was current until 3 came, and nobody knows when that was
        with pytest.raises(MissingPartition, match="is gone"):
            store.as_of(*BARS, second * 1_000_000)


def test_files_without_a_manifest_go_when_they_are_old(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    put(store, some_bars())
    orphan = pointers.write_immutable(
        store.folder(*BARS), "part", ".parquet", b"of a killed writer"
    )
    half = orphan.with_name(f"{orphan.name}.tmp-1-1")
    half.write_bytes(b"half")
    assert (remove(store), orphan.exists()) == (Removed(swept=1), True)
    assert not half.exists()
    assert (remove(store, before=LONG_AFTER).files, orphan.exists()) == (1, False)
    assert everything_reads(store)


def test_a_damaged_manifest_stops_a_removal_before_it_begins(
    store: PartitionStore, some_bars: SomeBars
) -> None:
    for close in (1.0, 2.0, 3.0):
        put(store, some_bars(close=close))
    (store.folder(*BARS) / "manifest-2.json").write_bytes(b"{}")
    before = files(store)
    with pytest.raises(CorruptFile, match="pointer"):
        remove(store, 1)
    assert files(store) == before


@pytest.mark.parametrize("killed_at", range(5))
def test_a_kill_at_any_point_leaves_a_sound_store_and_the_next_removal_ends_it(
    store: PartitionStore, some_bars: SomeBars, killed_at: int
) -> None:
    for close in (1.0, 2.0, 3.0):
        put(store, some_bars(close=close))
    child = os.fork()
    if not child:
        left = [killed_at]

        def die(event: str, _: object) -> None:
            if event == "os.remove":
                if not left[0]:
                    os._exit(9)
                left[0] -= 1

        sys.addaudithook(die)
        remove(store, 1, 2)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == (9 if killed_at < 4 else 0)
    assert everything_reads(store)
    assert len(files(store)) == 6 - killed_at
    remove(store, *(m.n for m in store.history(*BARS)[:-1]), before=LONG_AFTER)
    assert len(files(store)) == 2
    assert everything_reads(store)


def test_a_file_that_a_writer_takes_up_again_is_not_removed_under_it(
    store: PartitionStore, some_bars: SomeBars, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = put(store, some_bars())
    put(store, some_bars(close=7.0))
    remover = threading.Thread(target=remove, args=(store, 1))
    publish = pointers.publish_exclusive

    def slowly(*args: object, **kwargs: object) -> int:
        remover.start()
        remover.join(timeout=0.2)
        assert remover.is_alive()  # it waits: the file was found and is not listed yet
        return publish(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(pointers, "publish_exclusive", slowly)
    third = put(store, some_bars(), "2")
    remover.join()
    assert third.file == first.file
    assert [m.n for m in store.history(*BARS)] == [2, 3]
    assert everything_reads(store)


def test_what_goes_while_it_is_verified_is_no_fault_and_damage_still_is(
    store: PartitionStore, some_bars: SomeBars, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = [put(store, some_bars(close=float(n))) for n in range(3)]
    check = pointers.check_file

    def meanwhile(path: Path, sha256: str) -> int:
        remove(store, 1)
        return check(path, sha256)

    monkeypatch.setattr(pointers, "check_file", meanwhile)
    assert store.verify().faults == ()
    store.path(versions[1]).unlink()
    assert len(store.verify().faults) == 1


def day(number: int, month: Month = MARCH, *, shared: bool = False) -> VendorObject:
    start = month.start + (number - 1) * DAY
    return VendorObject(f"day-{number}.zip", "zip_csv", start, start + DAY, True, shared=shared)


def fetch(
    raw: RawStore, *contents: tuple[VendorObject, bytes] | RawObject, month: Month = MARCH
) -> RawManifest:
    before = raw.current("archive", BTC, month)
    return raw.publish("archive", BTC, month, contents, start=None, end=month.end, before=before)[0]


def test_a_raw_file_goes_when_no_version_of_any_month_lists_it(raw: RawStore) -> None:
    whole = (day(1, shared=True), b"all of history")
    first = fetch(raw, (day(1), b"old"), (day(2), b"same"), whole)
    second = fetch(raw, (day(1), b"new"), first.objects[1])
    april = fetch(raw, whole, month=APRIL)
    removed = raw.remove("archive", BTC, {MARCH: [1]}, before=NEVER, delete=True)
    assert (removed.manifests, removed.files) == (1, 1)
    assert not raw.path(first, first.objects[0]).exists()
    assert raw.read(second, second.objects[1]) == b"same"
    assert raw.read(april, april.objects[0]) == b"all of history"
    fetch(raw, (day(3, APRIL), b"other"), month=APRIL)
    removed = raw.remove("archive", BTC, {APRIL: [1]}, before=NEVER, delete=True)
    assert (removed.files, raw.path(april, april.objects[0]).exists()) == (1, False)
    assert not raw.verify().faults


def test_what_an_interrupted_ingestion_has_noted_stays(raw: RawStore) -> None:
    fetch(raw, (day(1), b"one"))
    raw.keep("archive", BTC, MARCH, day(2), b"two")
    raw.remove("archive", BTC, {}, before=LONG_AFTER, delete=True)
    (kept,) = raw.kept("archive", BTC, MARCH)
    assert fetch(raw, kept).objects == (kept,)
    assert not raw.verify().faults


def test_an_object_whose_file_was_removed_is_not_published(raw: RawStore) -> None:
    first = fetch(raw, (day(1), b"one"))
    fetch(raw, (day(1), b"two"))
    raw.remove("archive", BTC, {MARCH: [1]}, before=NEVER, delete=True)
    with pytest.raises(CorruptFile, match="missing"):
        fetch(raw, *first.objects)
    assert [m.n for m in raw.history("archive", BTC, MARCH)] == [2]
