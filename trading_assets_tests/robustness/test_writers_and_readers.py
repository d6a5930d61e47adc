"""Two writers and four readers, each a process, on one partition: no reader errs or sees a mix.

Ten seconds are enough for thousands of versions; `STORE_SECONDS=60` runs as long as one likes.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.partition_store import PartitionStore

SECONDS = float(os.environ.get("STORE_SECONDS", "10"))
ROWS = 20_000

_COMMON = """
import json, sys, time
from pathlib import Path
import polars as pl
from trading_assets.domain.errors import ConflictError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.storage.partition_store import PartitionStore

store = PartitionStore(Path(sys.argv[1]))
key = ("bars_1m", Symbol("BTCUSDT"), Month(2024, 3))
seconds, number, rows = float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
told = {"done": 0, "conflicts": 0, "mixed": 0, "backwards": 0}
print("ready", flush=True)
sys.stdin.readline()
end = time.monotonic() + seconds
"""
_WRITER = """
while time.monotonic() < end:
    tag = number + 2 * (told["done"] + told["conflicts"])
    frame = pl.select(tag=pl.repeat(tag, rows), row=pl.int_range(rows) * tag)
    try:
        store.publish(*key, frame, code_version="1", parents={})
        told["done"] += 1
    except ConflictError:
        told["conflicts"] += 1
print(json.dumps(told), flush=True)
"""
_READER = """
seen = 0
while time.monotonic() < end:
    manifest = store.require(*key)
    frame = store.read_manifest(manifest)
    tags = frame["tag"].unique().to_list()
    rows_ok = frame.height == rows and frame["row"].to_list()[-1] == (rows - 1) * tags[0]
    told["mixed"] += len(tags) != 1 or not rows_ok
    told["backwards"] += manifest.n < seen
    seen = manifest.n
    told["done"] += 1
print(json.dumps(told), flush=True)
"""


def start(root: Path, body: str, number: int) -> "subprocess.Popen[str]":
    arguments = [str(root), str(SECONDS), str(number), str(ROWS)]
    environment = os.environ | {"POLARS_MAX_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", _COMMON + body, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.slow
def test_readers_never_err_and_never_see_two_versions_in_one(tmp_path: Path) -> None:
    first = PartitionStore(tmp_path)
    seed = pl.select(tag=pl.repeat(-1, ROWS), row=pl.int_range(ROWS) * -1)
    key = ("bars_1m", Symbol("BTCUSDT"), Month(2024, 3))
    first.publish(*key, seed, code_version="1", parents={})
    running = [start(tmp_path, _WRITER, n) for n in range(2)]
    running += [start(tmp_path, _READER, n) for n in range(4)]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    ended = [process.communicate(timeout=SECONDS + 60) for process in running]
    assert [process.returncode for process in running] == [0] * 6
    assert [stderr for _, stderr in ended] == [""] * 6
    told = [json.loads(stdout) for stdout, _ in ended]
    writers, readers = told[:2], told[2:]
    assert all(reader["done"] > 10 for reader in readers)
    assert sum(reader["mixed"] + reader["backwards"] for reader in readers) == 0
    published = sum(writer["done"] for writer in writers)
    assert published > 10
    assert first.require(*key).n == published + 1
    assert first.verify(every_version=False).faults == ()
    assert not list(tmp_path.rglob("*.tmp-*"))
    print(json.dumps({"seconds": SECONDS, "writers": writers, "readers": readers}))  # noqa: T201
