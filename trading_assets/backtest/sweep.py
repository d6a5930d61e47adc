"""A sweep: trials over a space of parameters, their table, and what is kept of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.backtest.plan import NAMES, Plan
from trading_assets.backtest.space import Params, require_keys, search, varied
from trading_assets.backtest.trial_identity import trial_identities
from trading_assets.backtest.trials import Ground, Trial, alone, run_trials
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import content_hash
from trading_assets.evaluation.metrics import daily_returns
from trading_assets.features.memo import shared_columns
from trading_assets.strategies.spec import StrategySpec

_LOWER_IS_BETTER = frozenset({"max_drawdown_pct", "volatility_pct", "fees"})


class TrialStore(Protocol):
    """Where finished trials are kept, by key."""

    def load(self) -> Mapping[str, Trial]:
        """Give all trials that were saved whole."""
        ...

    def save(self, batch: Mapping[str, Trial]) -> None:
        """Keep a batch durably; it is there as a whole or not at all."""
        ...


@dataclass(frozen=True, eq=False)
class SweepResult:
    """A finished sweep.

    Attributes:
        spec: what was varied.
        plan: how.
        keys: identity of each trial: data, code, spec.
        trials: in the order in which they were proposed.
        days: int64 (D,), first instants of the UTC days with bars.
        resumed: trials that an earlier run had finished.
    """

    spec: StrategySpec
    plan: Plan
    keys: tuple[str, ...]
    trials: tuple[Trial, ...]
    days: NDArray[np.int64]
    resumed: int = field(default=0)

    @cached_property
    def table(self) -> pl.DataFrame:
        """One row per trial: number, what it sets, metrics, hashes, refusal.

        Nothing in it depends on when, where, or on how many processes it ran; what does is in
        `costs`.
        """
        rows: list[dict[str, Any]] = []
        for number, (key, trial) in enumerate(zip(self.keys, self.trials, strict=True)):
            metrics = trial.metrics or {}
            rows.append(
                {
                    "trial": number,
                    **{short(name): value for name, value in trial.params.items()},
                    **{name: metrics.get(name) for name in NAMES},
                    "refusal": trial.refusal,
                    "fills_hash": trial.fills_hash,
                    "state_hash": trial.state_hash,
                    "key": key,
                }
            )
        return pl.DataFrame(rows, infer_schema_length=None)

    @cached_property
    def costs(self) -> pl.DataFrame:
        """What each trial took: CPU seconds, and by how much it raised the peak memory."""
        return pl.DataFrame(
            {
                "trial": range(len(self.trials)),
                "cpu_seconds": [trial.cpu_seconds for trial in self.trials],
                "rss_growth_bytes": [trial.rss_growth for trial in self.trials],
            }
        )

    @cached_property
    def daily_returns(self) -> pl.DataFrame:
        """Simple returns of the UTC days, a column per trial that made a run (its number).

        The matrix that tests of overfitting over all trials need.
        """
        from trading_assets.market.bar_frame import TS

        opening = float(self.spec.cash)
        columns = {
            str(number): daily_returns(trial.daily, opening)
            for number, trial in enumerate(self.trials)
            if trial.daily is not None
        }
        return pl.DataFrame({"day": pl.Series(self.days).cast(TS), **columns})

    @property
    def best(self) -> Trial:
        """The trial whose metric is best; the first of equals.

        Raises:
            ConfigurationError: if no trial has the metric.
        """
        values = [value_of(trial, self.plan.metric) for trial in self.trials]
        known = [n for n, value in enumerate(values) if value is not None]
        if not known:
            reasons = {trial.refusal for trial in self.trials if trial.refusal}
            raise ConfigurationError(
                f"No trial of the sweep has a {self.plan.metric}",
                expected="at least one run with trades",
                found="; ".join(sorted(reasons))[:300] or f"{len(self.trials)} runs without",
            )
        return self.trials[max(known, key=lambda n: (values[n] or 0.0, -n))]

    @cached_property
    def tried(self) -> frozenset[str]:
        """Identities of the distinct trials that made a run, whatever the data and the costs.

        On a desk its ledger has them; elsewhere only this result does.
        """
        ran = (trial.params for trial in self.trials if not trial.refusal)
        return frozenset(trial_identities(self.spec, ran))

    @property
    def num_trials(self) -> int:
        """How many there are: what the best of them has to be deflated by."""
        return len(self.tried)

    @cached_property
    def result_hash(self) -> str:
        """SHA-256 over the table."""
        return content_hash(self.table.to_dicts())


def run_sweep(
    ground: Ground,
    plan: Plan,
    identity: str,
    *,
    store: TrialStore | None = None,
    run_batch: Callable[[list[Params]], Iterable[Trial]] | None = None,
    only: int | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> SweepResult:
    """Run all trials of a plan that the store does not have yet.

    Args:
        ground: bars, and the spec that is varied.
        plan: what is varied, and how.
        identity: of what all trials share: data, code, the spec; see `sweep_identity`.
        store: has what an earlier, perhaps interrupted, run finished; takes what this one does.
        run_batch: runs combinations, in any process; by default here.
        only: the number of one batch to run and keep, from 0 on; None runs all. What Optuna
            proposes hangs on the batches before: those that the store lacks are run as well.
        report: is told how many trials have just been finished.

    Raises:
        ConfigurationError: if an axis is no key of the spec, or it is a portfolio.
    """
    spec, _, _ = alone(ground.prepared)
    require_keys(spec, ground.kind, plan.space)
    known = dict(store.load()) if store else {}
    found: dict[str, Trial] = {}
    resumed = 0

    def here(batch: list[Params]) -> Iterable[Trial]:
        specs = ((params, varied(spec, params)) for params in batch)
        return run_trials(ground, specs, memo_bytes=plan.memo_bytes)

    def worth(params: Params) -> float | None:
        return value_of(found[_key(identity, params)], plan.metric)

    batches = search(
        plan.space,
        plan.method,
        trials=plan.trials,
        seed=plan.seed,
        batch=plan.batch,
        value_of=worth,
    )
    with shared_columns(tuple(ground.prepared.frames.values()), plan.memo_bytes):
        for number, batch in enumerate(batches):
            if only is not None and number < only and plan.method != "optuna":
                continue
            asked = {_key(identity, params): params for params in batch}
            kept = {key: known[key] for key in asked if key in known}
            todo = {k: params for k, params in asked.items() if k not in kept and k not in found}
            ran = dict(zip(todo, (run_batch or here)(list(todo.values())), strict=True))
            if store and ran:
                store.save(ran)
            resumed += len(kept)
            done = kept | ran
            found |= {key: done[key] for key in asked if key in done}
            report(len(batch))
            if number == only:
                break
    return SweepResult(spec, plan, tuple(found), tuple(found.values()), ground.days, resumed)


def value_of(trial: Trial, metric: str) -> float | None:
    """Give a metric so that larger is better; None when the trial has none."""
    value = (trial.metrics or {}).get(metric)
    if value is None:
        return None
    return -float(value) if metric in _LOWER_IS_BETTER else float(value)


def short(name: str) -> str:
    """Name a varied key in a table: parameters of the strategy by themselves."""
    return name.removeprefix("params.")


def _key(identity: str, params: Params) -> str:
    return content_hash([identity, sorted((name, repr(value)) for name, value in params.items())])
