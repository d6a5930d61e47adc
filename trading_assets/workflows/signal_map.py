"""A month at a glance: forecasts of every symbol by the hour, and what a strategy makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.setup import SignalFamily
from trading_assets.forecasting.horizons import horizon_micros
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.export_signals import signals_of_spec
from trading_assets.workflows.forecast_month import FORECASTS
from trading_assets.workflows.strategy_specs import list_specs

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.strategies.protocol import Strategy

HOUR: Micros = 60 * MINUTE
_Cells = list[list[float | None]]


def signal_map(
    desk: Desk, month: Month | None = None, *, horizon: str = "", spec_name: str = ""
) -> dict[str, Any]:
    """Give what was expected of every symbol at the end of each hour of a month.

    Args:
        desk: holds the tables.
        month: whose hours; None: the newest that has forecasts.
        horizon: of the forecasts; "" for that of `risk_factor`.
        spec_name: whose signals to evaluate once more on the present tables; "" for the spec that
            the first book with a release trades, if the month has its inputs.

    Returns:
        `month`, `symbols`, `t` (starts of the hours, in seconds), `horizon`, `spec` (None where
        there is no `signal`), and `columns`: rows in the order of `symbols`, cells in that of `t`,
        None where there is none. `forecast` is the
        last prediction (a return) of each hour, `confidence` its confidence. `signal` is the last
        that the strategy said in the hour: its target as a signed part of what its sizing gives; of
        a strategy of brackets 1, -1 or 0 for entries it would place on the long side, the short
        side, or both. It is no position: what is held, the engine decides.

    Raises:
        ConfigurationError: if there is no such horizon or spec.
        MissingPartition: if no month has forecasts, or the spec that is named lacks inputs.
        CorruptFile: if a file is damaged.
    """
    import polars as pl

    chosen = horizon or desk.settings.risk_factor.horizon
    horizon_micros(chosen)
    symbols = desk.settings.symbols
    month = _newest(desk) if month is None else month
    hours = range(month.start, month.end, HOUR)
    columns: dict[str, _Cells] = {"forecast": [], "confidence": []}
    for symbol in symbols:
        manifest = desk.tables.current(FORECASTS, symbol, month)
        rows = None if manifest is None else desk.tables.read_mapped(manifest)
        rows = None if rows is None else rows.filter(pl.col("horizon") == chosen)
        columns["forecast"].append(_by_hour(rows, "prediction", hours))
        columns["confidence"].append(_by_hour(rows, "confidence", hours))
    spec, signals = spec_name or _traded_spec(desk), None
    try:
        signals = _signals(desk, month, spec) if spec else None
    except MissingPartition:
        if spec_name:
            raise
    if signals is not None:
        columns["signal"] = [_by_hour(signals.get(s), "signal", hours) for s in symbols]
    return {
        "month": str(month),
        "symbols": list(symbols),
        "t": [hour // 1_000_000 for hour in hours],
        "horizon": chosen,
        "spec": spec if signals is not None else None,
        "columns": columns,
    }


def _newest(desk: Desk) -> Month:
    months = {m for symbol in desk.settings.symbols for m in desk.tables.months(FORECASTS, symbol)}
    if not months:
        raise MissingPartition(
            "There are no forecasts", expected=f"a month of {FORECASTS}", found="none",
            fix="Train and forecast a month first.",
        )  # fmt: skip
    return max(months)


def _traded_spec(desk: Desk) -> str:
    """Name the spec of the first book, by name, whose release trades one of this desk; or ""."""
    known = list_specs(desk.settings)
    for book in sorted(desk.settings.books):
        release = desk.releases.current(book)
        if release is not None and release.spec.name in known:
            return release.spec.name
    return ""


def _by_hour(rows: pl.DataFrame | None, column: str, hours: range) -> list[float | None]:
    """Give the last value of each hour, by the close of the row's bar."""
    import polars as pl

    cells: list[float | None] = [None] * len(hours)
    if rows is None:
        return cells
    at = (pl.col("ts").dt.epoch("us") - hours.start) // HOUR
    last = rows.drop_nulls(column).group_by(hour=at).agg(pl.col(column).last())
    for hour, value in last.iter_rows():
        cells[hour] = value
    return cells


def _signals(desk: Desk, month: Month, spec_name: str) -> dict[Symbol, pl.DataFrame]:
    strategy, found = signals_of_spec(desk, spec_name, month)
    return {symbol: _said(strategy, signals) for symbol, signals in found.items()}


def _said(strategy: Strategy, signals: pl.DataFrame) -> pl.DataFrame:
    import polars as pl

    if strategy.family is SignalFamily.TARGET:
        return signals.select("ts", signal="target")
    longs, shorts = (pl.col(n).is_not_null() for n in ("long_entry", "short_entry"))
    side = longs.cast(pl.Float64) - shorts.cast(pl.Float64)
    return signals.select("ts", signal=pl.when(longs | shorts).then(side))
