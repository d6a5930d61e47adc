"""Trials as plain rows, so that they can be kept and sent, and trials again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from trading_assets.backtest.trials import Trial


class Rows(Protocol):
    """Where rows of plain values are kept, by key."""

    def load(self) -> Mapping[str, Mapping[str, Any]]:
        """Give all rows that were saved whole."""
        ...

    def save(self, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep rows durably, together."""
        ...


class KeptTrials:
    """A `TrialStore` over rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def load(self) -> Mapping[str, Trial]:
        """Give all trials that were saved whole."""
        return {key: _trial(row) for key, row in self._rows.load().items()}

    def save(self, batch: Mapping[str, Trial]) -> None:
        """Keep a batch durably."""
        self._rows.save({key: _row(trial) for key, trial in batch.items()})


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "params": dict(trial.params),
        "refusal": trial.refusal,
        "metrics": None if trial.metrics is None else dict(trial.metrics),
        "daily": None if trial.daily is None else trial.daily.tolist(),
        "fills_hash": trial.fills_hash,
        "state_hash": trial.state_hash,
        "cpu_seconds": trial.cpu_seconds,
        "rss_growth": trial.rss_growth,
    }


def _trial(row: Mapping[str, Any]) -> Trial:
    daily = None if row["daily"] is None else np.array(row["daily"], np.float64)
    return Trial(**{**row, "daily": daily})
