"""The desk's ledger of trials: every trial that is run anywhere is entered, and counted once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading_assets.backtest.trial_identity import trial_identities
from trading_assets.domain.ids import Micros
from trading_assets.settings import Settings
from trading_assets.storage.trial_store import LEDGER, append_trials
from trading_assets.workflows.code_hash import code_hash

if TYPE_CHECKING:
    from trading_assets.backtest.prepared import Prepared
    from trading_assets.backtest.sweep import TrialStore
    from trading_assets.backtest.trials import Trial

NOT_COUNTED = frozenset({"reproduce", "stress", "neighbour", "parity", "daily"})
"""Purposes of runs that are entered, and are no further try."""


def desk_root(settings: Settings) -> Path | None:
    """Give the folder of the desk's ledger; None where there is no desk yet.

    A desk is there when it has written something, or when its tables are said to lie elsewhere: a
    folder `data` that a person has made for files of their own is none.
    """
    root = settings.data_root
    is_desk = "://" in settings.tables_root or Path(settings.tables_root).is_dir()
    is_desk = is_desk or any((root / name).exists() for name in (LEDGER, "runs", "sweeps"))
    return root if is_desk else None


def count_trials(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count the distinct trials of each family (the spec's strategy) in rows of the ledger.

    Rows of runs that are no further try (`NOT_COUNTED`) and refusals are left out. A trial that was
    run again on a history that has grown has a row for each run, with one `trial_id`.
    """
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["purpose"] not in NOT_COUNTED and not row["refusal"]:
            found.setdefault(row["strategy"], set()).add(row.get("trial_id", row["key"]))
    return {family: len(trials) for family, trials in found.items()}


class CountedTrials:
    """A `TrialStore` that enters trials in the ledger before it keeps them.

    So a trial that is kept has been entered, whenever the process was killed; a key that is in the
    ledger is not entered again.

    Args:
        root: of the desk.
        prepared: the spec that trials vary, on its bars.
        kept: where finished trials are kept; None keeps none.
        now: of the desk's clock.
        facts: what rows say beside the trial, such as `purpose`.
        model: settings of the model whose forecasts the strategy follows; None without one.
    """

    def __init__(
        self,
        root: Path,
        prepared: Prepared,
        kept: TrialStore | None,
        *,
        now: Callable[[], Micros],
        facts: Mapping[str, Any],
        model: object = None,
    ) -> None:
        (self._spec,) = prepared.spec.parts
        self._root, self._kept, self._now, self._facts = root, kept, now, facts
        self._shared = [code_hash(prepared.strategy), model]

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
        if not trials:
            return
        spec, at = self._spec, self._now()
        same = {
            **self._facts,
            "at": at,
            "spec": spec.name,
            "spec_hash": spec.spec_hash,
            "strategy": spec.strategy,
        }
        of_each = trial_identities(spec, (t.params for t in trials.values()), shared=self._shared)
        append_trials(
            self._root,
            (
                {
                    **same,
                    "key": key,
                    "trial_id": trial_id,
                    "params": {name: str(value) for name, value in trial.params.items()},
                    "refusal": trial.refusal,
                    "metrics": dict(trial.metrics or {}),
                    "state_hash": trial.state_hash,
                }
                for (key, trial), trial_id in zip(trials.items(), of_each, strict=True)
            ),
        )
