"""Past examinations under other assumptions, made in a branch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from trading_assets.declarations.sections import Examination
from trading_assets.domain.ids import canonical_json
from trading_assets.storage.branch import link_folder
from trading_assets.storage.examination_store import DOCUMENT, StoredExamination
from trading_assets.storage.run_store import StoredRun
from trading_assets.workflows.examine_run import (
    Examiner,
    examination_code,
    examination_files,
    examination_id,
)
from trading_assets.workflows.remake import Remaker, changed
from trading_assets.workflows.remake_trials import RemadeTrials, Tried
from trading_assets.workflows.run_plan import RunPlan
from trading_assets.workflows.trial_ledger import on_same_days

if TYPE_CHECKING:
    from trading_assets.backtest.result import BacktestResult


def remake_examination(
    remaker: Remaker,
    trials: RemadeTrials,
    recorded: StoredRun,
    tried: Tried,
    address: str | None,
) -> StoredExamination:
    """Give the examination of a run as it would have come out; the branch holds it, or a link.

    One that was made then is made again with its own settings; one that was not, with the desk's.

    Args:
        remaker: of runs.
        trials: of the desk.
        recorded: the desk's run.
        tried: trials of its family that count.
        address: of the examination that was made then; None when there was none.

    Raises:
        As `Remaker.run`, and RulesChanged if code of today examines otherwise.
    """
    desk, store, tally = remaker.desk, remaker.branch.examinations, remaker.tally
    run = remaker.run(recorded.spec, recorded.run_id)
    then = None if address is None else desk.examinations.get(address)
    if then is not None and run.run_id == recorded.run_id and not tried.own:
        tally.examinations_used.add(then.address)
        link_folder(store.root / then.address, then.folder)
        return store.get(then.address)
    settings = desk.settings.examination
    if then is not None:
        settings = Examination.model_validate(then.document["settings"])
        _control(remaker, recorded, then, settings)
    identity = examination_id(run, settings, tried.trials)
    found = store.find(run.spec, run.run_id, identity)
    if found is None:
        remaker.report(f"examination of {recorded.spec}/{recorded.run_id}")
        examiner = _examiner(remaker, remaker.plan(recorded), run, settings)
        files = examination_files(examiner, trials.returns(tried))
        found = store.publish(run.spec, run.run_id, identity, files)
        tally.examinations_made.add(found.address)
    elif found.address not in tally.examinations_made:
        tally.found.add(found.address)
    return found


def _control(
    remaker: Remaker, recorded: StoredRun, then: StoredExamination, settings: Examination
) -> None:
    """Examine as it was done by older code: no change of code may count as ours."""
    if then.document["code"] == examination_code() or then.address in remaker.tally.controls:
        return
    plan = remaker.plan_as_it_was(recorded)
    files = examination_files(_examiner(remaker, plan, recorded, settings), tried=on_same_days(()))
    again = json.loads(files[DOCUMENT])
    if canonical_json({**again, "code": ""}) != canonical_json({**then.document, "code": ""}):
        raise changed(recorded, "its examination comes out otherwise by code of today")
    remaker.tally.controls.add(then.address)


def _examiner(remaker: Remaker, plan: RunPlan, run: StoredRun, settings: Examination) -> Examiner:
    return Examiner(remaker.branch, plan, run, settings, _enter_nowhere, remaker.report)


def _enter_nowhere(result: BacktestResult, purpose: str) -> None:
    """Nobody chooses from what would have been: no ledger hears of it."""
