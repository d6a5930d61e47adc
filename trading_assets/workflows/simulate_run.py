"""A run over the desk's tables that is stored nowhere: read, laid out, played."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Symbol
from trading_assets.features.regime import known_regimes
from trading_assets.market.bar_frame import PRICES, RESAMPLED_SCHEMA, between, with_minutes_inside
from trading_assets.strategies.evaluate import (
    bar_matrix,
    month_signals,
    signal_matrix,
    with_forecasts,
)
from trading_assets.strategies.filters import with_news, with_universe
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.run_plan import RunPlan

if TYPE_CHECKING:
    from trading_assets.backtest.result import BacktestResult
    from trading_assets.backtest.run_log import RunLog
    from trading_assets.engine.signals import BarMatrix, SignalMatrix

_PROVEN = ("ts", "symbol", *PRICES, "volume", "quote_volume")


@dataclass(frozen=True, slots=True)
class LaidOut:
    """Bars and signals of a plan, as the engine reads them.

    Attributes:
        frames: for each strategy (`RunPlan.parts`), all bars of each of its symbols that were read,
            with what strategy and filters look at.
    """

    frames: tuple[Mapping[Symbol, pl.DataFrame], ...]
    bars: BarMatrix
    signals: SignalMatrix


@dataclass(frozen=True, slots=True)
class Simulated:
    """A run that is stored nowhere; frames as of `LaidOut`."""

    result: BacktestResult
    frames: tuple[Mapping[Symbol, pl.DataFrame], ...]


def simulate(desk: Desk, plan: RunPlan) -> Simulated:
    """Run a plan, month by month as live would see it, and store nothing.

    Raises:
        CorruptFile: if an input is damaged.
        DataError: if the span has no bar, or one of them breaks a rule, naming its symbol and time.
    """
    from trading_assets.backtest.result import BacktestResult

    laid = lay_out(desk, plan)
    log = play(desk, plan, plan.spec, laid.bars, laid.signals)
    return Simulated(BacktestResult(plan.spec, plan.strategy, log, lambda: plan.facts), laid.frames)


def lay_out(desk: Desk, plan: RunPlan) -> LaidOut:
    """Read and prove the bars of a plan, and evaluate its signals.

    Raises:
        CorruptFile, DataError: as `simulate`.
    """
    from trading_assets.backtest.own_bars import require_sound
    from trading_assets.backtest.prepared import require_volumes
    from trading_assets.engine.signals import together

    spec = plan.spec
    frames = tuple(frames_of(desk, part) for part in plan.parts)
    for symbol, frame in {s: f for own in frames for s, f in own.items()}.items():
        require_sound(frame.select(_PROVEN).rechunk(), symbol)
    traded: dict[Symbol, pl.DataFrame] = {}
    for part, own in zip(plan.parts, frames, strict=True):
        traded |= {s: _traded(frame, part) for s, frame in own.items() if s not in traded}
    for symbol, frame in traded.items():
        require_volumes(spec, frame, symbol)
    bars = bar_matrix(traded, spec.symbols)
    if not len(bars):
        raise DataError(f"Spec {spec.name} has no bar to trade", expected=f"bars in {plan.months}")
    signals = [_signals(part, own, bars) for part, own in zip(plan.parts, frames, strict=True)]
    return LaidOut(frames, bars, together(signals))


def play(
    desk: Desk, plan: RunPlan, spec: AnySpec, bars: BarMatrix, signals: SignalMatrix
) -> RunLog:
    """Run the engine over what was laid out, by a spec of the same strategies.

    Args:
        desk: holds the calendars.
        plan: whose instruments are used; its facts say how long a hole may be.
        spec: the plan's own, or one with other costs, sizing or cash.
        bars: of the spec's symbols.
        signals: decided at these bars.
    """
    from trading_assets.backtest.runner import run

    return run(
        spec.engine_setup(plan.instruments),
        bars,
        signals,
        max_hole=plan.facts["max_hole_minutes"] * MINUTE,
        sessions=[sessions_of_symbol(desk, symbol) for symbol in spec.symbols],
    )


def _signals(plan: RunPlan, frames: Mapping[Symbol, pl.DataFrame], bars: BarMatrix) -> SignalMatrix:
    """Evaluate one strategy month by month, on the axis of all bars."""
    strategy = plan.spec.parts[0].build_strategy()
    signals = {
        symbol: _traded(
            pl.concat([month_signals(strategy, frame, month) for month in plan.months]), plan
        )
        for symbol, frame in frames.items()
    }
    return signal_matrix(strategy.family, signals, plan.spec.symbols, bars.ts)


def frames_of(desk: Desk, plan: RunPlan) -> dict[Symbol, pl.DataFrame]:
    """Read all bars up to the last month, each proven, with forecasts where they are needed."""
    frames = {}
    members = [desk.tables.read_manifest(plan.universe[month]) for month in sorted(plan.universe)]
    universe = pl.concat(members) if members else None
    for symbol in plan.spec.symbols:
        months = sorted(m for s, m in plan.bars if s == symbol and m <= plan.months[-1])
        parts = [desk.tables.read_mapped(plan.bars[symbol, m]) for m in months]
        frame = pl.concat(parts) if parts else pl.DataFrame(schema=RESAMPLED_SCHEMA)
        if plan.spec.timeframe is Timeframe.M1:
            frame = with_minutes_inside(frame)
        if plan.strategy.horizon is not None:
            parts = [desk.tables.read_manifest(plan.forecasts[symbol, m]) for m in plan.months]
            frame = with_forecasts(frame, pl.concat(parts), plan.strategy.horizon)
        frames[symbol] = _with_context(desk, plan, symbol, frame, universe)
    return frames


def _with_context(
    desk: Desk,
    plan: RunPlan,
    symbol: Symbol,
    frame: pl.DataFrame,
    universe: pl.DataFrame | None,
) -> pl.DataFrame:
    """Add what the filters of the spec look at."""
    news = plan.spec.parts[0].filters.news
    if universe is not None:
        frame = with_universe(frame, universe.filter(pl.col("symbol") == symbol))
    if news is not None:
        frame = with_news(frame, plan.news.of(symbol), news.flags)
    if plan.spec.parts[0].filters.regime is not None:
        months = sorted(m for s, m in plan.regimes if s == symbol)
        rows = [desk.tables.read_manifest(plan.regimes[symbol, month]) for month in months]
        size = timedelta(minutes=plan.spec.timeframe.minutes)
        frame = known_regimes(frame, pl.concat(rows) if rows else None, size)
    return frame


def _traded(frame: pl.DataFrame, plan: RunPlan) -> pl.DataFrame:
    spans = [between(month.start, month.end) for month in plan.months]
    inside = pl.any_horizontal(spans)
    return frame.filter(inside if plan.span is None else inside & between(*plan.span))
