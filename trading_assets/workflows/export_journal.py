"""A journal for other programs: the tables that a desk keeps, or every event as a line of JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import polars as pl

from trading_assets.domain.errors import ConfigurationError
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_tables import (
    EQUITY,
    FILLS,
    ORDERS,
    POSITIONS,
    live_days,
    live_tables,
)

FORMATS = ("csv", "parquet", "jsonl")
TABLES: Mapping[str, tuple[str, pl.Schema]] = {
    "orders": ("orders", ORDERS),
    "trades": ("fills", FILLS),
    "positions": ("positions", POSITIONS),
    "equity": ("equity", EQUITY),
}
"""Names of the files, the tables of a day that they hold, and their columns."""


def export_journal(desk: Desk, book: str, folder: Path, form: str) -> dict[str, int]:
    """Write the whole journal of a book; works while the executor trades.

    As `csv` or `parquet`: `orders`, `trades` (executions), `positions` (after the last bar of each
    UTC day of market time) and `equity`, with the columns of `workflows.live_tables`; instants are
    UTC, amounts exact. As `jsonl`: `events.jsonl`, one row of the journal per line. A file is there
    whole or not at all; one of the same name is replaced.

    Returns:
        Rows written, by file name.

    Raises:
        ConfigurationError: for another format, or a book that settings do not have.
        RecoveryError: if the book has no journal, or it is damaged.
    """
    if form not in FORMATS:
        raise ConfigurationError(
            "Not a format of journals", expected=" or ".join(FORMATS), found=repr(form)[:40]
        )
    place = live_book(desk.settings, book)
    with place.journal() as journal:
        journal.verify()
        folder.mkdir(parents=True, exist_ok=True)
        if form == "jsonl":
            return {"events.jsonl": _whole(folder / "events.jsonl", partial(_events, journal))}
    days = [live_tables(desk, book, day) for day in live_days(desk, book)]
    found = {}
    for name, (table, schema) in TABLES.items():
        frame = pl.concat([pl.DataFrame(schema=schema), *(day[table] for day in days)])
        found[f"{name}.{form}"] = _whole(folder / f"{name}.{form}", partial(_table, frame, form))
    return found


def _events(journal: JournalReader, path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in journal.rows():
            file.write(json.dumps(row.to_json(), sort_keys=True) + "\n")
            count += 1
    return count


def _table(frame: pl.DataFrame, form: str, path: Path) -> int:
    if form == "csv":
        frame.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ")
    else:
        frame.write_parquet(path, compression="zstd", statistics=True)
    return frame.height


def _whole(path: Path, write: Callable[[Path], int]) -> int:
    """Write a file beside its place, and put it there when it is whole; give its rows."""
    unfinished = path.with_name(f".{path.name}.new")
    try:
        rows = write(unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return rows
