"""A disk that is full, really: a small tmpfs that fills up at every possible step of a write."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.errors import StorageUnavailable
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.history import VendorObject
from trading_assets.storage.folders import publish_folder
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.raw_store import RawStore

BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)
PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 pages."""
    place = tmp_path / "disk"
    place.mkdir()
    options = f"size={256 * PAGE},mode=700"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def frame(rows: int, first: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"value": pl.int_range(first, first + rows, eager=True).hash(seed=1)})


def fill(disk: Path, *, leave_pages: int) -> None:
    """Take all of the disk but some pages."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(PAGE))
        except OSError:
            file.truncate(max(0, file.tell() // PAGE - leave_pages) * PAGE)


def files_of(store: PartitionStore) -> set[str]:
    assert isinstance(store.root, Path)
    return {path.name for path in store.root.rglob("*") if path.is_file()}


def test_a_version_that_has_no_room_says_so_and_the_old_one_stands(disk: Path) -> None:
    store = PartitionStore(disk / "tables")
    origin = {"code_version": "1", "parents": {}}
    first, _ = store.publish("t", BTC, MARCH, frame(100), **origin)  # type: ignore[arg-type]
    before = files_of(store)
    fill(disk, leave_pages=3)
    with pytest.raises(StorageUnavailable) as caught:
        store.publish("t", BTC, MARCH, frame(10_000), **origin)  # type: ignore[arg-type]
    folder = store.local_path(first).parent
    assert caught.value.expected == f"room on the disk that holds {folder}"
    assert caught.value.found == "No space left on device"
    assert "what stood before is intact. Free space" in caught.value.fix
    assert files_of(store) == before
    assert_frame_equal(store.read("t", BTC, MARCH), frame(100))
    (disk / "ballast").unlink()
    second, _ = store.publish("t", BTC, MARCH, frame(10_000), **origin)  # type: ignore[arg-type]
    assert second.n == 2


def test_at_whatever_step_the_disk_is_full_no_part_of_a_file_is_left(disk: Path) -> None:
    """The last page may be missing for the table, the manifest, or the name of either."""
    store = PartitionStore(disk / "tables")
    origin = {"code_version": "1", "parents": {}}
    failures, new = 0, frame(2_000, 7)
    for leave in range(20):
        month = Month(2024, 1).shift(leave)
        store.publish("t", BTC, month, frame(10), **origin)  # type: ignore[arg-type]
        fill(disk, leave_pages=leave)
        try:
            store.publish("t", BTC, month, new, **origin)  # type: ignore[arg-type]
        except StorageUnavailable:
            failures += 1
            assert_frame_equal(store.read("t", BTC, month), frame(10))
        else:
            assert_frame_equal(store.read("t", BTC, month), new)
        assert not [name for name in files_of(store) if ".tmp-" in name]
        assert store.verify().faults == ()
        (disk / "ballast").unlink()
    assert 4 <= failures < 20


def test_raw_objects_and_runs_say_so_too(disk: Path) -> None:
    raw = RawStore(disk / "raw")
    whole = VendorObject("a.zip", "zip_csv", MARCH.start, MARCH.end, finished=True)
    contents = [(whole, bytes(range(256)) * 100)]
    fill(disk, leave_pages=4)
    with pytest.raises(StorageUnavailable, match="room on the disk"):
        raw.publish("archive", BTC, MARCH, contents, start=None, end=MARCH.end)
    assert raw.current("archive", BTC, MARCH) is None
    with pytest.raises(StorageUnavailable, match="room on the disk"):
        publish_folder(disk / "runs" / "spec" / "run", {"big.bin": bytes(PAGE * 8)})
    left = [path for path in disk.rglob("*") if path.is_file() and path.name != "ballast"]
    assert [path.name for path in left] == [".turn"]
    (disk / "ballast").unlink()
    assert publish_folder(disk / "runs" / "spec" / "run", {"big.bin": bytes(PAGE * 8)})
