"""The bars that rows of a month look at: its own, and those of the months that a window reaches."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import polars as pl

from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.features.anchor import anchor
from trading_assets.market.bar_frame import instant
from trading_assets.settings import Settings
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.listing import is_traded_in


def bars_behind(
    desk: Desk, table: str, symbol: Symbol, month: Month, warm_up: timedelta
) -> tuple[Manifest, ...]:
    """Give the bars from a month's anchor on, ascending; the month's own are the last.

    A month of another source before it is as good as none.

    Raises:
        MissingPartition: if the bars of the month itself are not there.
    """
    own = desk.tables.require(table, symbol, month)
    source = source_of(desk.settings, own, symbol)
    return (*bars_before(desk, table, symbol, month, anchor(month, warm_up), source), own)


def bars_before(
    desk: Desk, table: str, symbol: Symbol, month: Month, start: Micros, source: str
) -> tuple[Manifest, ...]:
    """Give the bars of a source in the months from an instant to before a month, ascending."""
    found = [
        desk.tables.current(table, symbol, earlier)
        for earlier in months_between(Month.of(start), month.shift(-1))
        if is_traded_in(desk.settings, symbol, earlier)
    ]
    known = [manifest for manifest in found if manifest is not None]
    return tuple(m for m in known if source_of(desk.settings, m, symbol) == source)


def source_of(settings: Settings, manifest: Manifest, symbol: Symbol) -> str:
    """Give the source that a symbol's bars came from; that of the settings, where none is said."""
    return str(manifest.extra.get("source", settings.source_of(symbol)))


def frame_from(desk: Desk, bars: Sequence[Manifest], start: Micros) -> pl.DataFrame:
    """Read bars from an instant on.

    Raises:
        CorruptFile: if a file is damaged.
    """
    rows = pl.concat([desk.tables.read_manifest(manifest) for manifest in bars])
    return rows.filter(pl.col("ts") >= instant(start))
