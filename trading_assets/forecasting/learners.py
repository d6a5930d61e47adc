"""The one shape of everything that learns: rows in, a model as text out, predictions from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import sha256_hex
from trading_assets.forecasting.booster import Booster, train_booster
from trading_assets.forecasting.linear_model import LinearModel
from trading_assets.forecasting.scores import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows by named columns.

    Attributes:
        names: of the columns, in order.
        x: float64[rows, columns], finite.
    """

    names: tuple[str, ...]
    x: Floats

    def select(self, names: Sequence[str]) -> Floats:
        """Give some columns, in the order of `names`.

        Raises:
            DataError: if there is no such column.
        """
        missing = [name for name in names if name not in self.names]
        if missing:
            raise DataError(
                "A model asks for columns that the rows do not have",
                expected=", ".join(self.names),
                found=", ".join(missing),
            )
        if tuple(names) == self.names:
            return self.x
        return np.ascontiguousarray(self.x[:, [self.names.index(name) for name in names]])


class Predictor(Protocol):
    """A loaded model."""

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its columns, in order."""
        ...

    def predict(self, x: Floats) -> Floats:
        """Predict float64[rows, features], columns in the order of `features`."""
        ...


class Learner(Protocol):
    """A way to learn; frozen, so that equal rows give an equal model."""

    @property
    def name(self) -> str:
        """Name in tables of scores."""
        ...

    def fit(self, rows: Rows, y: Floats) -> str:
        """Learn from rows and labels in units of their scale; give the model as text."""
        ...


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model as text, with its hash."""

    name: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the text."""
        return sha256_hex(self.text.encode())

    def predict(self, rows: Rows) -> Floats:
        """Predict rows that have the columns that it was fitted on."""
        loaded = predictor_from_text(self.text)
        return loaded.predict(rows.select(loaded.features))


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """Gradient-boosted trees by LightGBM.

    Attributes:
        params: LightGBM's parameters.
        rounds: number of trees.
        threads: 0 is the CPU quota; it does not change the model.
        features: columns to learn from.
    """

    params: Mapping[str, Any]
    rounds: int
    features: tuple[str, ...]
    threads: int = 0
    name: str = "lightgbm"

    def fit(self, rows: Rows, y: Floats) -> str:
        """Grow the trees."""
        return train_booster(
            rows.select(self.features),
            y,
            names=self.features,
            params=self.params,
            rounds=self.rounds,
            threads=self.threads,
        )


def fitted(learner: Learner, rows: Rows, y: Floats) -> FittedModel:
    """Let a learner learn."""
    return FittedModel(learner.name, learner.fit(rows, y))


def predictor_from_text(text: str) -> Predictor:
    """Load a model of any kind; text whose hash was checked only (see `Booster`).

    Raises:
        CorruptFile: if it is none.
    """
    return LinearModel.from_text(text) if text.startswith("{") else Booster(text)
