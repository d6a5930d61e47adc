"""Trials of past sweeps under other assumptions: their parameters, on the bars that they were of.

A sweep leaves no inputs by name. Which bars it was of is found out: a stored run of the spec that
it varied has the same first and last day, and the trial, made once more as it was on that run's
inputs, ends in the very state that the ledger recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, content_hash
from trading_assets.evaluation.metrics import daily_returns
from trading_assets.storage.run_store import StoredRun
from trading_assets.storage.trial_store import DailyReturns
from trading_assets.strategies.spec import StrategySpec
from trading_assets.workflows.remake import Remaker
from trading_assets.workflows.run_plan import RunPlan
from trading_assets.workflows.run_sweep import prepare_plan

if TYPE_CHECKING:
    from trading_assets.backtest.trials import Ground

_WORDS = {"True": True, "False": False, "None": None}


@dataclass(frozen=True, slots=True)
class Retried:
    """A trial as it would have come out.

    Attributes:
        key: of this run of it.
        daily: its returns.
        oos_start: first instant out of sample.
    """

    key: str
    daily: DailyReturns
    oos_start: Micros


class RemadeSweeps:
    """Makes trials of sweeps again in memory; nothing of them is stored.

    Args:
        remaker: of runs, which plans and proves.
    """

    def __init__(self, remaker: Remaker) -> None:
        self._remaker = remaker
        self._grounds: dict[tuple[str, str], Ground] = {}

    def trial(self, row: Mapping[str, Any], days: DailyReturns) -> Retried | None:
        """Give the trial of a row of the ledger as it would have come out.

        Args:
            row: of a sweep.
            days: its returns as they were kept.

        Returns:
            None when the bars that it was of are not found, or it would have made no run.

        Raises:
            TradingAssetsError: as `Remaker.run`.
        """
        params = {name: _value(text) for name, text in row["params"].items()}
        for run in self._runs_like(row["spec_hash"], days):
            ground = self._ground(run)
            spec = _varied(ground, params)
            was = _returns(ground, params, spec, state_hash=row["state_hash"])
            if spec is None or was is None or not np.array_equal(was.returns, days.returns):
                continue
            changed = self._remaker.assumed.spec(spec)
            oos_start = _oos_start(ground)
            if changed is spec or not isinstance(changed, StrategySpec):
                return Retried(row["key"], days, oos_start)
            self._remaker.report(f"trial {row['key'][:16]} of spec {row['spec']}")
            now = _returns(ground, params, changed)
            key = content_hash([row["key"], changed.spec_hash])
            return None if now is None else Retried(key, now, oos_start)
        return None

    @cached_property
    def _by_spec(self) -> Mapping[str, list[StoredRun]]:
        runs = self._remaker.desk.runs
        found: dict[str, list[StoredRun]] = {}
        for spec, run_id in runs.runs():
            run = runs.get(spec, run_id)
            found.setdefault(run.manifest["spec_hash"], []).append(run)
        return found

    def _runs_like(self, spec_hash: str, days: DailyReturns) -> Iterator[StoredRun]:
        """Give the runs of a spec whose first and last day are these."""
        wanted = int(days.days[0]), int(days.days[-1])
        for run in self._by_spec.get(spec_hash, ()):
            first, last = (run.manifest[name] // DAY * DAY for name in ("first_ts", "last_ts"))
            if (first, last) == wanted:
                yield run

    def _ground(self, run: StoredRun) -> Ground:
        from trading_assets.backtest.trials import ground_of

        place = run.spec, run.run_id
        if place not in self._grounds:
            plan: RunPlan = self._remaker.plan_as_it_was(run)
            prepared = prepare_plan(self._remaker.branch, plan)
            self._grounds = {place: ground_of(prepared)}  # one at a time: all bars are in it
        return self._grounds[place]


def _varied(ground: Ground, params: Mapping[str, Any]) -> StrategySpec | None:
    from trading_assets.backtest.space import varied
    from trading_assets.backtest.trials import alone

    found = varied(alone(ground.prepared)[0], params)
    return None if isinstance(found, ConfigurationError) else found


def _returns(
    ground: Ground, params: Mapping[str, Any], spec: StrategySpec | None, *, state_hash: str = ""
) -> DailyReturns | None:
    """Run one trial; None when it makes no run, or ends in another state than is expected."""
    from trading_assets.backtest.trials import run_trials

    if spec is None:
        return None
    trial = next(iter(run_trials(ground, [(params, spec)])))
    if trial.daily is None or (state_hash and trial.state_hash != state_hash):
        return None
    days = np.unique(ground.bars.ts // DAY) * DAY
    return DailyReturns(days, daily_returns(trial.daily, float(spec.cash)))


def _oos_start(ground: Ground) -> Micros:
    from trading_assets.backtest.result import oos_start_of

    return oos_start_of(ground.prepared.strategy, ground.bars.ts)


def _value(text: str) -> Any:
    """Read a parameter as the ledger writes it: whole numbers, others, words, text."""
    if text in _WORDS:
        return _WORDS[text]
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text
