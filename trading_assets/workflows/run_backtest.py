"""Run a strategy spec over all of its history, and keep everything that came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import InvariantError
from trading_assets.domain.ids import Micros, Symbol, content_hash, sha256_hex
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.evaluation.gates import Check
from trading_assets.evaluation.labels import run_name, title
from trading_assets.evaluation.performance import performance
from trading_assets.evaluation.report import drawdown_png, equity_png
from trading_assets.evaluation.run_tables import RunTables, run_tables
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, between
from trading_assets.storage.run_store import CHECKS, MANIFEST, METRICS, StoredRun
from trading_assets.strategies.evaluate import (
    bar_matrix,
    month_signals,
    signal_matrix,
    with_forecasts,
)
from trading_assets.strategies.filters import with_news, with_universe
from trading_assets.strategies.spec import StrategySpec
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.run_checks import check_inputs, check_result, check_signals
from trading_assets.workflows.run_logging import log_to_experiments, run_metadata
from trading_assets.workflows.run_plan import RunPlan, plan_run

if TYPE_CHECKING:
    from trading_assets.backtest.result import BacktestResult

SPEC, LABEL = "spec.yaml", "label.txt"


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
class _Results:
    tables: RunTables
    metrics: Mapping[str, Any]
    checks: tuple[Check, ...]
    verdicts: Mapping[str, int]
    holes: tuple[Mapping[str, Any], ...]
    first_ts: Micros
    last_ts: Micros
    oos_start: Micros


def run_backtest(
    desk: Desk, spec: StrategySpec, *, tags: Mapping[str, str] | None = None
) -> RunRecord:
    """Backtest a spec on the current tables; the same inputs give the same run.

    The run goes to the run store as one immutable folder and becomes the current one of its spec;
    it is logged to MLflow once. When these inputs have been run before, everything is computed
    again and compared byte by byte.

    Args:
        desk: gives tables, stores and settings.
        spec: what to run.
        tags: for MLflow, such as the Dagster run that asked.

    Raises:
        MissingPartition: if there is no month that all its symbols have.
        ConfigurationError: if spec and instruments do not fit.
        CorruptFile: if an input or the stored run is damaged.
        InvariantError: if equal inputs gave other bytes than before.
    """
    plan = plan_run(desk, spec)
    results = _results(desk, plan)
    label = title(spec, results.metrics["all"])
    run, reproduction = desk.runs.publish(spec.name, plan.run_id, _files(plan, results, label))
    if reproduction is not None and not reproduction.is_equal:
        raise InvariantError(
            f"Run {run.run_id} of {spec.name} is not reproducible",
            expected="the bytes of the stored run",
            found=f"others in {', '.join(reproduction.differing)}",
            fix="The stored run was left as it is, and the difference recorded.",
        )
    is_new = reproduction is None
    page = log_to_experiments(desk, plan, run, tags or {})
    return RunRecord(run, label, is_new, page.url, run_metadata(run, url=page.url, is_new=is_new))


def _results(desk: Desk, plan: RunPlan) -> _Results:
    from trading_assets.backtest.runner import run

    settings, spec = desk.settings, plan.spec
    frames = _frames(desk, plan)
    traded = {symbol: _months(frame, plan) for symbol, frame in frames.items()}
    bars = bar_matrix(traded, spec.symbols)
    signals = {
        symbol: pl.concat([month_signals(plan.strategy, frame, month) for month in plan.months])
        for symbol, frame in frames.items()
    }
    result = run(
        spec.engine_setup(plan.instruments),
        bars,
        signal_matrix(plan.strategy.family, signals, spec.symbols, bars.ts),
        max_hole=settings.backtest.max_hole_minutes * MINUTE,
    )
    first, last = int(bars.ts[0]), int(bars.ts[-1])
    oos_start = plan.oos_start(bars.ts)
    tables = run_tables(
        tag=spec.name,
        instruments=plan.instruments,
        bars=bars,
        opening_equity=float(spec.cash),
        equity=result.equity,
        orders=result.orders,
        fills=result.fills,
        round_trips=result.round_trips,
    )
    closing = units_from_decimal(result.balances[spec.quote])
    metrics = performance(
        tables,
        opening_equity=float(spec.cash),
        final_cash=closing / 1e8,
        slippage_bps=float(spec.costs.slippage_bps),
        oos_start=oos_start,
    )
    opening = units_from_decimal(spec.cash)
    checks = (
        *check_inputs(desk, plan, frames),
        *check_signals(plan, frames, seed=settings.model.seed),
        *check_result(tables, metrics, quote=spec.quote, opening=opening, closing=closing),
    )
    return _Results(
        tables, metrics, checks, _verdicts(result), _holes(plan, result), first, last, oos_start
    )


def _frames(desk: Desk, plan: RunPlan) -> dict[Symbol, pl.DataFrame]:
    """Read all bars up to the last month, each proven, with forecasts where they are needed."""
    frames = {}
    members = [desk.tables.read_manifest(plan.universe[month]) for month in sorted(plan.universe)]
    universe = pl.concat(members) if members else None
    for symbol in plan.spec.symbols:
        months = sorted(m for s, m in plan.bars if s == symbol and m <= plan.months[-1])
        parts = [desk.tables.read_mapped(plan.bars[symbol, m]) for m in months]
        frame = pl.concat(parts) if parts else pl.DataFrame(schema=RESAMPLED_SCHEMA)
        if plan.strategy.horizon is not None:
            parts = [desk.tables.read_manifest(plan.forecasts[symbol, m]) for m in plan.months]
            frame = with_forecasts(frame, pl.concat(parts), plan.strategy.horizon)
        frames[symbol] = _with_context(plan, symbol, frame, universe)
    return frames


def _with_context(
    plan: RunPlan, symbol: Symbol, frame: pl.DataFrame, universe: pl.DataFrame | None
) -> pl.DataFrame:
    """Add what the filters of the spec look at."""
    news = plan.spec.filters.news
    if universe is not None:
        frame = with_universe(frame, universe.filter(pl.col("symbol") == symbol))
    if news is not None:
        frame = with_news(frame, plan.news.of(symbol), news.flags)
    return frame


def _months(frame: pl.DataFrame, plan: RunPlan) -> pl.DataFrame:
    inside = [between(month.start, month.end) for month in plan.months]
    return frame.filter(pl.any_horizontal(inside))


def _verdicts(result: BacktestResult) -> dict[str, int]:
    return {verdict.name.lower(): count for verdict, count in result.verdicts.items() if count}


def _holes(plan: RunPlan, result: BacktestResult) -> tuple[dict[str, Any], ...]:
    symbols = plan.spec.symbols
    return tuple(
        {"symbol": symbols[hole.symbol_index], "start": hole.start, "end": hole.end}
        for hole in result.holes
    )


def _files(plan: RunPlan, results: _Results, label: str) -> dict[str, bytes]:
    """Give every file of the run; equal inputs give equal bytes."""
    equity = results.tables.equity.rename({"ts_utc": "ts"})
    oos_start = datetime.fromtimestamp(results.oos_start / 1_000_000, tz=UTC)
    numbers = results.tables.files() | {METRICS: _json(results.metrics)}
    hashes = {name: sha256_hex(data) for name, data in numbers.items()}
    return {
        **numbers,
        "equity_curve.png": equity_png(equity, title=label, oos_start=oos_start),
        "drawdown_curve.png": drawdown_png(equity, title=label, oos_start=oos_start),
        SPEC: plan.spec.canonical_yaml().encode(),
        LABEL: f"{label}\n".encode(),
        CHECKS: _json([asdict(check) for check in results.checks]),
        MANIFEST: _json(_manifest(plan, results, label, content_hash(hashes))),
    }


def _manifest(plan: RunPlan, results: _Results, label: str, result_hash: str) -> dict[str, Any]:
    spec, strategy = plan.spec, plan.strategy
    return {
        "schema": 1,
        "run_id": plan.run_id,
        "spec": spec.name,
        "label": label,
        "run_name": run_name(spec, plan.months, results.metrics["all"]),
        "config": spec.model_dump(mode="json") | {"params": spec.all_params()},
        "config_hash": spec.spec_hash,
        "data_hash": content_hash(plan.inputs),
        "order_types": sorted(order_type.name for order_type in strategy.order_types),
        "horizon": strategy.horizon,
        "needs": list(spec.filters.needs),
        "first_ts": results.first_ts,
        "last_ts": results.last_ts,
        "oos_start": results.oos_start,
        "verdicts": results.verdicts,
        "holes": list(results.holes),
        "result_hash": result_hash,
        **plan.facts,
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()
