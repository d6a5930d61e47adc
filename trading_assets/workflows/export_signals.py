"""What a strategy says at every bar of a month: for a picture of it, and for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.setup import SignalFamily
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.run_plan import plan_run
from trading_assets.workflows.strategy_specs import find_spec

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.strategies.protocol import Strategy


def signals_of_spec(
    desk: Desk, spec_name: str, month: Month
) -> tuple[Strategy, dict[Symbol, pl.DataFrame]]:
    """Evaluate a spec over one month of the present tables, as a backtest does.

    Returns:
        The strategy, and by symbol its signals as `strategies.evaluate.evaluate` gives them; no
        symbol where it decides bar by bar, for it has no signals then.

    Raises:
        ConfigurationError: if there is no such spec.
        MissingPartition: if it lacks inputs of the month.
        CorruptFile: if a file is damaged.
    """
    from trading_assets.strategies.evaluate import month_signals
    from trading_assets.workflows.simulate_run import frames_of

    plan = plan_run(desk, find_spec(desk.settings, spec_name), within=[month])
    strategy = plan.spec.parts[0].build_strategy()
    if strategy.family is SignalFamily.ON_BAR:
        return strategy, {}
    return strategy, {
        symbol: month_signals(strategy, frame, month)
        for symbol, frame in frames_of(desk, plan).items()
    }


def signal_rows(desk: Desk, spec_name: str, month: Month) -> pl.DataFrame:
    """Give the signals of all symbols as one table, by symbol and time: `ts_utc`, `symbol`, values.

    Raises:
        ConfigurationError: if there is no such spec, or it decides bar by bar and has no signals.
        MissingPartition, CorruptFile: as `signals_of_spec`.
    """
    import polars as pl

    _, found = signals_of_spec(desk, spec_name, month)
    if not found:
        raise ConfigurationError(
            f"{spec_name} has no signals",
            expected="a strategy of targets or brackets",
            found="one that decides bar by bar",
            fix="Export its orders: `trading-assets runs export`.",
        )
    named = [
        frame.select(
            pl.col("ts").alias("ts_utc"), pl.lit(symbol).alias("symbol"), pl.exclude("ts", "symbol")
        )
        for symbol, frame in found.items()
    ]
    return pl.concat(named)
