"""Run a strategy spec over all of its history, and keep everything that came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from trading_assets.domain.errors import InvariantError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.evaluation.gates import Check
from trading_assets.storage.run_store import CHECKS, StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.enter_trials import enter_run
from trading_assets.workflows.held_out import closed_text
from trading_assets.workflows.run_checks import check_inputs, check_result, check_signals
from trading_assets.workflows.run_logging import log_to_experiments, run_metadata
from trading_assets.workflows.run_plan import RunPlan, plan_any
from trading_assets.workflows.simulate_run import Simulated, simulate


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
        ConfigurationError: if spec and instruments do not fit, or the span reaches into months that
            are held out.
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
    metadata = run_metadata(run, url=page.url, is_new=is_new)
    if closed := closed_text(desk.settings):
        metadata["held_out"] = closed
    return RunRecord(run, result.label, is_new, page.url, metadata)


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
