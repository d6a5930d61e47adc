"""Past runs under other assumptions, made in a branch of the very inputs that they name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading_assets.domain.errors import RulesChanged
from trading_assets.domain.ids import Month, sha256_hex
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.storage import folders
from trading_assets.storage.branch import link_folder
from trading_assets.storage.examination_store import ExaminationStore
from trading_assets.storage.partition_store import PartitionStore
from trading_assets.storage.run_store import CHECKS, MANIFEST, RunStore, StoredRun
from trading_assets.workflows.assumptions import Assumptions
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.run_again import SPEC, plan_of_facts, run_facts, spec_of_run
from trading_assets.workflows.run_checks import check_result
from trading_assets.workflows.run_plan import RunPlan, plan_variant, session_versions
from trading_assets.workflows.simulate_run import lay_out, play

if TYPE_CHECKING:
    from trading_assets.backtest.result import BacktestResult

_JUDGED = ("metrics.json", "equity.csv", "round_trips.csv")
"""Files whose numbers the gate reads, in a form that no version of a library changes."""


@dataclass(slots=True)
class Tally:
    """What was made again and what was taken as it stands, each by its address in the desk.

    Attributes:
        found: runs and examinations that an earlier question has made in this branch.
        controls: those that were made once more as they were, since code has changed meanwhile.
        trials_made: trials of sweeps, by their keys in the ledger.
        trials_as_recorded: trials, by family, that could not be made again: their returns are those
            of the ledger.
    """

    runs_made: set[str] = field(default_factory=set)
    runs_used: set[str] = field(default_factory=set)
    examinations_made: set[str] = field(default_factory=set)
    examinations_used: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    controls: set[str] = field(default_factory=set)
    trials_made: set[str] = field(default_factory=set)
    trials_as_recorded: dict[str, set[str]] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Give numbers of all of it."""
        as_recorded = self.trials_as_recorded.items()
        return {
            "runs_made_again": len(self.runs_made),
            "runs_used_as_they_are": len(self.runs_used),
            "examinations_made_again": len(self.examinations_made),
            "examinations_used_as_they_are": len(self.examinations_used),
            "found_in_the_branch": len(self.found),
            "controls": len(self.controls),
            "trials_of_sweeps_made_again": len(self.trials_made),
            "trials_as_recorded": {family: len(trials) for family, trials in sorted(as_recorded)},
        }


class Remaker:
    """Makes runs again under assumptions, each once; what comes out as it did is only linked.

    Args:
        desk: is only read.
        folder: of the branch, that everything goes to.
        assumed: what is otherwise.
        report: is told what is made next.
    """

    def __init__(
        self, desk: Desk, folder: Path, assumed: Assumptions, report: Callable[[str], None]
    ) -> None:
        self.desk, self.assumed, self.report, self.tally = desk, assumed, report, Tally()
        self.branch = replace(
            desk,
            tables=PartitionStore(desk.tables.root),  # a cache would be written beside them
            runs=RunStore(folder / "runs"),
            examinations=ExaminationStore(folder / "examinations"),
        )
        self._proofs = Provenance(desk)
        self._known: dict[tuple[str, str], StoredRun] = {}

    def run(self, spec: str, run_id: str) -> StoredRun:
        """Give a run as it would have come out; the branch holds it, or a link to the desk's.

        Raises:
            MissingPartition: if the run, or an input that it names, is gone.
            CorruptFile: if one of them is damaged.
            RulesChanged: if the run cannot be made again as it was, since code or sessions are
                others now.
            ConfigurationError, DataError: if run and assumptions do not fit.
        """
        if (spec, run_id) not in self._known:
            recorded = self.desk.runs.get(spec, run_id)
            was = spec_of_run(self.desk, recorded)
            now = self.assumed.spec(was)
            if now is was:
                self._known[spec, run_id] = self._linked(recorded)
            else:
                self._known[spec, run_id] = self._made(
                    recorded, plan_variant(self.plan_as_it_was(recorded), now)
                )
        return self._known[spec, run_id]

    def plan(self, recorded: StoredRun) -> RunPlan:
        """Plan a run, as `run` gives it, on what was recorded.

        Raises:
            As `run`.
        """
        plan = self.plan_as_it_was(recorded)
        return plan_variant(plan, self.assumed.spec(plan.spec))

    def _linked(self, recorded: StoredRun) -> StoredRun:
        runs = self.branch.runs
        self.tally.runs_used.add(_address(recorded))
        link_folder(runs.root / recorded.spec / recorded.run_id, recorded.folder)
        return runs.get(recorded.spec, recorded.run_id)

    def _made(self, recorded: StoredRun, plan: RunPlan) -> StoredRun:
        runs, spec, address = self.branch.runs, recorded.spec, _address(recorded)
        if (runs.root / spec / plan.run_id).is_dir():
            self.tally.found.add(address)
            return runs.get(spec, plan.run_id)
        self.report(f"run {address}")
        files = _files(self._result(plan), recorded.checks)
        run, _ = runs.publish(spec, plan.run_id, files, is_current=False)
        self.tally.runs_made.add(address)
        return run

    def plan_as_it_was(self, recorded: StoredRun) -> RunPlan:
        """Plan a run on what it names, and make sure that the code of today gives its numbers.

        Raises:
            As `run`.
        """
        plan = self.plan_of(recorded, run_facts(recorded))
        if not is_of_today(plan):
            self._control(recorded, plan)
        return plan

    def plan_of(self, recorded: StoredRun, facts: Mapping[str, Any]) -> RunPlan:
        """Give the plan that had these facts: a run's own, or of further months of its spec.

        Raises:
            MissingPartition, CorruptFile: as `run`.
            RulesChanged: if sessions are others now.
        """
        spec = spec_of_run(self.desk, recorded, facts["inputs"])
        last = Month.from_text(max(facts["months"]))
        plan = plan_of_facts(self.branch, self._proofs, spec, facts, last)
        sessions = session_versions(self.desk, plan.spec.parts[0], plan.months).get("sessions")
        if sessions != facts.get("sessions"):
            raise changed(recorded, "the sessions that holes are measured by are others now")
        return plan

    def _control(self, recorded: StoredRun, plan: RunPlan) -> None:
        """Make a run of older code once more as it was: no change of code may count as ours."""
        address = _address(recorded)
        if address in self.tally.controls:
            return
        self.report(f"control of run {address}")
        index, files = folders.read_index(recorded.folder), self._result(plan).number_files
        differing = [name for name in _JUDGED if sha256_hex(files[name]) != index[name]]
        if differing:
            raise changed(recorded, f"{', '.join(differing)} come out otherwise by code of today")
        self.tally.controls.add(address)

    def _result(self, plan: RunPlan) -> BacktestResult:
        from trading_assets.backtest.result import BacktestResult

        laid = lay_out(self.branch, plan)
        log = play(self.branch, plan, plan.spec, laid.bars, laid.signals)
        return BacktestResult(plan.spec, plan.strategy, log, lambda: plan.facts)


def is_of_today(plan: RunPlan) -> bool:
    """Tell whether a plan was made by the code and the libraries of today."""
    today = plan_variant(plan, plan.spec).facts
    return all(plan.facts[key] == today[key] for key in ("code_hash", "packages"))


def changed(recorded: StoredRun, found: str) -> RulesChanged:
    """Give the error of a run that would come out otherwise without any assumption."""
    return RulesChanged(
        f"Run {_address(recorded)} cannot be made again as it was",
        expected="its numbers, before anything is assumed otherwise",
        found=found,
        fix="Ask with the code of its time.",
    )


def _address(run: StoredRun) -> str:
    return f"{run.spec}/{run.run_id}"


def _files(result: BacktestResult, recorded: tuple[Mapping[str, Any], ...]) -> dict[str, bytes]:
    """Give what the gate and people read of a run: no pictures, no report, no CSV.

    Checks of bars and signals are those of the recorded run: assumptions do not reach them.
    """
    from trading_assets.backtest.bytes_of import json_bytes

    spec = result.spec
    fresh = check_result(
        result.tables,
        result.performance,
        quote=spec.quote,
        opening=units_from_decimal(spec.cash),
        closing=units_from_decimal(result.log.balances[spec.quote]),
    )
    own = {check.name: asdict(check) for check in fresh}
    checks = [own.get(str(check["name"]), dict(check)) for check in recorded]
    numbers = {name: data for name, data in result.number_files.items() if ".csv" not in name}
    return {
        **numbers,
        SPEC: spec.canonical_yaml().encode(),
        MANIFEST: json_bytes(result.manifest),
        CHECKS: json_bytes(checks),
    }
