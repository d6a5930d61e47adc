"""Trials of a sweep: many specs on the same bars, each with the result of its single run.

What trials have in common is done once: bars are proven and laid out, equal indicator columns are
shared (`features.memo`), one machine serves all trials of one setup. What differs is evaluated by
the same functions and run by the same compiled step as `Prepared.run`, so fills, state and metrics
are those of a single run, to the bit.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.backtest.prepared import Prepared, Span
from trading_assets.backtest.runner import pass_break
from trading_assets.backtest.segments import breaks
from trading_assets.backtest.trial_metrics import trial_metrics
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Symbol
from trading_assets.domain.setup import EngineSetup, PortfolioSetup, SignalFamily
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, Ints
from trading_assets.engine.skipping import Skips, skips_of
from trading_assets.engine.sweep_machine import SweepMachine
from trading_assets.evaluation.metrics import day_ends
from trading_assets.features.memo import DEFAULT_BYTES, shared_columns
from trading_assets.market.bar_frame import row_content_hash
from trading_assets.strategies.changes import Place, changed_signals
from trading_assets.strategies.evaluate import open_times, time_axis
from trading_assets.strategies.portfolio_spec import PortfolioSpec, Together
from trading_assets.strategies.protocol import Strategy
from trading_assets.strategies.spec import StrategySpec


@dataclass(frozen=True)
class Ground:
    """Bars as every trial finds them.

    Attributes:
        prepared: the spec that trials vary, on its proven bars.
        skips: what the sweep's loop knows of the bars.
        places: per symbol, which rows of its frame are traded, and where they stand.
        days: int64 (D,), the first instants of the UTC days that have bars.
        kind: class of the strategy that all trials build.
    """

    prepared: Prepared
    skips: Skips
    places: Mapping[Symbol, Place]
    days: Ints
    kind: type[Any]

    @property
    def bars(self) -> BarMatrix:
        """The bars that are traded."""
        return self.prepared.bars

    @cached_property
    def content(self) -> Mapping[Symbol, str]:
        """Hash of the rows of each frame: they are as many as a hundred trials take to run."""
        return {s: row_content_hash(frame) for s, frame in self.prepared.frames.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One set of parameters and what came of it.

    Attributes:
        params: what the trial sets, by name (`params.fast`, `sizing.qty`).
        refusal: why these parameters make no run; empty when they do.
        metrics: as `trial_metrics`; empty for a refusal.
        daily: float64 (D,), equity at the end of each UTC day with bars.
        fills_hash: SHA-256 of the rows of all fills.
        state_hash: identity of the engine's state after the last bar.
        cpu_seconds: of this process, evaluation of the signals included.
        rss_growth: bytes by which the trial raised the peak memory of its process.
    """

    params: Mapping[str, Any]
    refusal: str = ""
    metrics: Mapping[str, float | int | None] | None = None
    daily: NDArray[np.float64] | None = None
    fills_hash: str = ""
    state_hash: str = ""
    cpu_seconds: float = 0.0
    rss_growth: int = 0


def ground_of(prepared: Prepared) -> Ground:
    """Lay out what all trials share."""
    bars, kind = prepared.bars, type(getattr(prepared.strategy, "inner", prepared.strategy))
    rows = {s: _traded_rows(frame, prepared.span) for s, frame in prepared.frames.items()}
    traded = {s: frame[rows[s]] for s, frame in prepared.frames.items()}
    axis = time_axis(traded)
    places: dict[Symbol, Place] = {}
    for symbol, frame in traded.items():
        ts = open_times(frame)
        on_axis = slice(None) if len(ts) == len(axis) else np.searchsorted(axis, ts)
        before = open_times(prepared.frames[symbol])[: rows[symbol].stop]
        places[symbol] = Place(rows[symbol], on_axis, before)
    return Ground(prepared, skips_of(bars), places, np.unique(bars.ts // DAY) * DAY, kind)


def alone(prepared: Prepared) -> tuple[StrategySpec, Strategy, EngineSetup]:
    """Give spec, strategy and setup of a run of one strategy.

    Raises:
        ConfigurationError: if it is a portfolio.
    """
    spec, strategy, setup = prepared.spec, prepared.strategy, prepared.setup
    if (
        isinstance(spec, PortfolioSpec)
        or isinstance(strategy, Together)
        or isinstance(setup, PortfolioSetup)
    ):
        raise ConfigurationError(
            f"{spec.name} is a portfolio",
            expected="a strategy spec: what is varied are the parameters of one strategy",
            found=f"{len(spec.parts)} strategies on one account",
            fix="Vary its members one by one.",
        )
    return spec, strategy, setup


def run_trials(
    ground: Ground,
    trials: Iterable[tuple[Mapping[str, Any], StrategySpec | ConfigurationError]],
    *,
    memo_bytes: int = DEFAULT_BYTES,
) -> Iterator[Trial]:
    """Run specs one after the other; those that are no spec are refusals.

    Args:
        ground: bars, and the spec that the trials vary: its symbols and account are theirs.
        trials: what each one sets, and the spec that it makes or why it makes none.
        memo_bytes: most memory for shared columns.
    """
    machine: SweepMachine | None = None
    with shared_columns(tuple(ground.prepared.frames.values()), memo_bytes):
        for params, spec in trials:
            if isinstance(spec, ConfigurationError):
                yield Trial(params, refusal=str(spec))
                continue
            trial, machine = _run_trial(ground, params, spec, machine)
            yield trial


def _run_trial(
    ground: Ground, params: Mapping[str, Any], spec: StrategySpec, used: SweepMachine | None
) -> tuple[Trial, SweepMachine | None]:
    peak, began = _peak_bytes(), time.process_time()
    prepared = ground.prepared
    known, _, usual = alone(prepared)
    try:
        strategy = spec.build_strategy(ground.kind)
        setup = spec.engine_setup(usual.instruments, strategy, like=(known, usual))
    except ConfigurationError as error:
        return Trial(params, refusal=str(error)), used
    varied = replace(prepared, spec=spec, strategy=strategy, setup=setup)
    machine: Machine
    if setup.family is SignalFamily.ON_BAR:
        machine, daily = _asked(varied)
    else:
        machine = used = run_sweep_machine(ground, varied, used)
        daily = used.daily_equity
    trial = Trial(
        params,
        metrics=trial_metrics(machine, daily, float(spec.cash)),
        daily=daily,
        fills_hash=hashlib.sha256(machine.fills.data).hexdigest(),
        state_hash=machine.state_hash(),
        cpu_seconds=time.process_time() - began,
        rss_growth=_peak_bytes() - peak,
    )
    return trial, used


def run_sweep_machine(ground: Ground, varied: Prepared, used: SweepMachine | None) -> SweepMachine:
    """Run one trial of a strategy of columns, on the machine of the trial before when there is one.

    Its logs stand until the next trial.
    """
    _, strategy, setup = alone(varied)
    signals = changed_signals(strategy, varied.frames, ground.places, len(varied.bars))
    if used is not None and (used.setup is setup or used.setup == setup):
        machine = used
        machine.start_over()
    else:
        machine = SweepMachine(setup, None if used is None else used.buffers)
    reached = 0
    for stop in breaks(varied.bars.ts, varied.holes, setup.later_costs):
        machine.run_changes(varied.bars, ground.skips, signals, reached, stop.row)
        reached = stop.row
        pass_break(machine, stop)
    machine.run_changes(varied.bars, ground.skips, signals, reached, len(varied.bars))
    return machine


def _asked(varied: Prepared) -> tuple[Machine, NDArray[np.float64]]:
    """Run a strategy that is asked at every bar as a single run does."""
    machine = varied.run_machine()
    return machine, machine.equity_curve[day_ends(varied.bars.ts)]


def _traded_rows(frame: pl.DataFrame, span: Span | None) -> slice:
    ts = open_times(frame)
    first, end = (0, len(ts)) if span is None else np.searchsorted(ts, span).tolist()
    return slice(first, end)


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
