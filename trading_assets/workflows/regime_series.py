"""Regimes of a symbol as a chart draws them."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.workflows.build_regimes import REGIMES_TABLE
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.forecast_listing import chosen_symbols

_SHOWN_DAYS = 90
_COLUMNS = ("regime", "p_calm", "p_normal", "p_turbulent", "volatility")


def regime_series(
    desk: Desk,
    symbol: Symbol,
    *,
    since: Micros | None = None,
    until: Micros | None = None,
    points: int,
) -> dict[str, list[Any]]:
    """Give what was known of a symbol's regime at the close of each hour.

    Args:
        desk: holds the table.
        symbol: one of the settings.
        since: first open time of an hour; None: 90 days before the end.
        until: end of the span, exclusive; None: behind the last hour.
        points: rows at most; of more, every second, third, ... is left, the last one among them.

    Returns:
        `t` (open time of the hour in seconds), `regime` (the most probable), `p_calm`, `p_normal`
        (None with two states), `p_turbulent`, `volatility` (of an hour's log return); empty lists
        where nothing is published.

    Raises:
        UnknownSymbol: if settings do not have the symbol.
        CorruptFile: if a file is damaged.
    """
    import polars as pl

    from trading_assets.market.bar_frame import between, schema_of
    from trading_assets.market.table_columns import REGIME_COLUMNS

    chosen_symbols(desk, symbol)
    manifests = [
        desk.tables.require(REGIMES_TABLE, symbol, month)
        for month in desk.tables.months(REGIMES_TABLE, symbol)
    ]
    newest = max((m.max_ts for m in manifests if m.max_ts is not None), default=-1)
    end = newest + 1 if until is None else until
    start = end - _SHOWN_DAYS * DAY if since is None else since
    inside = [
        m
        for m in manifests
        if m.min_ts is not None and m.max_ts is not None and m.min_ts < end and m.max_ts >= start
    ]
    frames = [desk.tables.read_manifest(manifest) for manifest in inside]
    rows = pl.concat([schema_of(REGIME_COLUMNS).to_frame(), *frames]).filter(between(start, end))
    step = max(1, -(-rows.height // points))
    kept = rows.reverse().gather_every(step).reverse()
    seconds = kept["ts"].to_physical() // 1_000_000
    return {"t": seconds.to_list(), **{name: kept[name].to_list() for name in _COLUMNS}}
