"""A spec and its bars, laid out for the machine: what every run from memory begins with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from trading_assets.backtest.own_bars import proven_bars
from trading_assets.backtest.run_log import RunLog
from trading_assets.backtest.runner import log_of, run_machine
from trading_assets.backtest.segments import Hole, holes
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instants import time_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import AnySetup
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, together
from trading_assets.market.bar_frame import between
from trading_assets.market.calendars import build_sessions
from trading_assets.market.sessions import ALWAYS_OPEN, Sessions
from trading_assets.strategies.evaluate import bar_matrix, evaluated_matrix
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec, Together
from trading_assets.strategies.protocol import Strategy

DEFAULT_MAX_HOLE: Micros = 720 * MINUTE
"""Holes up to twelve hours are bridged, as in the default settings."""

_WEEK = timedelta(days=7)

Span = tuple[Micros, Micros]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One spec, of a strategy or of a portfolio, on proven bars in memory.

    Attributes:
        frames: all bars of each symbol, also those before the span, which signals look back at.
        bars: those inside the span, as the machine reads them.
        holes: where the data are split.
        span: first instant and end of what is traded; None trades all bars.
    """

    spec: AnySpec
    strategy: Strategy | Together
    setup: AnySetup
    frames: Mapping[Symbol, pl.DataFrame]
    bars: BarMatrix
    holes: tuple[Hole, ...]
    span: Span | None

    def run(self) -> RunLog:
        """Evaluate the signals over each whole frame, and run the machine over the span.

        Raises:
            DataError: if the strategy's signals do not fit the bars.
        """
        return log_of(self.run_machine(), self.bars, self.holes)

    def run_machine(self) -> Machine:
        """Do the same, and give the machine as it stands after the last bar."""
        strategy = self.strategy
        strategies = strategy.strategies if isinstance(strategy, Together) else (strategy,)
        signals = [
            evaluated_matrix(one, self.frames, part.symbols, self.bars.ts)
            for part, one in zip(self.spec.parts, strategies, strict=True)
        ]
        return run_machine(self.setup, self.bars, together(signals), self.holes)


def prepare(
    spec: AnySpec,
    frames: Mapping[Symbol, pl.DataFrame],
    instruments: Iterable[Instrument],
    *,
    span: Span | None = None,
    max_hole: Micros = DEFAULT_MAX_HOLE,
    sessions: Mapping[Symbol, Sessions | None] | None = None,
) -> Prepared:
    """Prove bars and lay them out (see `own_bars.proven_bars`).

    Args:
        spec: what is traded, how large, at what cost.
        frames: per symbol of the spec, bars of its size or smaller ones, ascending; with
            `prediction` and `confidence` where the strategy asks for a forecast.
        instruments: grids of at least the spec's symbols.
        span: trade only bars that open in [start, end).
        max_hole: longer holes split the run (see `runner.run`). They are measured in the trading
            time of the calendar that an instrument names, and smaller bars are resampled by it.
        sessions: of each symbol of the spec, as they were frozen (None for a market that never
            closes). Left out, they are built from the calendars that instruments name.

    Raises:
        UnknownSymbol: if a symbol of the spec has no frame or no instrument.
        DataError: if a frame breaks a rule of bars, or no bar is inside the span.
        ConfigurationError: if instruments and spec do not fit.
    """
    strategy, setup = _built(spec, instruments)
    calendars = {one.symbol: one.calendar for one in setup.instruments}

    def known(symbol: Symbol, frame: pl.DataFrame) -> Sessions | None:
        return sessions_over(frame, calendars[symbol]) if sessions is None else sessions[symbol]

    proven = {s: _proven(spec, frames, s, known) for s in spec.symbols}
    traded = {symbol: _inside(frame, span) for symbol, frame in proven.items()}
    if not any(frame.height for frame in traded.values()):
        raise DataError(
            f"Spec {spec.name} has no bar to trade",
            expected="bars" if span is None else f"bars from {' to '.join(map(time_text, span))}",
            found="; ".join(f"{symbol}: {_extent(frame)}" for symbol, frame in proven.items()),
        )
    bars = bar_matrix(traded, spec.symbols)
    found = holes(bars, max_hole, [known(symbol, proven[symbol]) for symbol in spec.symbols])
    return Prepared(spec, strategy, setup, proven, bars, found, span)


def _built(
    spec: AnySpec, instruments: Iterable[Instrument]
) -> tuple[Strategy | Together, AnySetup]:
    """Build strategy and setup, each once: to find a strategy's class, files are looked at."""
    if isinstance(spec, PortfolioSpec):
        together = spec.build_strategy()
        return together, spec.engine_setup(instruments, together)
    strategy = spec.build_strategy()
    return strategy, spec.engine_setup(instruments, strategy)


def _proven(
    spec: AnySpec,
    frames: Mapping[Symbol, pl.DataFrame],
    symbol: Symbol,
    sessions: Callable[[Symbol, pl.DataFrame], Sessions | None],
) -> pl.DataFrame:
    if symbol not in frames:
        raise UnknownSymbol(
            f"Spec {spec.name} has no bars of {symbol}",
            expected=", ".join(spec.symbols),
            found=", ".join(frames) or "no frame",
        )
    frame = proven_bars(
        frames[symbol], symbol, spec.timeframe, lambda minutes: sessions(symbol, minutes)
    )
    require_volumes(spec, frame, symbol)
    return frame


def require_volumes(spec: AnySpec, frame: pl.DataFrame, symbol: Symbol) -> None:
    """Refuse bars without a volume where costs or rules of the spec depend on it.

    Raises:
        DataError: naming symbol and time of the first such bar.
    """
    charged = (spec.costs, *(costs for _, costs in spec.costs.later))
    has_impact = any(costs.impact_bps or costs.sqrt_impact for costs in charged)
    needs_volume = has_impact or spec.rules.participation_pct
    if needs_volume and frame["volume"].has_nulls():
        unknown = frame["ts"].filter(frame["volume"].is_null())
        raise DataError(
            f"Bar of {symbol} at {unknown[0]} has no volume",
            expected="a volume >= 0, since the spec has participation or impact",
            found=f"{len(unknown)} bars without one",
            fix="Give bars with their volume, or take this cost or rule out of the spec.",
        )


def sessions_over(frame: pl.DataFrame, calendar: str) -> Sessions | None:
    """Give the sessions of a calendar over the span of bars, a week more on both sides.

    None when the market never closes, or there are no bars.

    Raises:
        ConfigurationError: if there is no such calendar.
    """
    if calendar == ALWAYS_OPEN or frame.is_empty():
        return None
    first, last = (frame["ts"][at].date() for at in (0, -1))
    return build_sessions(calendar, first - _WEEK, last + _WEEK)


def _inside(frame: pl.DataFrame, span: Span | None) -> pl.DataFrame:
    return frame if span is None else frame.filter(between(*span))


def _extent(frame: pl.DataFrame) -> str:
    if frame.is_empty():
        return "none"
    return f"{frame['ts'][0]} to {frame['ts'][-1]}"
