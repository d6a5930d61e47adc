"""Finished trials of sweeps: durable batches that an interrupted sweep goes on from, and a ledger.

A batch is one Parquet file that appears whole or not at all. The ledger is one file of JSON lines
for the whole desk, only ever appended to: how often something was tried is part of what its result
is worth.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from trading_assets.domain.ids import content_hash
from trading_assets.storage import parquet_files, roots

LEDGER = "trials.jsonl"
_PREFIX = "batch-"
_KEY = re.compile(rb'"key": "([^"]*)"')


class TrialBatches:
    """Rows of trials in one folder, by key.

    Args:
        folder: of one sweep on one identity of data, code and spec.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> dict[str, dict[str, Any]]:
        """Give every row that was saved, by key.

        Raises:
            CorruptFile: if a batch is no table.
        """
        found: dict[str, dict[str, Any]] = {}
        for path in sorted(self.folder.glob(f"{_PREFIX}*.parquet")):
            for row in parquet_files.decode(path.read_bytes(), path).to_dicts():
                found[row["key"]] = json.loads(row["trial"]) | {"daily": row["daily"]}
        return found

    def save(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep rows of plain values; `daily` is a list of floats, or None."""
        table = pl.DataFrame(
            {
                "key": list(rows),
                "trial": [
                    json.dumps({name: value for name, value in row.items() if name != "daily"})
                    for row in rows.values()
                ],
                "daily": pl.Series(
                    [row["daily"] for row in rows.values()], dtype=pl.List(pl.Float64)
                ),
            }
        )
        roots.make_folder(self.folder)
        target = self.folder / f"{_PREFIX}{content_hash(sorted(rows))[:16]}.parquet"
        data = parquet_files.encode(table, target.name)
        with roots.disk_errors(target), roots.temporary(target, data) as written:
            written.replace(target)
        roots.sync_folder(self.folder)

    def clear(self) -> None:
        """Forget all batches."""
        for path in self.folder.glob(f"{_PREFIX}*.parquet"):
            path.unlink()


def append_trials(root: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows to the desk's ledger of trials whose `key` it lacks; writers take turns.

    A last line that a crash has cut off was never a row: it is taken out, so that no row joins it.
    """
    lines = {row["key"]: json.dumps(row, sort_keys=True) + "\n" for row in rows}
    if not lines:
        return
    roots.make_folder(root)
    path = root / LEDGER
    with roots.disk_errors(path), path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        before = file.read()
        whole = before.rfind(b"\n") + 1
        file.truncate(whole)
        known = {key.decode() for key in _KEY.findall(before[:whole])}
        file.write("".join(line for key, line in lines.items() if key not in known).encode())
        file.flush()
        os.fsync(file.fileno())
    roots.sync_folder(root)


def read_trials(root: Path) -> list[dict[str, Any]]:
    """Read the ledger; a last line that was cut off is no row."""
    path = root / LEDGER
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
