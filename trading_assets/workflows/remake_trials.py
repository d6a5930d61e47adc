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
from trading_assets.workflows.remake_sweeps import RemadeSweeps, Retried
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

    A trial of a run, or of a sweep, is made again on the inputs that it had. One that cannot be
    stays as the ledger has it, and the tally names it. How many there were does not change:
    other costs make no other trial.
    """

    def __init__(self, remaker: Remaker) -> None:
        self._remaker = remaker
        self._root = remaker.desk.settings.data_root
        self._found: dict[tuple[str, str], Tried] = {}
        self._sweeps = RemadeSweeps(remaker)
        self._known: dict[str, Retried | None] = {}

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

    @cached_property
    def _sweep_rows(self) -> Mapping[str, Mapping[str, Any]]:
        return {row["key"]: row for row in self._rows if row.get("purpose") == "sweep"}

    def _tried(self, family: str, head: str) -> Tried:
        recorded = known_trials(self._rows[: self.heads[head]], family)
        if self._remaker.assumed.reach_runs:
            for trial in sorted(recorded, key=self._place):  # those on the same bars together
                self._retried(family, trial)
        trials, own = [], {}
        for trial in recorded:
            now = self._retried(family, trial) if self._remaker.assumed.reach_runs else None
            if now is not None and now.key != trial.key:
                own[trial.trial_id] = now.daily
                trial = _as_retried(trial, now)  # noqa: PLW2901 - the same one
            trials.append(trial)
        return Tried(tuple(trials), own)

    def _place(self, trial: KnownTrial) -> tuple[str, int]:
        row = self._sweep_rows.get(trial.key)
        return ("" if row is None else str(row["spec_hash"]), trial.periods)

    def _retried(self, family: str, trial: KnownTrial) -> Retried | None:
        if trial.key not in self._known:
            self._known[trial.key] = self._made(trial)
        now = self._known[trial.key]
        if now is None and trial.returns is not None:
            self._remaker.tally.trials_as_recorded.setdefault(family, set()).add(trial.trial_id)
        return now

    def _made(self, trial: KnownTrial) -> Retried | None:
        spec, row = self._spec_of.get(trial.key), self._sweep_rows.get(trial.key)
        try:
            if spec is not None:
                return _of_run(self._remaker.run(spec, trial.key))
            if row is not None and trial.returns is not None:
                return self._of_sweep(trial, row)
        except StorageUnavailable:
            raise
        except TradingAssetsError:
            pass  # its inputs are gone, say: what it has earned then is all that is known
        return None

    def _of_sweep(self, trial: KnownTrial, row: Mapping[str, Any]) -> Retried | None:
        ((_, daily),) = kept_returns(self._root, [trial])
        now = self._sweeps.trial(row, daily)
        if now is not None and now.key != trial.key:
            self._remaker.tally.trials_made.add(trial.key)
        return now


def _of_run(run: StoredRun) -> Retried:
    found = returns_of_table(
        run.table("equity"),
        opening=float(run.metrics["all"]["initial_cash"]),
        start=run.manifest["first_ts"],
        per_year=1.0,
    )
    daily = DailyReturns(found.days, found.values)
    return Retried(run.run_id, daily, run.manifest["oos_start"])


def _as_retried(trial: KnownTrial, now: Retried) -> KnownTrial:
    """Describe a trial by another run of it, as the ledger would."""
    outside = now.daily.returns[now.daily.days >= now.oos_start]
    return replace(
        trial,
        key=now.key,
        sharpe=sharpe_ratio(now.daily.returns, 1.0),
        oos_sharpe=sharpe_ratio(outside, 1.0),
        returns=None,
    )
