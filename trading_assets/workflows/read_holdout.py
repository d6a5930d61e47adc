"""Let a candidate trade the months held out, once; each candidate's reading costs a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from trading_assets.domain.errors import (
    CorruptFile,
    DataError,
    MissingPartition,
    StorageUnavailable,
)
from trading_assets.domain.ids import canonical_json, content_hash
from trading_assets.evaluation.daily_returns import returns_since
from trading_assets.market.bar_frame import TS
from trading_assets.storage import parquet_files
from trading_assets.storage.examination_store import DOCUMENT, RETURNS
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.enter_trials import TrialEntry, enter_trials
from trading_assets.workflows.held_out_inputs import forecast_by, require_readable
from trading_assets.workflows.run_plan import RunPlan, plan_any
from trading_assets.workflows.simulate_run import LaidOut, lay_out, play
from trading_assets.workflows.trial_ledger import family_of

if TYPE_CHECKING:
    from trading_assets.backtest.run_log import RunLog

CANDIDATE = "candidate"
"""Column of `returns.parquet`."""

NOT_WORTH = "It was not read: the candidate does not pass all else."


def read_holdout(
    desk: Desk,
    spec: AnySpec,
    run: StoredRun,
    models: Mapping[str, str],
    *,
    passes_all_else: Callable[[], bool],
    report: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Give a candidate's reading of the months held out, as decisions name it; read if need be.

    It is a backtest over these months alone, from the spec's own cash, by the forecasts that models
    made which had seen none of them. Before it runs, it is entered in the ledger of trials as one
    more trial of its family. What was read stands beside the candidate's examinations; the same
    run over the same data is never read again.

    Args:
        desk: gives tables, stores and settings.
        spec: of the candidate.
        run: its current run.
        models: that a release would pin, horizon -> model id.
        passes_all_else: asked before anything is read for the first time.
        report: is told that the months are read.

    Returns:
        `address` of the reading, None while there is none, and `unread`, why there is none: no
        month is read in part, out of date, by models that saw it, or with unsound bars.

    Raises:
        CorruptFile, StorageUnavailable: if an input is damaged or does not answer; then it has cost
            no trial.
        LedgerBroken: if the ledger of trials is; then nothing was read.
    """
    try:
        plan = plan_any(desk, spec, held_out=True)
        require_readable(desk, plan)
    except MissingPartition as error:
        return _unread(error)
    identity = reading_id(run, plan)
    found = desk.examinations.find(spec.name, run.run_id, identity)
    if found is None:
        if not passes_all_else():
            return {"address": None, "unread": NOT_WORTH}
        report("the months held out")
        try:
            laid = lay_out(desk, plan)
        except (CorruptFile, StorageUnavailable):
            raise
        except DataError as error:  # of this candidate; others are still decided about
            return _unread(error)
        trial_id = _enter(desk, plan, run, models)
        files = reading_files(desk, plan, laid, run, {"models": dict(models), "trial_id": trial_id})
        found = desk.examinations.publish(spec.name, run.run_id, identity, files)
    return {"address": found.address, "unread": ""}


def reading_files(
    desk: Desk, plan: RunPlan, laid: LaidOut, run: StoredRun, said: Mapping[str, Any]
) -> dict[str, bytes]:
    """Trade what was laid out; give the document of a reading and its table of daily returns.

    Args:
        desk: holds the calendars.
        plan: of the months held out.
        laid: its bars and signals.
        run: of the candidate.
        said: further plain values of the document, which do not hang on the plan.
    """
    log = play(desk, plan, plan.spec, laid.bars, laid.signals)
    document = {
        **said,
        "schema": 1,
        "kind": "holdout",
        "spec": run.spec,
        "spec_hash": plan.spec.spec_hash,
        "run_id": run.run_id,
        "code": reading_code(),
        "facts": dict(plan.facts),
        "opening_equity": log.opening_equity,
        "closing_equity": float(log.equity[-1]),
        "trades": len(log.round_trips),
    }
    return {
        DOCUMENT: canonical_json(document),
        RETURNS: parquet_files.encode(_returns(log, plan), RETURNS),
    }


def reading_id(run: StoredRun, plan: RunPlan) -> str:
    """Give the identity of a reading: the candidate's run, the data that is read, and the code."""
    return content_hash(["holdout", run.run_id, run.result_hash, dict(plan.facts), reading_code()])[
        :16
    ]


def reading_code() -> str:
    """Identify the code that readings are made by, beside the engine."""
    return source_hash("workflows/read_holdout.py", "evaluation/daily_returns.py")[:16]


def _unread(error: DataError) -> dict[str, Any]:
    said = f"{error.what}: {error.found}." if error.found else f"{error.what}."
    return {"address": None, "unread": said}


def _returns(log: RunLog, plan: RunPlan) -> pl.DataFrame:
    found = returns_since(
        log.ts,
        log.equity,
        opening=log.opening_equity,
        start=plan.months[0].start,
        per_year=1.0,
    )
    return pl.DataFrame({"day": pl.Series(found.days).cast(TS), CANDIDATE: found.values})


def _enter(desk: Desk, plan: RunPlan, run: StoredRun, models: Mapping[str, str]) -> str:
    """Enter the reading before it is made; give its trial's id.

    The strategy was tried before, but to look at these months is a try of its own: the identity of
    the trial has them in it, and the models that forecast them, so that a look with models that
    were trained otherwise is another. It is entered without returns, which nobody knows yet, so
    that counts grow and nothing else of the family's statistics changes.
    """
    spec, family = plan.spec, family_of(plan.spec)
    months = [str(plan.months[0]), str(plan.months[-1])]
    code = plan.facts["code_hash"]
    behind = {**models, **forecast_by(plan)}
    trial_id = content_hash(["holdout", family, months, spec.spec_hash, behind, code])
    entry = TrialEntry(
        family,
        trial_id,
        content_hash([trial_id, plan.run_id]),
        "holdout",
        facts={
            "spec": spec.name,
            "spec_hash": spec.spec_hash,
            "params": {name: str(value) for name, value in spec.all_params().items()},
            "run_id": run.run_id,
            "held_out": months,
        },
    )
    enter_trials(desk.settings.data_root, [entry], at=desk.clock.now())
    return trial_id
