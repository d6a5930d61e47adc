"""A straight line as a JSON document: whatever fitted it, numpy alone predicts with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from trading_assets.domain.errors import CorruptFile, DataError
from trading_assets.domain.ids import canonical_json
from trading_assets.forecasting.scores import Floats

_FORMAT = 1
_DIGITS = 12
"""Further digits of fitted numbers depend on how many threads the linear algebra library had."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """`intercept + sum(weight * clip((column - centre) / spread))`.

    Attributes:
        kind: what fitted it, such as `ridge`.
        features: names of its columns, in order; none for a constant.
        centre, spread, weights: one number per column; spreads are positive.
        clip: standardised columns beyond this are outliers, which a straight line follows too far.
    """

    kind: str
    features: tuple[str, ...]
    centre: tuple[float, ...]
    spread: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float
    clip: float

    @classmethod
    def fitted(
        cls,
        kind: str,
        features: Sequence[str],
        *,
        weights: Sequence[float] | Floats,
        intercept: float,
        centre: Sequence[float] | Floats | None = None,
        spread: Sequence[float] | Floats | None = None,
        clip: float = 1e9,
    ) -> LinearModel:
        """Make one of fitted numbers, rounded to the digits that do not depend on the machine."""
        n = len(features)
        return cls(
            kind,
            tuple(features),
            _rounded(np.zeros(n) if centre is None else centre),
            _rounded(np.ones(n) if spread is None else spread),
            _rounded(weights),
            *_rounded([intercept, clip]),
        )

    @property
    def text(self) -> str:
        """The canonical JSON document, from which `from_text` makes an equal model."""
        return canonical_json({"format": _FORMAT, **asdict(self)}).decode()

    @classmethod
    def from_text(cls, text: str) -> LinearModel:
        """Read a document.

        Raises:
            CorruptFile: if it is not such a document.
        """
        try:
            values = json.loads(text)
            lists = ("centre", "spread", "weights")
            model = cls(
                kind=values["kind"],
                features=tuple(values["features"]),
                **{name: tuple(float(v) for v in values[name]) for name in lists},
                intercept=float(values["intercept"]),
                clip=float(values["clip"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptFile("Not a linear model", found=repr(error)[:200]) from None
        sizes = {len(model.features), *(len(getattr(model, name)) for name in lists)}
        if model.text != text or len(sizes) > 1:
            raise CorruptFile(
                "Not a linear model of this format",
                expected=f"canonical JSON of format {_FORMAT}, one number per column",
                found=text[:60],
            )
        return model

    def predict(self, x: Floats) -> Floats:
        """Predict float64[rows, features]; a row's bits do not depend on the rows around it."""
        if x.ndim != 2 or x.shape[1] != len(self.features):
            raise DataError(
                "The model was given the wrong number of features",
                expected=f"{len(self.features)} columns",
                found=f"shape {x.shape}",
            )
        said = np.full(len(x), self.intercept)
        # Column by column: a product of matrices sums in an order that depends on their shape.
        for j, weight in enumerate(self.weights):
            said += weight * np.clip(
                (x[:, j] - self.centre[j]) / self.spread[j], -self.clip, self.clip
            )
        return said


def _rounded(values: Sequence[float] | Floats) -> tuple[float, ...]:
    return tuple(float(f"{float(value):.{_DIGITS}g}") for value in values)
