"""The ledger of trials where processes are many, are killed, or find the disk full."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trading_assets.domain.errors import StorageUnavailable
from trading_assets.storage.trial_chain import HEAD, LEDGER, read_proven
from trading_assets.storage.trial_ledger import TrialLedger
from trading_assets_tests.robustness.test_full_disk import disk, fill  # noqa: F401 - a fixture

WRITER = """
import sys
from pathlib import Path
from trading_assets.storage.trial_ledger import TrialLedger
root, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ledger = TrialLedger(root)
for n in range(count):
    keys = [f"{name}-{n}-{i}" for i in range(3)] + ["shared"]
    ledger.append({"key": k, "purpose": "sweep", "trial_id": k, "fill": "x" * 500} for k in keys)
    print(n, flush=True)
"""


def writer(root: Path, name: str, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", WRITER, str(root), name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def keys(root: Path) -> list[str]:
    return [row["key"] for row in read_proven(root).rows]


def row(key: str) -> dict[str, str]:
    return {"key": key, "purpose": "sweep", "trial_id": key, "fill": "x" * 3000}


def test_writers_of_several_processes_lose_nothing_and_enter_nothing_twice(tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 25) for name in "abc"]
    for one in writers:
        one.communicate()
        assert one.returncode == 0

    found = keys(tmp_path)
    assert len(found) == len(set(found)) == 3 * 25 * 3 + 1


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_writer_that_is_killed_loses_nothing_that_it_had_been_told_was_there(
    tmp_path: Path, after: int
) -> None:
    killed = writer(tmp_path, "killed", 10_000)
    assert killed.stdout is not None
    told = [int(killed.stdout.readline()) for _ in range(after)]
    time.sleep(0.003 * after)
    os.kill(killed.pid, signal.SIGKILL)
    rest, _ = killed.communicate()
    told += [int(line) for line in rest.split("\n") if line]

    promised = {f"killed-{n}-{i}" for n in told for i in range(3)}
    assert promised <= set(keys(tmp_path))
    TrialLedger(tmp_path).append([row("next")])
    found = keys(tmp_path)
    assert found[-1] == "next"
    assert promised <= set(found)


def test_a_full_disk_says_so_and_leaves_what_stood_before(disk: Path) -> None:  # noqa: F811
    ledger = TrialLedger(disk)
    ledger.append([row("a")])
    before = (disk / LEDGER).read_bytes()
    for pages in range(4):
        (disk / "ballast").unlink(missing_ok=True)
        fill(disk, leave_pages=pages)
        with pytest.raises(StorageUnavailable, match="no space left"):
            ledger.append(row(f"{pages}-{n}") for n in range(8))
        assert (disk / LEDGER).read_bytes() == before
        assert keys(disk) == ["a"]
    (disk / "ballast").unlink()

    ledger.append([row("b")])
    assert keys(disk) == ["a", "b"]
    assert (disk / HEAD).is_file()
