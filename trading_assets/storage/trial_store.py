"""Finished trials: batches that an interrupted sweep goes on from, and the daily returns of all.

Each is one Parquet file that appears whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.ids import content_hash, sha256_hex
from trading_assets.storage import parquet_files, pointers, roots

_PREFIX = "batch-"


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
        roots.replace(target, parquet_files.encode(table, target.name))

    def clear(self) -> None:
        """Forget all batches."""
        for path in self.folder.glob(f"{_PREFIX}*.parquet"):
            path.unlink()


@dataclass(frozen=True, slots=True, eq=False)
class DailyReturns:
    """Simple returns of UTC days.

    Attributes:
        days: int64 (D,), first instants of the days, microseconds UTC, ascending.
        returns: float64 (D,), the first one against the opening equity.
    """

    days: NDArray[np.int64]
    returns: NDArray[np.float64]


class TrialReturns:
    """Daily returns of trials, beside the ledger whose rows name file and SHA-256 of each.

    Args:
        folder: of all of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, returns: Mapping[str, DailyReturns]) -> dict[str, str]:
        """Keep returns by key in one file, durably; give its name and SHA-256."""
        table = pl.DataFrame(
            {
                "key": list(returns),
                "days": pl.Series([r.days for r in returns.values()], dtype=pl.List(pl.Int64)),
                "returns": pl.Series(
                    [r.returns for r in returns.values()], dtype=pl.List(pl.Float64)
                ),
            }
        )
        data = parquet_files.encode(table, "daily returns of trials")
        path = pointers.write_immutable(self.folder, "returns", ".parquet", data)
        return {"file": path.name, "sha256": sha256_hex(data)}

    def load(self, file: Mapping[str, str]) -> dict[str, DailyReturns]:
        """Give the returns of one file by key.

        Raises:
            CorruptFile: if it is not there as it was kept.
        """
        path = self.folder / file["file"]
        table = parquet_files.decode(pointers.read_verified(path, file["sha256"]), path)
        rows = zip(table["key"], table["days"], table["returns"], strict=True)
        return {key: DailyReturns(d.to_numpy(), r.to_numpy()) for key, d, r in rows}

    def count(self) -> int:
        """Tell how many rows all files have together."""
        return sum(
            parquet_files.decode(path.read_bytes(), path).height
            for path in sorted(self.folder.glob("returns-*.parquet"))
        )
