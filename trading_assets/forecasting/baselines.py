"""The plain forecasts that a model must beat: nothing, the mean, a line, and past returns alone.

Each is a `Learner` that gives a linear model as JSON. This is the one home of scikit-learn's linear
models and of statsmodels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trading_assets.forecasting.learners import Learner, Rows
from trading_assets.forecasting.linear_model import LinearModel
from trading_assets.forecasting.past_returns import PAST_COLUMNS
from trading_assets.forecasting.scores import Floats

_CLIP = 4.0
"""Of standardised columns, and of the labels that the ridge learns."""

_PENALTY = 0.1
"""Of the ridge, per row."""

_ARX_LAGS = 3
_LEAST_RANGE = 1e-9
"""A column that moves less, of its own size, is taken for a constant: in a fitted line its weight
would be anything, and its digits beyond the twelfth are not kept."""

_ALPHAS = np.linspace(0.05, 0.95, 19)


@dataclass(frozen=True, slots=True)
class Zero:
    """Nothing will happen."""

    name: str = "zero"

    def fit(self, rows: Rows, y: Floats) -> str:
        """Learn nothing."""
        return LinearModel.fitted(self.name, (), weights=(), intercept=0.0).text


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of the labels: what holding the asset earned."""

    name: str = "mean"

    def fit(self, rows: Rows, y: Floats) -> str:
        """Take the mean."""
        return LinearModel.fitted(self.name, (), weights=(), intercept=float(y.mean())).text


@dataclass(frozen=True, slots=True)
class Ridge:
    """Penalised linear regression on the standardised features (Hoerl and Kennard 1970).

    Attributes:
        features: columns to learn from.
    """

    features: tuple[str, ...]
    name: str = "ridge"

    def fit(self, rows: Rows, y: Floats) -> str:
        """Standardise, clip outliers, and regress."""
        from sklearn.linear_model import Ridge as RidgeRegression

        x, centre, spread = _standardised(rows.select(self.features))
        line = RidgeRegression(alpha=_PENALTY * len(x), solver="cholesky")
        line.fit(x, np.clip(y, -_CLIP, _CLIP))
        return LinearModel.fitted(
            self.name,
            self.features,
            weights=line.coef_,
            intercept=float(line.intercept_),
            centre=centre,
            spread=spread,
            clip=_CLIP,
        ).text


@dataclass(frozen=True, slots=True)
class Arx:
    """Autoregression of the return over a horizon on the three before it, and on volatility.

    Direct, not iterated: the label is one horizon ahead, so are the lags behind (ordinary least
    squares of all symbols together).

    Attributes:
        exogenous: columns beside the past returns.
    """

    exogenous: tuple[str, ...]
    name: str = "arx"

    def fit(self, rows: Rows, y: Floats) -> str:
        """Regress."""
        import statsmodels.api as sm

        names = (*PAST_COLUMNS[:_ARX_LAGS], *self.exogenous)
        known = rows.select(names)
        x, centre, spread = _standardised(known)
        moves = np.ptp(known, axis=0) > _LEAST_RANGE * np.abs(known).max(axis=0)
        design = sm.add_constant(x[:, moves], has_constant="add")
        intercept, *slopes = sm.OLS(y, design).fit().params
        weights = np.zeros(len(names))
        weights[moves] = slopes
        return LinearModel.fitted(
            self.name,
            names,
            weights=weights,
            intercept=float(intercept),
            centre=centre,
            spread=spread,
            clip=_CLIP,
        ).text


@dataclass(frozen=True, slots=True)
class Ewma:
    """The exponentially weighted mean of the past returns, as it is (Brown 1959).

    Its memory ends with the past returns there are, six horizons, over which the weights sum to
    one. The speed is that of the least squared error on the rows it learns from.
    """

    name: str = "ewma"

    def fit(self, rows: Rows, y: Floats) -> str:
        """Find the speed."""
        past = rows.select(PAST_COLUMNS)
        weights = [self._weights(alpha) for alpha in _ALPHAS]
        errors = [
            float(np.mean((y - sum(w * past[:, k] for k, w in enumerate(each))) ** 2))
            for each in weights
        ]
        best = weights[int(np.argmin(np.round(errors, 9)))]
        return LinearModel.fitted(self.name, PAST_COLUMNS, weights=best, intercept=0.0).text

    @staticmethod
    def _weights(alpha: float) -> Floats:
        weights = alpha * (1 - alpha) ** np.arange(len(PAST_COLUMNS))
        return np.asarray(weights / weights.sum(), dtype=np.float64)


def _standardised(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Give columns less their centre, over their spread, clipped; and centres and spreads."""
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x)
    return np.clip(scaler.transform(x), -_CLIP, _CLIP), scaler.mean_, scaler.scale_


def baselines(features: tuple[str, ...], scale: str) -> tuple[Learner, ...]:
    """Give every baseline of a model.

    Args:
        features: columns that the model learns from.
        scale: the one that says how volatile it is.
    """
    return Zero(), Mean(), Ridge(features), Arx((scale,)), Ewma()
