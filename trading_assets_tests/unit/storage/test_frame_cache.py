"""The cache of what engines read: mapped, proven at every read, and never the truth."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.errors import CorruptFile
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import row_content_hash
from trading_assets.storage.frame_cache import Evicted, FrameCache
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.storage.roots import folder_at

SomeBars = Callable[..., pl.DataFrame]
BTC, MARCH = Symbol("BTCUSDT"), Month(2024, 3)


@pytest.fixture
def cache(tmp_path: Path) -> FrameCache:
    return FrameCache(tmp_path / "cache")


class Made:
    """Rows that can be made, and how often they were."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.version = row_content_hash(frame)
        self.times = 0

    def __call__(self) -> pl.DataFrame:
        self.times += 1
        return self.frame

    def file(self, cache: FrameCache) -> Path:
        return cache.root / f"{self.version}.arrow"


def test_rows_are_made_once_and_mapped_then(cache: FrameCache, some_bars: SomeBars) -> None:
    made = Made(pl.concat([some_bars(700), some_bars(300, month="2024-04")], rechunk=False))
    for _ in range(3):
        assert_frame_equal(cache.read(made.version, made), made.frame)
    assert made.times == 1
    again = cache.read(made.version, made)
    assert again.schema == made.frame.schema
    assert row_content_hash(again) == made.version
    address = again["close"].to_numpy().__array_interface__["data"][0]
    maps = Path("/proc/self/maps").read_text().splitlines()
    (line,) = (x for x in maps if _holds(x, address))
    assert line.endswith(f"{made.version}.arrow"), "the column is in memory of its own"


def _holds(line: str, address: int) -> bool:
    start, end = (int(part, 16) for part in line.split(maxsplit=1)[0].split("-"))
    return start <= address < end


def test_any_flipped_bit_is_noticed_and_the_file_made_again(
    cache: FrameCache, some_bars: SomeBars
) -> None:
    made = Made(some_bars(40))
    cache.read(made.version, made)
    whole = made.file(cache).read_bytes()
    dice = random.Random(1)
    places = [*range(64), *(dice.randrange(len(whole)) for _ in range(300))]
    for number, place in enumerate(places, start=2):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << dice.randrange(8)
        made.file(cache).write_bytes(damaged)
        assert_frame_equal(cache.read(made.version, made), made.frame)
        assert made.times == number
        assert made.file(cache).read_bytes() == whole
    assert_frame_equal(cache.read(made.version, made), made.frame)
    assert made.times == len(places) + 1


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 500])
def test_a_cut_file_is_made_again(cache: FrameCache, some_bars: SomeBars, size: int) -> None:
    made = Made(some_bars(40))
    cache.read(made.version, made)
    whole = made.file(cache).read_bytes()
    made.file(cache).write_bytes(whole[:size])
    assert_frame_equal(cache.read(made.version, made), made.frame)
    assert made.file(cache).read_bytes() == whole


def test_the_file_of_another_version_under_this_name_is_not_believed(
    cache: FrameCache, some_bars: SomeBars
) -> None:
    one, other = Made(some_bars(close=100.0)), Made(some_bars(close=99.5))
    for made in (one, other):
        cache.read(made.version, made)
    one.file(cache).write_bytes(other.file(cache).read_bytes())
    assert_frame_equal(cache.read(one.version, one), one.frame)


def test_many_readers_at_once_read_the_same(cache: FrameCache, some_bars: SomeBars) -> None:
    made = Made(some_bars(2_000))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda _: cache.read(made.version, made), range(40)))
    assert {row_content_hash(frame) for frame in read} == {made.version}
    assert [path.name for path in cache.root.iterdir()] == [f"{made.version}.arrow"]


def test_what_was_read_longest_ago_is_evicted_under_its_readers(
    cache: FrameCache, some_bars: SomeBars
) -> None:
    made = [Made(some_bars(100, close=100.0 - n / 10)) for n in range(3)]
    frames = [cache.read(item.version, item) for item in made]
    frames[0] = cache.read(made[0].version, made[0])
    size = made[0].file(cache).stat().st_size
    for age, index in enumerate((1, 2, 0)):
        os.utime(made[index].file(cache), ns=(10**9 * age, 10**9 * age))
    cache.read(made[1].version, made[1])  # now the newest
    assert cache.evict(2 * size, delete=False) == Evicted(1, size, 2 * size)
    assert cache.evict(2 * size, delete=True) == Evicted(1, size, 2 * size)
    assert not made[2].file(cache).exists()
    assert cache.evict(0, delete=True) == Evicted(2, 2 * size, 0)
    for item, frame in zip(made, frames, strict=True):
        assert_frame_equal(frame, item.frame)


def test_an_empty_cache_has_nothing_to_evict(cache: FrameCache) -> None:
    assert cache.evict(0, delete=True) == Evicted(0, 0, 0)


def test_what_a_killed_process_left_is_removed_with_the_next_eviction(cache: FrameCache) -> None:
    code = """
import os, sys
from pathlib import Path
from trading_assets.storage import roots
with roots.temporary(Path(sys.argv[1]), b"half"):
    os.kill(os.getpid(), 9)
"""
    cache.root.mkdir()
    subprocess.run([sys.executable, "-c", code, str(cache.root / "x.arrow")], check=False)
    assert len(list(cache.root.iterdir())) == 1
    cache.evict(10**9, delete=True)
    assert not list(cache.root.iterdir())


def _store(tmp_path: Path, bars: pl.DataFrame) -> tuple[PartitionStore, Manifest]:
    store = PartitionStore(tmp_path / "tables", FrameCache(tmp_path / "cache"))
    manifest, _ = store.publish("bars_1m", BTC, MARCH, bars, code_version="1", parents={})
    return store, manifest


def test_a_store_reads_through_its_cache_and_still_finds_rot(
    tmp_path: Path, some_bars: SomeBars
) -> None:
    store, manifest = _store(tmp_path, some_bars())
    for _ in range(2):
        assert_frame_equal(store.read_mapped(manifest), some_bars())
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{manifest.version}.arrow"]
    path = store.local_path(manifest)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match="is damaged"):
        store.read_mapped(manifest)


def test_without_a_cache_the_partition_is_decoded(tmp_path: Path, some_bars: SomeBars) -> None:
    store, manifest = _store(tmp_path, some_bars())
    assert_frame_equal(PartitionStore(store.root).read_mapped(manifest), some_bars())
    assert not (tmp_path / "cache").exists()


def test_an_object_is_fetched_once(s3_url: str, tmp_path: Path, some_bars: SomeBars) -> None:
    store = PartitionStore(s3_url, FrameCache(tmp_path / "cache"))
    manifest, _ = store.publish("bars_1m", BTC, MARCH, some_bars(), code_version="1", parents={})
    store.read_mapped(manifest)
    place = store.path(manifest)
    folder_at(place.parent).delete(place.name)
    assert_frame_equal(store.read_mapped(manifest), some_bars())
