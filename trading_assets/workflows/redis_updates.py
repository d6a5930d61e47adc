"""What streams outside are told of a desk: forecasts, risk factors, and parameters of strategies.

Each source gives what is new against a cursor, the strings that its stream's last entry left. The
desk's tables are the queue: durable, only added to, and read by nobody else's leave, so that
nothing waits for Redis, and nothing is lost while it, or the mirror, is away.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trading_assets.domain.errors import DataError, TradingAssetsError
from trading_assets.domain.ids import Month, canonical_json, content_hash
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.research_news import FORECASTS, RISK, research_document
from trading_assets.workflows.strategy_config import list_config

FORECAST_UPDATES, RISK_UPDATES, STRATEGY_CONFIG = (
    "forecast_updates", "risk_updates", "strategy_config",
)  # fmt: skip
"""Streams, and channels of the same names."""


@dataclass(frozen=True, slots=True)
class Update:
    """One thing that is new.

    Attributes:
        document: what readers get.
        row: names the row, the same for ever.
        key: of the cursor.
        position: what the cursor says under `key` once this was told; None: no more of it.
    """

    document: Mapping[str, Any]
    row: str
    key: str
    position: str | None


class UpdateSource(Protocol):
    """Where one stream's updates come from."""

    @property
    def stream(self) -> str:
        """Name of the stream."""

    def after(self, cursor: Mapping[str, str]) -> Iterator[Update]:
        """Yield what the cursor does not know yet, in the order in which it is to be told.

        Raises:
            DataError: if the desk cannot be read, or the cursor is none of ours.
            ConfigurationError: if a file of a spec is wrong.
        """


def update_sources(desk: Desk) -> tuple[UpdateSource, ...]:
    """List the sources of a desk."""
    most = desk.settings.redis.max_entries
    return (
        TableUpdates(desk, FORECAST_UPDATES, FORECASTS, most),
        TableUpdates(desk, RISK_UPDATES, RISK, most),
        ConfigUpdates(desk),
    )


@dataclass(frozen=True, slots=True)
class _Position:
    """How far a partition was told.

    Attributes:
        rows: so many.
        last: hash of the last one's document: tells a partition that was made anew.
        version: of the partition, "" while some of its rows are not told.
    """

    rows: int
    last: str
    version: str

    def text(self) -> str:
        return canonical_json([self.rows, self.last, self.version]).decode()

    @classmethod
    def of(cls, key: str, text: str | None) -> _Position | None:
        if text is None:
            return None
        try:
            rows, last, version = json.loads(text)
            return cls(int(rows), str(last), str(version))
        except (ValueError, TypeError) as error:
            raise DataError(
                f"The cursor in Redis cannot be read at {key}",
                expected="rows, hash and version",
                found=text[:80],
                fix="Delete the stream and its cursor: both are filled again.",
            ) from error


class TableUpdates:
    """Rows of a table that only grows: of one month after the other, by instant."""

    def __init__(self, desk: Desk, stream: str, table: str, most: int) -> None:
        """Name the table; a partition that is new to the cursor gives its `most` last rows."""
        self.stream = stream
        self._desk, self._table, self._most = desk, table, most

    def after(self, cursor: Mapping[str, str]) -> Iterator[Update]:
        """Yield new rows; those of a partition that was thrown away and made anew are new.

        A partition that cannot be read is the error at the end, after all others.
        """
        unreadable: list[TradingAssetsError] = []
        for manifests in self._months():
            found: list[tuple[Any, Update]] = []
            for manifest in manifests:
                try:
                    found += self._rows(manifest, cursor)
                except TradingAssetsError as error:
                    unreadable.append(error)
            # Stable: rows of one partition keep their order, by which its position counts.
            yield from (update for _, update in sorted(found, key=lambda each: each[0]))
        if unreadable:
            raise unreadable[0]

    def _months(self) -> Iterator[list[Manifest]]:
        tables = self._desk.tables
        if self._table not in tables.tables():
            return
        by_month: dict[Month, list[Manifest]] = {}
        for symbol in tables.symbols(self._table):
            for month in tables.months(self._table, symbol):
                manifest = tables.current(self._table, symbol, month)
                if manifest is not None:
                    by_month.setdefault(month, []).append(manifest)
        for month in sorted(by_month):
            yield by_month[month]

    def _rows(self, manifest: Manifest, cursor: Mapping[str, str]) -> list[tuple[Any, Update]]:
        key = f"{manifest.symbol}/{manifest.month}"
        known = _Position.of(key, cursor.get(key))
        if not manifest.rows or (known is not None and known.version == manifest.version):
            return []
        rows = self._desk.tables.read_manifest(manifest)
        start = max(0, rows.height - self._most)
        if known is not None and 0 < known.rows <= rows.height:
            told = research_document(self._table, rows.row(known.rows - 1, named=True))
            if _hash(told) == known.last:
                start = known.rows
        found = []
        for n, row in enumerate(rows.slice(start).iter_rows(named=True), start + 1):
            document = research_document(self._table, row)
            version = manifest.version if n == rows.height else ""
            position = _Position(n, _hash(document), version).text()
            found.append((row["ts"], Update(document, f"{key}/{n}", key, position)))
        return found


class ConfigUpdates:
    """Parameters of the specs: each when it is new or another, and with value None when gone."""

    stream = STRATEGY_CONFIG

    def __init__(self, desk: Desk) -> None:
        """Name the desk."""
        self._desk = desk

    def after(self, cursor: Mapping[str, str]) -> Iterator[Update]:
        """Yield `{"key", "value", "spec", "version"}`, those fields of `list_config`."""
        left = dict(cursor)
        for row in list_config(self._desk):
            document = {name: row[name] for name in ("key", "value", "spec", "version")}
            key, position = row["key"], canonical_json(document).decode()
            if left.pop(key, None) != position:
                yield Update(document, f"{key}/{_hash(document)}", key, position)
        for key, position in left.items():
            document = {**json.loads(position), "value": None}
            yield Update(document, f"{key}/{_hash(document)}", key, None)


def _hash(document: Mapping[str, Any]) -> str:
    return content_hash(dict(document))[:16]
