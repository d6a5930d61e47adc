"""Enter what is tried in the desk's ledger: every entry point does, before it keeps a result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trading_assets.backtest.trial_identity import canonical, identity_of_run, trial_identities
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, content_hash, sha256_hex
from trading_assets.evaluation.metrics import daily_returns, day_ends, sharpe_ratio
from trading_assets.settings import Settings
from trading_assets.storage.trial_chain import RETURNS, is_unchained
from trading_assets.storage.trial_ledger import ledger_at
from trading_assets.storage.trial_store import DailyReturns, TrialReturns
from trading_assets.workflows.code_hash import code_hash
from trading_assets.workflows.trial_ledger import (
    PROBES,
    REPEATS,
    TRIES,
    adopt_ledger,
    family_of,
)

if TYPE_CHECKING:
    from trading_assets.backtest.prepared import Prepared
    from trading_assets.backtest.result import BacktestResult
    from trading_assets.backtest.sweep import TrialStore
    from trading_assets.backtest.trials import Trial
    from trading_assets.strategies.portfolio_spec import Together
    from trading_assets.strategies.protocol import Strategy


@dataclass(frozen=True, slots=True)
class TrialEntry:
    """One run of a trial.

    Attributes:
        family: of strategies, or of models.
        trial_id: identity of what was tried, whatever the data.
        key: identity of the run, with what it ran on; it is entered once for each purpose.
        purpose: one of `trial_ledger.TRIES`, `REPEATS` or `PROBES`.
        returns: of all days, for tests over all trials; None where there are none.
        oos_start: first instant out of sample; None when nothing is known to be.
        refusal: why it made no run; empty when it did.
        metrics: those worth keeping.
        facts: what else is worth knowing, such as `spec`, `params`, `state_hash`.
    """

    family: str
    trial_id: str
    key: str
    purpose: str
    returns: DailyReturns | None = None
    oos_start: Micros | None = None
    refusal: str = ""
    metrics: Mapping[str, float | int | None] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def row(self, at: Micros, file: Mapping[str, str] | None) -> dict[str, Any]:
        """Write it as a row; `file` has its returns."""
        values = {
            **self.facts,
            "family": self.family,
            "trial_id": self.trial_id,
            "key": self.key,
            "purpose": self.purpose,
            "at": at,
            "refusal": self.refusal,
            "metrics": dict(self.metrics),
            **self._sharpes(),
        }
        if file is not None:
            values["returns"] = dict(file)
        return values

    def _sharpes(self) -> dict[str, float | int | None]:
        """Give Sharpe ratios per period, which formulas over trials need, and their lengths."""
        if self.returns is None:
            return {}
        days, returns = self.returns.days, self.returns.returns
        found: dict[str, float | int | None] = {
            "sharpe": sharpe_ratio(returns, 1.0),
            "periods": len(returns),
        }
        if self.oos_start is not None:
            outside = returns[days >= self.oos_start]
            found |= {"oos_sharpe": sharpe_ratio(outside, 1.0), "oos_periods": len(outside)}
        return found


def enter_trials(root: Path, entries: Iterable[TrialEntry], *, at: Micros) -> None:
    """Enter runs of trials; those that are there already, with the same purpose, are not again.

    A ledger of the time before it was chained is taken over first, which its first row says.

    Args:
        root: of the desk.
        entries: what was tried.
        at: of the desk's clock.

    Raises:
        LedgerBroken: if the ledger is damaged or lost; nothing is entered.
        ConfigurationError: if a purpose is none.
        StorageUnavailable: if the disk is full.
    """
    given = {(entry.purpose, entry.key): entry for entry in entries}
    for purpose, _ in given:
        if purpose not in TRIES | REPEATS | PROBES:
            raise ConfigurationError(
                "Not a purpose of a run",
                expected=", ".join(sorted(TRIES | REPEATS | PROBES)),
                found=repr(purpose)[:40],
            )
    if not given:
        return
    if is_unchained(root):
        adopt_ledger(root, at=at)
    ledger = ledger_at(root.absolute())
    new = [given[pair] for pair in sorted(ledger.lacking(given))]
    if not new:
        return
    with_returns = {entry.key: entry.returns for entry in new if entry.returns is not None}
    file = TrialReturns(root / RETURNS).save(with_returns) if with_returns else None
    ledger.append(e.row(at, None if e.returns is None else file) for e in new)


def enter_trial(
    root: Path,
    *,
    family: str,
    identity: Mapping[str, Any],
    ran_on: object,
    at: Micros,
    purpose: str = "tune",
    returns: DailyReturns | None = None,
    metrics: Mapping[str, float | int | None] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> str:
    """Enter one trial of any kind, such as a model's parameters; give its `trial_id`.

    Args:
        root: of the desk.
        family: whose trials are counted together.
        identity: plain values of what is tried: code, parameters, features, symbols, bar size;
            not the data.
        ran_on: plain values of the rest, such as the hash of the data.
        at: of the desk's clock.
        purpose: why; see `trial_ledger.TRIES`.
        returns: its daily returns, when it has any.
        metrics: worth keeping.
        facts: what else is worth knowing.

    Raises:
        LedgerBroken, ConfigurationError, StorageUnavailable: as `enter_trials`.
    """
    trial_id = content_hash([family, canonical(identity)])
    entry = TrialEntry(
        family,
        trial_id,
        content_hash([trial_id, ran_on]),
        purpose,
        returns,
        metrics=metrics or {},
        facts=facts or {},
    )
    enter_trials(root, [entry], at=at)
    return trial_id


def enter_run(
    settings: Settings,
    result: BacktestResult,
    *,
    at: Micros,
    purpose: str = "backtest",
    key: str | None = None,
) -> None:
    """Enter a finished backtest where there is a desk.

    Args:
        settings: of the desk.
        result: of the run.
        at: of the desk's clock.
        purpose: why it was run.
        key: identity of the run; by default of the trial and what came of it.

    Raises:
        LedgerBroken, ConfigurationError, StorageUnavailable: as `enter_trials`.
    """
    spec, log = result.spec, result.log
    trial_id = identity_of_run(spec, shared=_shared(settings, result.strategy))
    returns = _returns_of(result)
    end = [log.final_state_hash, sha256_hex(returns.returns.tobytes())]
    entry = TrialEntry(
        family_of(spec),
        trial_id,
        key or content_hash([trial_id, *end]),
        purpose,
        returns,
        result.oos_start,
        facts={
            "spec": spec.name,
            "spec_hash": spec.spec_hash,
            "params": {name: str(value) for name, value in spec.all_params().items()},
            "state_hash": log.final_state_hash,
        },
    )
    enter_trials(settings.data_root, [entry], at=at)


def _shared(settings: Settings, strategy: Strategy | Together) -> list[object]:
    """Give what a trial's identity says beside its spec: code, and the model that it follows."""
    follows = strategy.horizon is not None
    return [code_hash(strategy), settings.model.model_dump(mode="json") if follows else None]


def _returns_of(result: BacktestResult) -> DailyReturns:
    log = result.log
    last = day_ends(log.ts)
    returns = daily_returns(log.equity[last], log.opening_equity)
    return DailyReturns(log.ts[last] // DAY * DAY, returns)


class CountedTrials:
    """A `TrialStore` that enters trials in the ledger before it keeps them.

    So a trial that is kept has been entered, whenever the process was killed.

    Args:
        settings: of the desk.
        prepared: the spec that trials vary, on its bars.
        kept: where finished trials are kept; None keeps none.
        now: of the desk's clock.
        purpose: `sweep` or `walk_forward`.
        facts: what rows say beside the trial, such as the name of the sweep.
    """

    def __init__(
        self,
        settings: Settings,
        prepared: Prepared,
        kept: TrialStore | None,
        *,
        now: Callable[[], Micros],
        purpose: str,
        facts: Mapping[str, Any],
    ) -> None:
        from trading_assets.backtest.result import oos_start_of

        (self._spec,) = prepared.spec.parts
        self._root, self._kept, self._now = settings.data_root, kept, now
        self._purpose, self._facts = purpose, facts
        self._shared = _shared(settings, prepared.strategy)
        self._oos_start = oos_start_of(prepared.strategy, prepared.bars.ts)
        self._days = np.unique(prepared.bars.ts // DAY) * DAY

    def load(self) -> Mapping[str, Trial]:
        """Give all trials that were saved whole."""
        found = {} if self._kept is None else self._kept.load()
        self._enter(found)
        return found

    def save(self, batch: Mapping[str, Trial]) -> None:
        """Enter a batch, and keep it."""
        self._enter(batch)
        if self._kept is not None:
            self._kept.save(batch)

    def _enter(self, trials: Mapping[str, Trial]) -> None:
        tried = (trial.params for trial in trials.values())
        of_each = trial_identities(self._spec, tried, shared=self._shared)
        entries = (
            self._entry(key, trial, trial_id)
            for (key, trial), trial_id in zip(trials.items(), of_each, strict=True)
        )
        enter_trials(self._root, entries, at=self._now())

    def _entry(self, key: str, trial: Trial, trial_id: str) -> TrialEntry:
        spec = self._spec
        return TrialEntry(
            family_of(spec),
            trial_id,
            key,
            self._purpose,
            self._returns_of(trial),
            self._oos_start,
            refusal=trial.refusal,
            metrics=trial.metrics or {},
            facts={
                **self._facts,
                "spec": spec.name,
                "spec_hash": spec.spec_hash,
                "params": {name: str(value) for name, value in trial.params.items()},
                "state_hash": trial.state_hash,
            },
        )

    def _returns_of(self, trial: Trial) -> DailyReturns | None:
        """Give its daily returns; a fold's training, on fewer days, is compared with no trial."""
        if trial.daily is None or len(trial.daily) != len(self._days):
            return None
        return DailyReturns(self._days, daily_returns(trial.daily, float(self._spec.cash)))
