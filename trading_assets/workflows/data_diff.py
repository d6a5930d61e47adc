"""What a month of bars says now, and what it said before: restatements, minute by minute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from trading_assets.domain.errors import CorruptFile, DataError, MissingPartition
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.bar_frame import instant
from trading_assets.market.differences import NEW, OLD, differences
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.native_tables import bars_of_source

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class MonthDiff:
    """Two versions of a month.

    Attributes:
        minutes: what differs, as `market.differences.differences` gives it; of a source that gives
            larger bars those bars.
        until: open time of the last bar of the old version, None where it had none.
    """

    old: Manifest
    new: Manifest
    minutes: pl.DataFrame
    until: Micros | None

    @property
    def restated(self) -> pl.DataFrame:
        """Minutes that the old version had, or lacked between others; not those after its end."""
        return _within(self.minutes, self.until)

    def counts(self) -> dict[str, int]:
        """Count the minutes that were changed, added and removed."""
        return {
            name: self.minutes.filter(pl.col("change") == name).height
            for name in ("changed", "added", "removed")
        }


def data_diff(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    *,
    table: str = "bars_1m",
    version: int | None = None,
    as_of: Micros | None = None,
) -> MonthDiff:
    """Compare the current version of a month with an earlier one.

    Args:
        desk: whose tables to look at.
        symbol: whose bars.
        month: which month of them.
        table: a table of bars.
        version: number of the earlier manifest; None for the newest one with other rows.
        as_of: instead of a number: the version that was current at this instant.

    Raises:
        MissingPartition: if the month was never published, or not by that instant, or only once.
        DataError: if there is no such version.
        CorruptFile: if the file of a version is damaged.
    """
    new = desk.tables.require(table, symbol, month)
    old = _earlier(desk.tables, new, version, as_of)
    return _diff(desk.tables, old, new)


def restatement(tables: PartitionStore, old: Manifest, new: Manifest) -> dict[str, Any]:
    """Count what a new version says differently of the old one's time, and show the first minutes.

    Bars after the end of the old version are new, not restated.

    Returns:
        `restated` (minutes), and `restated_minutes` (rows of text) when there are any; when the
        old version's file is damaged, only `earlier_version` says so: the new one is sound.
    """
    try:
        found = _diff(tables, old, new).restated
    except CorruptFile as fault:
        return {"earlier_version": str(fault)}
    shown = [plain_row(row) for row in found.head(_SHOWN).iter_rows(named=True)]
    return {"restated": found.height} | ({"restated_minutes": shown} if shown else {})


def plain_row(row: dict[str, Any]) -> dict[str, Any]:
    """Give one row of a diff for people: minute, change, and the old and new values that differ."""
    names = [name.removesuffix(OLD) for name in row if name.endswith(OLD)]
    different = [name for name in names if row[name + OLD] != row[name + NEW]]
    return {
        "minute": f"{row['ts']:%Y-%m-%d %H:%M}",
        "change": row["change"],
        "old": _values(row, different, OLD),
        "new": _values(row, different, NEW),
    }


def _values(row: dict[str, Any], names: list[str], end: str) -> str:
    return ", ".join(f"{name} {row[name + end]}" for name in names if row[name + end] is not None)


def _diff(tables: PartitionStore, old: Manifest, new: Manifest) -> MonthDiff:
    was, now = bars_of_source(tables, old), bars_of_source(tables, new)
    minutes = differences(tables.read_manifest(was), tables.read_manifest(now))
    return MonthDiff(old, new, minutes, was.max_ts)


def _within(minutes: pl.DataFrame, until: Micros | None) -> pl.DataFrame:
    return minutes.clear() if until is None else minutes.filter(pl.col("ts") <= instant(until))


def _earlier(
    tables: PartitionStore, new: Manifest, version: int | None, as_of: Micros | None
) -> Manifest:
    history = tables.history(new.table, new.symbol, new.month)
    if as_of is not None:
        found = tables.as_of(new.table, new.symbol, new.month, as_of)
    elif version is not None:
        found = next((m for m in history if m.n == version), None)
        if found is None:
            raise DataError(
                f"{new.address} has no version {version}",
                expected=f"one of {', '.join(str(m.n) for m in history)}",
                found=str(version),
            )
    else:
        found = next((m for m in reversed(history) if m.version != new.version), None)
    if found is None:
        raise MissingPartition(
            f"{new.address} has no earlier version with other rows",
            expected="a month that was published before, and restated",
            found=f"{len(history)} manifests, the same rows in those that count",
            fix="Fetch it again with `trading-assets data ingest --refresh`, or choose --version.",
        )
    return found
