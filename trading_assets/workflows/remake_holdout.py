"""Past readings of the months held out under other assumptions, made in a branch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from trading_assets.domain.ids import canonical_json
from trading_assets.storage.branch import link_folder
from trading_assets.storage.examination_store import DOCUMENT, StoredExamination
from trading_assets.storage.run_store import StoredRun
from trading_assets.workflows.read_holdout import reading_code, reading_files, reading_id
from trading_assets.workflows.remake import Remaker, changed, is_of_today
from trading_assets.workflows.run_plan import RunPlan, plan_variant
from trading_assets.workflows.simulate_run import lay_out


def remake_reading(
    remaker: Remaker, recorded: StoredRun, entry: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """Give what a candidate has read of the months held out, as it would have come out.

    What nobody has read stays unread, also where the candidate would pass all else now: an
    assumption is no leave to look. Nothing is entered in the ledger of trials.

    Args:
        remaker: of runs.
        recorded: the candidate's run.
        entry: `holdout` of the candidate in the inputs of the decision.

    Raises:
        As `Remaker.run`, and RulesChanged if code of today reads otherwise.
    """
    if entry is None or entry["address"] is None:
        return None if entry is None else dict(entry)
    then = remaker.desk.examinations.get(entry["address"])
    return {**entry, "address": _remade(remaker, recorded, then).address}


def _remade(remaker: Remaker, recorded: StoredRun, then: StoredExamination) -> StoredExamination:
    store, tally = remaker.branch.examinations, remaker.tally
    run = remaker.run(recorded.spec, recorded.run_id)
    if run.run_id == recorded.run_id:
        tally.examinations_used.add(then.address)
        link_folder(store.root / then.address, then.folder)
        return store.get(then.address)
    was = remaker.plan_of(recorded, then.document["facts"])
    if then.document["code"] != reading_code() or not is_of_today(was):
        _control(remaker, recorded, then, was)
    plan = plan_variant(was, remaker.assumed.spec(was.spec))
    identity = reading_id(run, plan)
    found = store.find(run.spec, run.run_id, identity)
    if found is None:
        remaker.report(f"months held out, of {recorded.spec}/{recorded.run_id}")
        found = store.publish(run.spec, run.run_id, identity, _read(remaker, plan, run, then))
        tally.examinations_made.add(found.address)
    elif found.address not in tally.examinations_made:
        tally.found.add(found.address)
    return found


def _control(remaker: Remaker, recorded: StoredRun, then: StoredExamination, plan: RunPlan) -> None:
    """Read as it was done by older code: no change of code may count as ours."""
    if then.address in remaker.tally.controls:
        return
    again = json.loads(_read(remaker, plan, recorded, then)[DOCUMENT])
    if canonical_json({**again, "code": ""}) != canonical_json({**then.document, "code": ""}):
        raise changed(recorded, "what it read of the months held out comes out otherwise now")
    remaker.tally.controls.add(then.address)


def _read(
    remaker: Remaker, plan: RunPlan, run: StoredRun, then: StoredExamination
) -> dict[str, bytes]:
    said = {name: then.document[name] for name in ("models", "trial_id")}
    return reading_files(remaker.branch, plan, lay_out(remaker.branch, plan), run, said)
