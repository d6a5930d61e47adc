"""One month of market data from the vendor's bytes to daily bars, as one step of a backfill."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.history import HistorySource
from trading_assets.storage.partition_store import Manifest, PartitionStore
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.ingest_month import Told, ingest_month
from trading_assets.workflows.market_tables import RESAMPLED
from trading_assets.workflows.publish_bars import publish_bars_1m
from trading_assets.workflows.published import Published
from trading_assets.workflows.repair_month import repair_month
from trading_assets.workflows.resample_month import Rows, resample_month


def market_month(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    *,
    history: HistorySource | None = None,
    refresh: bool = False,
    told: Told | None = None,
    asked: Collection[Timeframe] = (),
) -> tuple[Published, ...]:
    """Bring raw_klines, bars_1m, bars_5m, bars_1h and bars_1d of one month up to date.

    The options are those of `ingest_month`, and `asked` as in `larger_bars`.

    Raises:
        DataError, VenueError: as the single steps do; what stood before stays.
    """
    raw = ingest_month(desk, symbol, month, history=history, refresh=refresh, told=told)
    return raw, *assemble_month(desk, symbol, month, asked)


def assemble_month(
    desk: Desk, symbol: Symbol, month: Month, asked: Collection[Timeframe] = ()
) -> tuple[Published, ...]:
    """Bring the bars of one month up to date with its stored raw bytes; nothing is fetched.

    Raises:
        DataError: as the single steps do; what stood before stays.
    """
    minutes = publish_bars_1m(desk, symbol, month)
    return minutes, *larger_bars(desk, symbol, month, asked)


def larger_bars(
    desk: Desk, symbol: Symbol, month: Month, asked: Collection[Timeframe] = ()
) -> tuple[Published, ...]:
    """Bring all larger bars of one month up to date; its minutes are read, and proven, once.

    Besides the sizes of the graph, that of the source is published where it is another.

    Args:
        desk: where to read from and to publish.
        symbol: whose bars they are.
        month: of the bars.
        asked: further sizes, such as those that specs trade (`strategy_specs.sizes_traded`).

    Raises:
        DataError: as `resample_month` does; what stood before stays.
    """
    rows = _read_once(desk.tables)
    own = traits_of_symbol(desk.settings, symbol).timeframe
    sizes = sorted({*RESAMPLED, own, *asked} - {Timeframe.M1}, key=lambda size: size.micros)
    return tuple(resample_month(desk, symbol, month, size, rows=rows) for size in sizes)


def repair_bars(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    *,
    history: HistorySource | None = None,
    again: bool = False,
    asked: Collection[Timeframe] = (),
) -> tuple[Published, ...]:
    """Ask the vendor again for the missing minutes of one month, and bring its bars up to date.

    The options are those of `repair_month`, and `asked` as in `larger_bars`.

    Raises:
        DataError, VenueError: as the single steps do; what stood before stays.
    """
    raw = repair_month(desk, symbol, month, history=history, again=again)
    return raw, *assemble_month(desk, symbol, month, asked)


def _read_once(tables: PartitionStore) -> Rows:
    """Give the rows of versions, each from the store when it is first asked for."""
    held: dict[tuple[str, int], pl.DataFrame] = {}

    def rows(manifest: Manifest) -> pl.DataFrame:
        key = (manifest.address, manifest.n)
        if key not in held:
            held[key] = tables.read_manifest(manifest)
        return held[key]

    return rows
