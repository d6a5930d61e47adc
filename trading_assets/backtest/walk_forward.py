"""Walk-forward: parameters are chosen on a stretch of time, and tried on what comes after it.

A fold chooses with bars before the end of its training alone: the frames that it sees end there,
so nothing later can have a say. The chosen trial then runs once over its test, flat at its start,
with earlier bars for its signals to look back at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.backtest.plan import Fold, Folds, Plan
from trading_assets.backtest.prepared import DEFAULT_MAX_HOLE, prepare
from trading_assets.backtest.space import varied
from trading_assets.backtest.sweep import TrialStore, run_sweep, short
from trading_assets.backtest.trials import Ground, Trial, ground_of, run_trials
from trading_assets.domain.ids import Micros, Symbol, content_hash
from trading_assets.domain.instrument import Instrument
from trading_assets.evaluation.metrics import daily_returns, performance_metrics
from trading_assets.evaluation.performance import annual_periods
from trading_assets.market.bar_frame import TS, instant
from trading_assets.market.sessions import Sessions
from trading_assets.strategies.spec import StrategySpec


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What a fold chose and what came of it; `days` are those of the test."""

    fold: Fold
    chosen: Trial
    test: Trial
    days: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class WalkForwardResult:
    """All folds, in time.

    Attributes:
        spec: what was varied.
        plan: how each fold chose.
        folds: their results.
        per_year: daily periods of a year.
        num_trials: distinct trials of all trainings together; a test is one of them once more.
    """

    spec: StrategySpec
    plan: Plan
    folds: tuple[FoldResult, ...]
    per_year: int
    num_trials: int

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per fold: spans, what was chosen, metrics in and out of sample, efficiency.

        Efficiency is the daily mean return out of sample over that in sample (R. Pardo, The
        Evaluation and Optimization of Trading Strategies, with days in place of years); null when
        nothing was earned in sample.
        """
        return pl.DataFrame([self._row(n, one) for n, one in enumerate(self.folds)])

    @cached_property
    def equity(self) -> pl.DataFrame:
        """The tests, one after the other: `ts_utc`, `equity` and `fold` for each UTC day.

        Each test starts flat with what the one before it left.
        """
        value, parts = float(self.spec.cash), []
        for number, one in enumerate(self.folds):
            curve = value * np.cumprod(1.0 + self._returns(one.test))
            days = pl.Series(one.days).cast(TS)
            parts.append(pl.DataFrame({"ts_utc": days, "equity": curve, "fold": number}))
            value = float(curve[-1]) if len(curve) else value
        return pl.concat(parts)

    @property
    def daily_returns(self) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]:
        """For each fold, simple daily returns of what it chose: in its training, and its test."""
        return tuple((self._returns(one.chosen), self._returns(one.test)) for one in self.folds)

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """Metrics of the days of all tests together."""
        returns = np.concatenate([self._returns(one.test) for one in self.folds])
        return performance_metrics(returns, self.per_year)

    @cached_property
    def result_hash(self) -> str:
        """SHA-256 over the table of folds."""
        return content_hash(self.table.to_dicts())

    def _returns(self, trial: Trial) -> NDArray[np.float64]:
        daily = np.empty(0) if trial.daily is None else trial.daily
        return daily_returns(daily, float(self.spec.cash))

    def _row(self, number: int, one: FoldResult) -> dict[str, Any]:
        inside, outside = (float(np.mean(self._returns(t))) for t in (one.chosen, one.test))
        spans = ("train_start", "train_end", "test_start", "test_end")
        metric = self.plan.metric
        row: dict[str, Any] = {"fold": number}
        row |= {name: getattr(one.fold, name) for name in spans}
        row |= {short(name): value for name, value in one.chosen.params.items()}
        for where, trial in (("in", one.chosen), ("out", one.test)):
            for name in dict.fromkeys((metric, "net_return_pct", "max_drawdown_pct", "num_trades")):
                row[f"{where}_{name}"] = (trial.metrics or {}).get(name)
        row["efficiency"] = outside / inside if inside > 0 else None
        row["fills_hash"] = one.test.fills_hash
        return row


def walk_forward(
    spec: StrategySpec,
    frames: Mapping[Symbol, pl.DataFrame],
    instruments: Iterable[Instrument],
    plan: Plan,
    folds: Folds,
    *,
    max_hole: Micros = DEFAULT_MAX_HOLE,
    sessions: Mapping[Symbol, Sessions | None] | None = None,
    identity: str = "",
    store: TrialStore | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> WalkForwardResult:
    """Choose and try, fold by fold.

    Args:
        spec: what is varied.
        frames: proven bars of each symbol.
        instruments: their grids.
        plan: how each fold chooses.
        folds: how time is cut.
        max_hole: longer holes split a run.
        sessions: as of `prepare`.
        identity: of data, code and spec; with the span of a training, that of its trials.
        store: has and takes the trials of all trainings, as that of a sweep.
        report: is told how many folds have just been finished.

    Raises:
        ConfigurationError: if no fold fits, or in one of them no trial can be compared.
    """
    grid = tuple(instruments)
    first = min(int(frame["ts"].to_physical()[0]) for frame in frames.values() if frame.height)
    last = max(int(frame["ts"].to_physical()[-1]) for frame in frames.values() if frame.height)
    results, tried = [], set[str]()

    def ground_over(start: Micros, end: Micros) -> Ground:
        seen, span = _before(frames, end), (start, end)
        return ground_of(prepare(spec, seen, grid, span=span, max_hole=max_hole, sessions=sessions))

    for fold in folds.over(first, last + 1):
        of_training = content_hash([identity, spec.spec_hash, fold.train_start, fold.train_end])
        training = ground_over(fold.train_start, fold.train_end)
        swept = run_sweep(training, plan, of_training, store=store)
        chosen = swept.best
        ground = ground_over(fold.test_start, fold.test_end)
        (test,) = run_trials(ground, [(chosen.params, varied(spec, chosen.params))])
        results.append(FoldResult(fold, chosen, test, ground.days))
        tried |= swept.tried
        report(1)
    per_year = annual_periods(spec.engine_setup(grid).instruments)
    return WalkForwardResult(spec, plan, tuple(results), per_year, len(tried))


def _before(frames: Mapping[Symbol, pl.DataFrame], end: Micros) -> dict[Symbol, pl.DataFrame]:
    return {s: frame.filter(pl.col("ts") < instant(end)) for s, frame in frames.items()}
