"""Run a strategy spec over all of its history, and keep everything that came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import DataError, InvariantError
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.evaluation.gates import Check
from trading_assets.features.regime import known_regimes
from trading_assets.market.bar_frame import PRICES, RESAMPLED_SCHEMA, between, with_minutes_inside
from trading_assets.storage.run_store import CHECKS, StoredRun
from trading_assets.strategies.evaluate import (
    bar_matrix,
    month_signals,
    signal_matrix,
    with_forecasts,
)
from trading_assets.strategies.filters import with_news, with_universe
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.enter_trials import enter_run
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.run_checks import check_inputs, check_result, check_signals
from trading_assets.workflows.run_logging import log_to_experiments, run_metadata
from trading_assets.workflows.run_plan import RunPlan, plan_any

if TYPE_CHECKING:
    from trading_assets.backtest.result import BacktestResult
    from trading_assets.engine.signals import BarMatrix, SignalMatrix

_PROVEN = ("ts", "symbol", *PRICES, "volume", "quote_volume")


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run as it stands in the store, for whoever asked for it.

    Attributes:
        is_new: False when the same inputs had been run before; their bytes were equal.
        url: of its page in MLflow.
        metadata: plain values worth showing to a person.
    """

    run: StoredRun
    label: str
    is_new: bool
    url: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Simulated:
    """A run that is stored nowhere.

    Attributes:
        frames: for each strategy (`RunPlan.parts`), all bars of each of its symbols that were read,
            with what strategy and filters look at.
    """

    result: BacktestResult
    frames: tuple[Mapping[Symbol, pl.DataFrame], ...]


def run_backtest(
    desk: Desk,
    spec: AnySpec,
    *,
    tags: Mapping[str, str] | None = None,
    span: tuple[Micros, Micros] | None = None,
    purpose: str = "backtest",
    report: Callable[[str], None] = lambda _: None,
) -> RunRecord:
    """Backtest a spec on the current tables; the same inputs give the same run.

    The run is entered in the ledger of trials, then goes to the run store as one immutable folder
    and becomes the current one of its spec; it is logged to MLflow once. When these inputs have
    been run before, everything is computed again and compared byte by byte.

    Args:
        desk: gives tables, stores and settings.
        spec: what to run.
        tags: for MLflow, such as the Dagster run that asked.
        span: trade only bars that open in [start, end). Such a run is stored and logged, but does
            not become the current one: decisions look at whole histories.
        purpose: why it is run; see `trial_ledger.TRIES`.
        report: is told what is done next.

    Raises:
        MissingPartition: if there is no month that all its symbols have.
        ConfigurationError: if spec and instruments do not fit.
        CorruptFile: if an input or the stored run is damaged.
        InvariantError: if equal inputs gave other bytes than before.
        LedgerBroken: if the ledger of trials is damaged or lost; nothing is stored.
    """
    from trading_assets.backtest.bytes_of import json_bytes
    from trading_assets.backtest.run_files import run_files

    plan = plan_any(desk, spec, span=span)
    report("running the engine")
    simulated = simulate(desk, plan)
    result = simulated.result
    enter_run(desk.settings, result, at=desk.clock.now(), purpose=purpose, key=plan.run_id)
    report("checking signals and books")
    checks = _checks(desk, plan, simulated)
    report("writing tables, pictures and the report")
    files = run_files(result) | {CHECKS: json_bytes([asdict(check) for check in checks])}
    run, reproduction = desk.runs.publish(spec.name, plan.run_id, files, is_current=span is None)
    if reproduction is not None and not reproduction.is_equal:
        raise InvariantError(
            f"Run {run.run_id} of {spec.name} is not reproducible",
            expected="the bytes of the stored run",
            found=f"others in {', '.join(reproduction.differing)}",
            fix="The stored run was left as it is, and the difference recorded.",
        )
    is_new = reproduction is None
    report("logging to MLflow")
    page = log_to_experiments(desk, plan, run, tags or {})
    return RunRecord(
        run, result.label, is_new, page.url, run_metadata(run, url=page.url, is_new=is_new)
    )


def simulate(desk: Desk, plan: RunPlan) -> Simulated:
    """Run a plan, month by month as live would see it, and store nothing.

    Raises:
        CorruptFile: if an input is damaged.
        DataError: if the span has no bar, or one of them breaks a rule, naming its symbol and time.
    """
    from trading_assets.backtest.own_bars import require_sound
    from trading_assets.backtest.prepared import require_volumes
    from trading_assets.backtest.result import BacktestResult
    from trading_assets.backtest.runner import run
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
    log = run(
        spec.engine_setup(plan.instruments),
        bars,
        together(signals),
        max_hole=desk.settings.backtest.max_hole_minutes * MINUTE,
        sessions=[sessions_of_symbol(desk, symbol) for symbol in spec.symbols],
    )
    return Simulated(BacktestResult(spec, plan.strategy, log, lambda: plan.facts), frames)


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


def _checks(desk: Desk, plan: RunPlan, simulated: Simulated) -> tuple[Check, ...]:
    result, spec = simulated.result, plan.spec
    seed = desk.settings.model.seed
    of_parts = [
        (*check_inputs(desk, part, frames), *check_signals(part, frames, seed=seed))
        for part, frames in zip(plan.parts, simulated.frames, strict=True)
    ]
    return (
        *(of_parts[0] if len(of_parts) == 1 else _joined(plan, of_parts)),
        *check_result(
            result.tables,
            result.performance,
            quote=spec.quote,
            opening=units_from_decimal(spec.cash),
            closing=units_from_decimal(result.log.balances[spec.quote]),
        ),
    )


def _joined(plan: RunPlan, of_parts: Sequence[Sequence[Check]]) -> Iterator[Check]:
    """Give each check of the members once: passed when it passed for all that have it."""
    names = dict.fromkeys(check.name for checks in of_parts for check in checks)
    for name in names:
        found = [
            (part.spec.name, check)
            for part, checks in zip(plan.parts, of_parts, strict=True)
            for check in checks
            if check.name == name
        ]
        verdicts = {check.passed for _, check in found}
        passed = False if False in verdicts else None if None in verdicts else True
        yield Check(name, passed, "; ".join(f"{member}: {c.detail}" for member, c in found))


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
