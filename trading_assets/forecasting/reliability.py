"""Whether stated probabilities came true: the reliability curve and what the Brier score is of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_assets.forecasting.scores import Floats, brier_score

_BINS = 10


@dataclass(frozen=True, slots=True)
class Reliability:
    """A curve, and the parts of the Brier score (Murphy 1973; within bins, Stephenson 2008).

    `brier = reliability - resolution + uncertainty + within_bins`, to rounding.

    Attributes:
        stated: mean probability of each bin, ascending.
        observed: share of each bin that came true.
        counts: rows of each bin.
        brier: mean squared distance of probabilities from what happened.
        reliability: mean squared distance of the curve from the diagonal; 0 is calibrated.
        resolution: how far outcomes of the bins differ from the mean outcome; larger is better.
        uncertainty: what the mean outcome alone would score.
        within_bins: what the bins hide: variance of probabilities in them, less twice their
            covariance with outcomes.
        ece: expected calibration error, the mean distance of the curve from the diagonal.
    """

    stated: tuple[float, ...]
    observed: tuple[float, ...]
    counts: tuple[int, ...]
    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float
    ece: float

    @property
    def rows(self) -> int:
        """Number of forecasts."""
        return sum(self.counts)

    def plain(self) -> dict[str, Any]:
        """Give plain values, as cards and manifests keep them."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}


def reliability(
    stated: Floats, right: NDArray[np.bool_], *, bins: int = _BINS
) -> Reliability | None:
    """Compare stated probabilities with outcomes, in bins of equally many forecasts.

    Equal probabilities are never parted, so there are fewer bins when many forecasts say the same.

    Args:
        stated: float64[n], 0 to 1.
        right: whether each came true.
        bins: at most so many.

    Returns:
        None without forecasts.
    """
    n = len(stated)
    if n == 0:
        return None
    edges = np.unique(np.quantile(stated, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="higher"))
    groups = np.searchsorted(edges, stated, side="right")
    counts = np.bincount(groups)
    counts, used = counts[counts > 0], np.flatnonzero(counts)
    place = np.searchsorted(used, groups)
    outcome = right.astype(np.float64)
    p = np.bincount(place, stated) / counts
    o = np.bincount(place, outcome) / counts
    share, mean = counts / n, float(outcome.mean())
    apart = stated - p[place]
    hidden = float(np.mean(apart**2) - 2 * np.mean(apart * (outcome - o[place])))
    return Reliability(
        stated=tuple(map(float, p)),
        observed=tuple(map(float, o)),
        counts=tuple(map(int, counts)),
        brier=brier_score(stated, right),
        reliability=float(np.sum(share * (p - o) ** 2)),
        resolution=float(np.sum(share * (o - mean) ** 2)),
        uncertainty=mean * (1 - mean),
        within_bins=hidden,
        ece=float(np.sum(share * np.abs(p - o))),
    )
