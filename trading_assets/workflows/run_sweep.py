"""Try many parameters of a spec on the desk's tables, and keep all that came of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading_assets.backtest.bytes_of import json_bytes
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import content_hash
from trading_assets.domain.instants import time_text
from trading_assets.evaluation.in_and_out import (
    TriedTwice,
    measured,
    rank_correlation_of,
    scatter_png,
    tried_twice,
)
from trading_assets.evaluation.sweep_report import sweep_page
from trading_assets.evaluation.walk_forward_report import WalkedFold, walk_forward_page
from trading_assets.storage import folders, parquet_files
from trading_assets.storage.trial_store import TrialBatches
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.enter_trials import CountedTrials
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.held_out import closed_text
from trading_assets.workflows.log_sweep import log_sweep, log_walk_forward
from trading_assets.workflows.run_logging import datasets_of
from trading_assets.workflows.run_plan import RunPlan, plan_run
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.trial_ledger import family_of, trials_of_family

if TYPE_CHECKING:
    from trading_assets.backtest.prepared import Prepared
    from trading_assets.backtest.sweep import SweepResult, TrialStore
    from trading_assets.backtest.sweep_file import SweepFile
    from trading_assets.backtest.walk_forward import WalkForwardResult
    from trading_assets.strategies.spec import StrategySpec

HEAT_MAP, SCATTER, REPORT = "heat_map.png", "in_and_out.png", "report.html"
_LAYOUT, _WALKED_LAYOUT = 2, 1
"""Of the folders of a sweep and of a walk-forward; raised when their files are others."""


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A sweep, or a walk-forward, as it stands in the store.

    Attributes:
        folder: with its tables and pictures.
        result_hash: over the table.
        url: of its page in MLflow; empty for a walk-forward.
        metadata: plain values worth showing to a person.
    """

    folder: Path
    result_hash: str
    url: str
    metadata: Mapping[str, Any]

    @property
    def picture(self) -> bytes | None:
        """The heat map, when two or more parameters vary."""
        path = self.folder / HEAT_MAP
        return folders.read_file(self.folder, HEAT_MAP) if path.is_file() else None


def run_sweep(
    desk: Desk,
    sweep: SweepFile,
    *,
    resume: bool = True,
    tags: Mapping[str, str] | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> SweepRecord:
    """Run every trial of a sweep that is not finished yet, and publish their table.

    Signals are evaluated once over each whole frame of bars, as `Backtest` does with bars of one's
    own; the backtests of the graph evaluate month by month, from the month's anchor on. The two
    differ by less than the warm-up check allows.

    Args:
        desk: gives tables, stores and settings.
        sweep: what is varied.
        resume: whether trials that an earlier run has finished count.
        tags: for MLflow, such as the Dagster run that asked.
        report: is told how many trials have just been finished.

    Raises:
        MissingPartition: if there is no month that all symbols of the spec have.
        ConfigurationError: if spec, space and instruments do not fit.
    """
    ran = _run_trials(desk, sweep, resume=resume, report=report)
    result = ran.result
    place = desk.settings.data_root / "sweeps" / sweep.name
    folder = place / content_hash([_LAYOUT, ran.identity, result.result_hash])[:16]
    trials = _tried_twice(ran)
    folders.publish_folder(folder, _files(sweep, result, trials))
    metadata = {**_metadata(result, folder), **_tried_on(desk, result.spec)}
    metadata["rank_correlation"] = rank_correlation_of(trials)
    tags = {"data.hash": content_hash(ran.plan.inputs), **(tags or {})}
    read = datasets_of(desk, ran.plan)
    family = ran.prepared.strategy.name
    logged = log_sweep(desk, family, sweep, result, trials, folder, tags, read)
    links = {"mlflow": logged.url, "mlflow trials": logged.trials_url}
    return SweepRecord(folder, result.result_hash, logged.url, {**metadata, **links})


def run_sweep_batch(
    desk: Desk, sweep: SweepFile, number: int, *, report: Callable[[int], None] = lambda _: None
) -> Mapping[str, Any]:
    """Run one batch of a sweep, and keep its trials for `run_sweep` to find; give what came of it.

    Trials that are finished are not run again, so that a batch which has failed can be run by
    itself. The batches of Optuna hang on one another: those before that are not finished run first.

    Args:
        desk: gives tables, stores and settings.
        sweep: what is varied.
        number: of the batch, from 0 to `Plan.num_batches` - 1.
        report: is told how many trials have just been finished.

    Raises:
        MissingPartition, ConfigurationError: as `run_sweep`.
    """
    result = _run_trials(desk, sweep, only=number, report=report).result
    refused = sum(bool(trial.refusal) for trial in result.trials)
    costs = result.costs
    return {
        "trials": len(result.trials),
        "resumed": result.resumed,
        "refused": refused,
        "cpu_seconds": costs["cpu_seconds"].sum(),
        "most_rss_growth_bytes": costs["rss_growth_bytes"].max() or 0,
    }


@dataclass(frozen=True, slots=True)
class _Ran:
    """Trials of a sweep, the hash of what they share, and what they stand on."""

    result: SweepResult
    identity: str
    plan: RunPlan
    prepared: Prepared


def _run_trials(
    desk: Desk,
    sweep: SweepFile,
    *,
    resume: bool = True,
    only: int | None = None,
    report: Callable[[int], None],
) -> _Ran:
    """Run the trials of a sweep, or of one of its batches, that are not finished yet."""
    from trading_assets.backtest import sweep as sweeping
    from trading_assets.backtest.kept_trials import KeptTrials
    from trading_assets.backtest.sweep_processes import batches_of
    from trading_assets.backtest.trials import ground_of
    from trading_assets.workflows.sweep_identity import sweep_identity

    read, prepared = _laid_out(desk, sweep)
    ground, plan = ground_of(prepared), sweep.plan
    identity = sweep_identity(ground)
    place = desk.settings.data_root / "sweeps" / sweep.name
    batches = TrialBatches(place / f"trials-{identity[:16]}")
    if not resume:
        batches.clear()
    store = _counted(desk, ground.prepared, sweep, "sweep", KeptTrials(batches))
    with batches_of(ground, plan, sweep.sweep.processes) as run_batch:
        result = sweeping.run_sweep(
            ground, plan, identity, store=store, run_batch=run_batch, only=only, report=report
        )
    return _Ran(result, identity, read, prepared)


def run_walk_forward(
    desk: Desk,
    sweep: SweepFile,
    *,
    tags: Mapping[str, str] | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> SweepRecord:
    """Choose on each fold's training, try on its test, and publish the table of folds.

    Args:
        desk: gives tables, stores and settings.
        sweep: what is varied, with its folds.
        tags: for MLflow, such as the Dagster run that asked.
        report: is told how many trials have just been finished.

    Raises:
        MissingPartition: if there is no month that all symbols of the spec have.
        ConfigurationError: if the file has no folds, or none fits.
    """
    from trading_assets.backtest.trials import alone, ground_of
    from trading_assets.backtest.walk_forward import walk_forward
    from trading_assets.domain.errors import ConfigurationError
    from trading_assets.workflows.sweep_identity import sweep_identity

    if sweep.folds is None:
        raise ConfigurationError(
            f"Sweep {sweep.name} has no folds", expected="a section walk_forward in its file"
        )
    prepared = prepared_of(desk, sweep)
    result = walk_forward(
        alone(prepared)[0],
        prepared.frames,
        prepared.setup.instruments,
        sweep.plan,
        sweep.folds,
        max_hole=desk.settings.backtest.max_hole_minutes * MINUTE,
        sessions={symbol: sessions_of_symbol(desk, symbol) for symbol in prepared.spec.symbols},
        identity=sweep_identity(ground_of(prepared)),
        store=_counted(desk, prepared, sweep, "walk_forward", None),
        report=report,
    )
    place = desk.settings.data_root / "walk_forward" / sweep.name
    shown = [_WALKED_LAYOUT, _walked_facts(sweep, result), result.result_hash]
    folder = place / content_hash(shown)[:16]  # other grids may choose the same
    folders.publish_folder(folder, _walked_files(sweep, result))
    metrics = {name: value for name, value in result.metrics.items() if value is not None}
    metadata = {
        "folds": len(result.folds),
        "distinct_trials": result.num_trials,
        **_tried_on(desk, result.spec),
        **metrics,
        "folder": str(folder),
        "report file": str(folder / REPORT),
    }
    page = log_walk_forward(desk, prepared.strategy.name, sweep, result, folder, tags or {})
    return SweepRecord(folder, result.result_hash, page.url, {**metadata, "mlflow": page.url})


def prepared_of(desk: Desk, sweep: SweepFile) -> Prepared:
    """Lay out the desk's bars for the spec of a sweep.

    Raises:
        MissingPartition: if there is no month that all symbols of the spec have.
    """
    return _laid_out(desk, sweep)[1]


def _laid_out(desk: Desk, sweep: SweepFile) -> tuple[RunPlan, Prepared]:
    """Lay out the bars, and tell which versions of the tables they are of."""
    plan = plan_run(desk, find_spec(desk.settings, sweep.spec))
    return plan, prepare_plan(desk, plan)


def prepare_plan(desk: Desk, plan: RunPlan) -> Prepared:
    """Lay out the bars of a plan as sweeps do: whole frames, and not month by month."""
    from trading_assets.backtest.prepared import prepare
    from trading_assets.workflows.simulate_run import frames_of

    return prepare(
        plan.spec,
        frames_of(desk, plan),
        plan.instruments,
        span=(plan.months[0].start, plan.months[-1].end),
        max_hole=plan.facts["max_hole_minutes"] * MINUTE,
        sessions={symbol: sessions_of_symbol(desk, symbol) for symbol in plan.spec.symbols},
    )


def _counted(
    desk: Desk, prepared: Prepared, sweep: SweepFile, purpose: str, kept: TrialStore | None
) -> CountedTrials:
    """Enter every trial in the ledger of the desk before it is kept."""
    return CountedTrials(
        desk.settings,
        prepared,
        kept,
        now=desk.clock.now,
        purpose=purpose,
        facts={"sweep": sweep.name},
    )


def _tried_twice(ran: _Ran) -> tuple[TriedTwice, ...]:
    """Measure the trials in and out of sample, by the convention of single runs."""
    from trading_assets.backtest.result import oos_start_of
    from trading_assets.backtest.sweep import short
    from trading_assets.evaluation.performance import annual_periods

    result, prepared = ran.result, ran.prepared
    return tried_twice(
        result.table,
        result.daily_returns,
        [short(name) for name in result.plan.space.axes],
        start=oos_start_of(prepared.strategy, result.days),
        per_year=annual_periods(prepared.setup.instruments),
    )


def _files(sweep: SweepFile, result: SweepResult, trials: Sequence[TriedTwice]) -> dict[str, bytes]:
    from trading_assets.backtest.sweep import short
    from trading_assets.evaluation.heat_map import heat_map, plateau

    axes = [short(name) for name in result.plan.space.axes]
    best = result.trials.index(result.best)
    metric = result.plan.metric
    files = {
        "trials.parquet": parquet_files.encode(result.table, "trials"),
        "costs.parquet": parquet_files.encode(result.costs, "costs"),
        "daily_returns.parquet": parquet_files.encode(result.daily_returns, "daily_returns"),
        "plateau.json": json_bytes(plateau(result.table, axes, best, metric)),
        "sweep.json": json_bytes(sweep.model_dump(mode="json")),
    }
    facts = {
        "spec": sweep.spec,
        "trials": f"{len(result.trials)}, of these {result.num_trials} distinct",
        "compared by": metric,
    }
    files[REPORT] = sweep_page(sweep.name, facts, trials)
    if measured(trials):
        files[SCATTER] = scatter_png(trials, title=f"{sweep.name}: {len(trials)} trials")
    if len(axes) > 1:
        files[HEAT_MAP] = heat_map(result.table, axes[0], axes[1], metric)
    return files


def _walked_facts(sweep: SweepFile, result: WalkForwardResult) -> dict[str, str]:
    """Give what the page says beside its folds."""
    return {
        "spec": sweep.spec,
        "trials": f"{result.num_trials} distinct",
        "compared by": result.plan.metric,
    }


def _walked_files(sweep: SweepFile, result: WalkForwardResult) -> dict[str, bytes]:
    return {
        REPORT: walk_forward_page(sweep.name, _walked_facts(sweep, result), _shown_folds(result)),
        "folds.parquet": parquet_files.encode(result.table, "folds"),
        "equity.parquet": parquet_files.encode(result.equity, "equity"),
        "metrics.json": json_bytes(dict(result.metrics)),
    }


def _shown_folds(result: WalkForwardResult) -> list[WalkedFold]:
    from trading_assets.backtest.sweep import short

    return [
        WalkedFold(
            f"{time_text(one.fold.test_start)[:10]} to {time_text(one.fold.test_end - 1)[:10]}",
            {short(key): value for key, value in one.chosen.params.items()},
            inside * 100.0,
            outside * 100.0,
        )
        for one, (inside, outside) in zip(result.folds, result.daily_returns, strict=True)
    ]


def _tried_on(desk: Desk, spec: StrategySpec) -> dict[str, int | str]:
    """Tell how many distinct trials of the family this desk has seen, and what is held out."""
    closed = closed_text(desk.settings)
    tried = trials_of_family(desk.settings.data_root, family_of(spec)).n
    return {"trials_of_family": tried, **({"held_out": closed} if closed else {})}


def _metadata(result: SweepResult, folder: Path) -> dict[str, Any]:
    best, metric = result.best, result.plan.metric
    costs = result.costs
    return {
        "trials": len(result.trials),
        "distinct_trials": result.num_trials,
        "resumed": result.resumed,
        "refused": sum(bool(trial.refusal) for trial in result.trials),
        "metric": metric,
        "best": (best.metrics or {})[metric],
        "best_params": {name: str(value) for name, value in best.params.items()},
        "cpu_seconds": costs["cpu_seconds"].sum(),
        "most_rss_growth_bytes": costs["rss_growth_bytes"].max(),
        "folder": str(folder),
    }
