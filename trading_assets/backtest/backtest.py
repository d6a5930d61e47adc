"""The short way to a backtest: a spec, frames of bars in memory, and `run`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from trading_assets.backtest.result import BacktestResult
from trading_assets.backtest.runner import run_segments
from trading_assets.backtest.segments import holes
from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.market.resample import resample
from trading_assets.strategies.evaluate import bar_matrix, evaluate, signal_matrix
from trading_assets.strategies.spec import StrategySpec

DEFAULT_MAX_HOLE: Micros = 720 * MINUTE
"""Holes up to twelve hours are bridged, as in the default settings."""


class Backtest:
    """One spec on bars that are already in memory.

    Signals are evaluated once over each whole frame, from its first bar on; the month by month
    evaluation of the graph, with models and warm-up from partitions, is `workflows.run_backtest`.

    Args:
        spec: what is traded, how large, at what cost.
        frames: per symbol of the spec, bars of the spec's size or of one minute (they are
            resampled), ascending; with `prediction` and `confidence` where the strategy asks for
            a forecast.
        instruments: grids of at least the spec's symbols.
        max_hole: longer holes split the run (see `runner.run`).

    Raises:
        UnknownSymbol: if a symbol of the spec has no frame or no instrument.
        DataError: if a frame's bars are of another size.
    """

    def __init__(
        self,
        spec: StrategySpec,
        frames: Mapping[Symbol, pl.DataFrame],
        instruments: Iterable[Instrument],
        *,
        max_hole: Micros = DEFAULT_MAX_HOLE,
    ) -> None:
        self.spec = spec
        self.setup = spec.engine_setup(instruments)
        self.strategy = spec.build_strategy()
        self.frames = {symbol: self._frame(frames, symbol) for symbol in spec.symbols}
        self.bars = bar_matrix(self.frames, spec.symbols)
        self.holes = holes(self.bars, max_hole)

    def run(self) -> BacktestResult:
        """Evaluate the signals and run the machine over them."""
        strategy, symbols = self.strategy, self.spec.symbols
        signals = {symbol: evaluate(strategy, self.frames[symbol]) for symbol in symbols}
        matrix = signal_matrix(strategy.family, signals, symbols, self.bars.ts)
        return run_segments(self.setup, self.bars, matrix, self.holes)

    def _frame(self, frames: Mapping[Symbol, pl.DataFrame], symbol: Symbol) -> pl.DataFrame:
        if symbol not in frames:
            raise UnknownSymbol(
                f"Spec {self.spec.name} has no bars of {symbol}",
                expected=", ".join(self.spec.symbols),
                found=", ".join(frames) or "no frame",
            )
        frame = frames[symbol]
        timeframe = self.spec.timeframe
        size = _bar_size(frame)
        if size == Timeframe.M1.micros:
            return resample(frame, timeframe)
        if size not in {0, timeframe.micros}:
            raise DataError(
                f"Bars of {symbol} are of another size",
                expected=f"{timeframe.value} or 1m",
                found=f"{size // MINUTE} minutes",
            )
        return frame


def _bar_size(frame: pl.DataFrame) -> Micros:
    """Give the smallest step between bars, 0 with fewer than two."""
    steps = frame["ts"].to_physical().diff().drop_nulls()
    smallest = steps.min()
    return int(smallest) if isinstance(smallest, int) else 0
