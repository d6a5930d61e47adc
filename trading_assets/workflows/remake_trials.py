"""What was tried of a family up to a past decision, as it would have come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from trading_assets.domain.errors import StorageUnavailable, TradingAssetsError
from trading_assets.evaluation.daily_returns import returns_of_table
from trading_assets.evaluation.metrics import sharpe_ratio
from trading_assets.storage.run_store import StoredRun
from trading_assets.storage.trial_chain import Head
from trading_assets.storage.trial_ledger import ledger_at
from trading_assets.storage.trial_store import DailyReturns
from trading_assets.workflows.remake import Remaker
from trading_assets.workflows.trial_ledger import (
    KnownTrial,
    ReturnsMatrix,
    kept_returns,
    known_trials,
    on_same_days,
)


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """Distinct trials of a family.

    Attributes:
        trials: by their ids.
        own: daily returns of those that were made again; the ledger has the others'.
    """

    trials: tuple[KnownTrial, ...]
    own: Mapping[str, DailyReturns]


class RemadeTrials:
    """Trials of the desk's ledger under assumptions.

    A trial stays as the ledger has it when its run is not in the desk, as those of sweeps are not,
    or cannot be made again; the tally names it. How many there were does not change: other costs
    make no other trial.
    """

    def __init__(self, remaker: Remaker) -> None:
        self._remaker = remaker
        self._root = remaker.desk.settings.data_root
        self._found: dict[tuple[str, str], Tried] = {}

    @cached_property
    def heads(self) -> Mapping[str, int]:
        """Number of rows up to each hash that was the head of the ledger once.

        Raises:
            LedgerBroken: if the ledger is damaged or lost.
        """
        return {Head().hash: 0, **{row["hash"]: n for n, row in enumerate(self._rows, 1)}}

    def tried(self, family: str, head: str) -> Tried:
        """Give the trials of a family up to a head of the ledger as they would have come out."""
        if (family, head) not in self._found:
            self._found[family, head] = self._tried(family, head)
        return self._found[family, head]

    def returns(self, tried: Tried) -> ReturnsMatrix:
        """Put the daily returns of trials side by side.

        Raises:
            CorruptFile: if returns that were kept are not there as they were.
        """
        kept = {**dict(kept_returns(self._root, tried.trials)), **tried.own}
        ids = (trial.trial_id for trial in tried.trials)
        return on_same_days((trial_id, kept[trial_id]) for trial_id in ids if trial_id in kept)

    @cached_property
    def _rows(self) -> tuple[dict[str, Any], ...]:
        return ledger_at(self._root.absolute()).read().rows

    @cached_property
    def _spec_of(self) -> Mapping[str, str]:
        return {run_id: spec for spec, run_id in self._remaker.desk.runs.runs()}

    def _tried(self, family: str, head: str) -> Tried:
        trials, own = [], {}
        for trial in known_trials(self._rows[: self.heads[head]], family):
            run = self._run(family, trial) if self._remaker.assumed.reach_runs else None
            if run is not None and run.run_id != trial.key:
                own[trial.trial_id] = _daily(run)
                trial = _as_run(trial, run, own[trial.trial_id])  # noqa: PLW2901 - the same one
            trials.append(trial)
        return Tried(tuple(trials), own)

    def _run(self, family: str, trial: KnownTrial) -> StoredRun | None:
        spec = self._spec_of.get(trial.key)
        if spec is not None:
            try:
                return self._remaker.run(spec, trial.key)
            except StorageUnavailable:
                raise
            except TradingAssetsError:
                pass  # its inputs are gone, say: what it has earned then is all that is known
        self._remaker.tally.trials_as_recorded.setdefault(family, set()).add(trial.trial_id)
        return None


def _daily(run: StoredRun) -> DailyReturns:
    """Give the returns of all days of a run."""
    found = returns_of_table(
        run.table("equity"),
        opening=float(run.metrics["all"]["initial_cash"]),
        start=run.manifest["first_ts"],
        per_year=1.0,
    )
    return DailyReturns(found.days, found.values)


def _as_run(trial: KnownTrial, run: StoredRun, daily: DailyReturns) -> KnownTrial:
    """Describe a trial by another run of it, as the ledger would."""
    outside = daily.returns[daily.days >= run.manifest["oos_start"]]
    return replace(
        trial,
        key=run.run_id,
        sharpe=sharpe_ratio(daily.returns, 1.0),
        oos_sharpe=sharpe_ratio(outside, 1.0),
        returns=None,
    )
