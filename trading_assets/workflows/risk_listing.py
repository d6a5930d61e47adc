"""Risk factors for people and programs outside: their changes, the newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.instants import FOREVER
from trading_assets.forecasting.horizons import BASE
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.forecast_listing import chosen_symbols
from trading_assets.workflows.paging import Key, Page, cursor_key, page_of

if TYPE_CHECKING:
    import polars as pl

LOG, NOW = "log", "now"
_TABLES = {LOG: "risk_log", NOW: "risk_updates"}
_ORDER = ("at", "symbol", "book", "source")


def list_risk(
    desk: Desk,
    *,
    asset: str = "",
    since: Micros = -FOREVER,
    until: Micros = FOREVER,
    limit: int,
    cursor: str | None = None,
) -> Page[dict[str, Any]]:
    """List changes of risk factors, the newest first, then by asset.

    Each is the document of `risk_factor.risk_payload` (`risk_factor`, `reasons`, `timestamp`,
    `asset`, `book` where it is a book's, `purpose`) and `source`: `log` (of whole months, as
    research knows them) or `now` (of `forecast_now`).

    Args:
        desk: holds the tables.
        asset: symbol; "" for all of the settings.
        since: first `timestamp`.
        until: end of the span, exclusive.
        limit: rows at most.
        cursor: `next` of the page before.

    Raises:
        UnknownSymbol: if settings do not have the asset.
        DataError: if the cursor is none of this list.
        CorruptFile: if a file is damaged.
    """
    after = cursor_key(cursor, (0, "", "", ""))
    symbols = chosen_symbols(desk, asset)
    rows = _rows(desk, symbols, since, until, after)
    page = page_of(rows, lambda row: row[0], limit)
    return page.mapped(lambda row: row[1])


def _rows(
    desk: Desk,
    symbols: Sequence[Symbol],
    since: Micros,
    until: Micros,
    after: Key | None,
) -> Iterator[tuple[Key, dict[str, Any]]]:
    last = until if after is None else min(until, -int(after[0]) + 1)
    months = {
        month
        for table in _TABLES.values()
        for symbol in symbols
        for month in desk.tables.months(table, symbol)
    }
    for month in sorted(months, reverse=True):
        if month.start + BASE.micros >= last or month.end + BASE.micros <= since:
            continue
        for row in _of_month(desk, symbols, month, since, last).iter_rows(named=True):
            key = (-row["at"], row["symbol"], row["book"], row["source"])
            if after is None or key > after:
                yield key, {**json.loads(row["payload"]), "source": row["source"]}


def _of_month(
    desk: Desk, symbols: Sequence[Symbol], month: Month, since: Micros, last: Micros
) -> pl.DataFrame:
    import polars as pl

    at = pl.col("ts").dt.epoch("us") + BASE.micros
    found = []
    for source, table in _TABLES.items():
        for symbol in symbols:
            manifest = desk.tables.current(table, symbol, month)
            if manifest is not None:
                rows = desk.tables.read_manifest(manifest)
                book = pl.col("book") if "book" in rows.columns else pl.lit("")
                found.append(
                    rows.filter((at >= since) & (at < last)).select(
                        at=at,
                        symbol="symbol",
                        book=book,
                        source=pl.lit(source),
                        payload="payload",
                    )
                )
    return pl.concat(found).sort(_ORDER, descending=[True, False, False, False])
