"""A writer killed two hundred times at random moments: the store is whole after each of them."""

import multiprocessing
import random
import re
from multiprocessing.connection import Connection
from pathlib import Path

import polars as pl
import pytest

from trading_assets.domain.ids import Month, Symbol, sha256_hex
from trading_assets.storage.parquet_files import encode
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.pointers import unsealed

KILLS, SEED, ROWS = 200, 20_240_301, 2_000
KEY = ("bars_1m", Symbol("BTCUSDT"), Month(2024, 3))
TEMPORARY = re.compile(r".*\.tmp-\d+-\d+")


def version(n: int) -> pl.DataFrame:
    """Give the rows of version n: equal whoever writes it."""
    return pl.select(value=pl.int_range(n * ROWS, (n + 1) * ROWS))


def write_on(root: Path, n: int, telling: Connection) -> None:
    """Publish version after version, saying each that stands, until the end comes."""
    store = PartitionStore(root)
    while True:
        store.publish(*KEY, version(n), code_version="1", parents={})
        telling.send(n)
        n += 1


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def promised(folder: Path, known: dict[str, str]) -> set[str]:
    """Give all names that manifests account for; `known` gets what each new one lists."""
    for path in folder.glob("manifest-*.json"):
        if path.name not in known:
            known[path.name] = unsealed(path.read_bytes(), folder)["file"]
    return {*known, *known.values()}


@pytest.mark.slow
@pytest.mark.long
def test_a_writer_killed_at_any_moment_leaves_a_whole_store(tmp_path: Path) -> None:
    """What is left over are temporary files, or the whole file of the version that did not stand.

    The next writer removes the former, and makes the latter a version.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["trading_assets.storage.partition_store"])
    dice = random.Random(SEED)
    store = PartitionStore(tmp_path)
    folder = tmp_path / "bars_1m" / "symbol=BTCUSDT" / "month=2024-03"
    reached, leftovers = -1, 0
    known: dict[str, str] = {}
    for _ in range(KILLS):
        hearing, telling = context.Pipe(duplex=False)
        writer = context.Process(target=write_on, args=(tmp_path, reached + 1, telling))
        writer.start()
        telling.close()
        hearing.recv()
        writer.join(dice.uniform(0, 0.03))
        writer.kill()
        writer.join()
        assert writer.exitcode == -9
        said = reached + 1
        try:
            while hearing.poll():
                said = hearing.recv()
        except (EOFError, OSError):
            pass  # it was killed while it spoke
        finally:
            hearing.close()
        current = store.require(*KEY)
        reached = current.n - 1
        assert reached in {said, said + 1}
        assert store.read_manifest(current)["value"].to_list()[0] == reached * ROWS
        left = names_in(folder) - promised(folder, known)
        next_file = f"part-{sha256_hex(encode(version(reached + 1), ''))[:16]}.parquet"
        assert all(name == next_file or TEMPORARY.fullmatch(name) for name in left)
        leftovers += bool(left)
    assert leftovers > KILLS // 20, "the kills came at moments that left nothing to see"
    assert store.verify().faults == ()
    store.publish(*KEY, version(reached + 1), code_version="1", parents={})
    assert names_in(folder) == promised(folder, known)
    numbers = [manifest.n for manifest in store.history(*KEY)]
    assert numbers == list(range(1, reached + 3))
