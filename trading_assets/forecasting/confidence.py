"""Whether a model may state a confidence: only if that beat the constant one on later forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.ids import Micros
from trading_assets.forecasting.calibration import METHODS, Calibration, Method, fit_calibration
from trading_assets.forecasting.reliability import Reliability, reliability
from trading_assets.forecasting.scores import Floats, brier_score, hits


@dataclass(frozen=True, slots=True, eq=False)
class PastForecasts:
    """Forecasts by trees that had not seen the row, stretch after stretch.

    Attributes:
        stretch: int64[n], number of the stretch, ascending.
        starts: start of each stretch.
        known: int64[n], when the row's label was known.
        score: float64[n], what the trees said.
        target: float64[n], the scaled return that came.
    """

    stretch: NDArray[np.int64]
    starts: tuple[Micros, ...]
    known: NDArray[np.int64]
    score: Floats
    target: Floats

    def before(self, number: int, *, embargo: Micros) -> NDArray[np.bool_]:
        """Mark the rows of earlier stretches that were known well before this one began."""
        earlier = self.stretch < number
        return np.asarray(earlier & (self.known + embargo <= self.starts[number]))


@dataclass(frozen=True, slots=True)
class JudgedConfidence:
    """The verdict, with its evidence.

    Attributes:
        calibration: fitted on all past forecasts; None when it is not to be used.
        brier: of the calibrated probabilities on forecasts later than what they were fitted on.
        brier_constant: of the constant probability on the same rows: the rate until then.
        rows: number of those rows.
        reason: the verdict in words.
        briers: the same score of every method that was tried, by name.
        curve: stated probabilities of those rows against what came; None without rows.
    """

    calibration: Calibration | None
    brier: float
    brier_constant: float
    rows: int
    reason: str
    briers: Mapping[str, float] = field(default_factory=dict)
    curve: Reliability | None = None


def fit_shrinkage(score: Floats, target: Floats) -> float:
    """Give the share of their scores that past forecasts deserved: least squares through zero.

    It is cut to [0, 1]: forecasts are never blown up, and never turned around.
    """
    square = float(np.sum(score * score))
    share = float(np.sum(score * target)) / square if square > 0 else 0.0
    return round(min(max(share, 0.0), 1.0), 9)


def judge_confidence(
    past: PastForecasts, *, embargo: Micros, overlap: int, method: Method | Literal["auto"] = "auto"
) -> JudgedConfidence:
    """Calibrate on each stretch's past, test on the stretch, and calibrate on all if that held.

    Args:
        past: out-of-fold forecasts.
        embargo: distance between what a calibration knows and the stretch it is tested on.
        overlap: rows that one label spans.
        method: of calibration; `auto` takes the one with the lower Brier score on those stretches.
    """
    right = hits(past.score, past.target)
    tried: Sequence[Method] = METHODS if method == "auto" else (method,)
    walked = {m: _walk(past, right, embargo=embargo, overlap=overlap, method=m) for m in tried}
    _, constant, judged = walked[tried[0]]
    if not judged.any():
        return JudgedConfidence(None, 0.0, 0.0, 0, "Too few past forecasts to judge a confidence.")
    briers = {m: brier_score(stated[judged], right[judged]) for m, (stated, _, _) in walked.items()}
    best = min(tried, key=lambda m: briers[m])
    stated = walked[best][0]
    brier_constant = brier_score(constant[judged], right[judged])
    rows = int(judged.sum())
    useful = fit_shrinkage(past.score, past.target) > 0
    calibration = None
    if useful and briers[best] < brier_constant:
        calibration = fit_calibration(past.score, right, overlap=overlap, method=best)
    numbers = (
        f"Brier score {briers[best]:.5f} against {brier_constant:.5f} of the constant forecast, "
        f"by {best} calibration on {rows:,} out-of-fold forecasts"
    )
    return JudgedConfidence(
        calibration=calibration,
        brier=briers[best],
        brier_constant=brier_constant,
        rows=rows,
        reason=_reason(numbers, is_published=calibration is not None, is_useful=useful),
        briers={str(m): brier for m, brier in briers.items()},
        curve=reliability(stated[judged], right[judged]),
    )


def _reason(numbers: str, *, is_published: bool, is_useful: bool) -> str:
    if is_published:
        return f"Published: {numbers}."
    if is_useful:
        return f"Not published, since it would not beat a constant: {numbers}."
    return f"Not published: past forecasts pointed the wrong way. {numbers}."


def _walk(
    past: PastForecasts,
    right: NDArray[np.bool_],
    *,
    embargo: Micros,
    overlap: int,
    method: Method,
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Give calibrated and constant probability per row, and which rows have them."""
    stated, constant = np.zeros(len(right)), np.zeros(len(right))
    judged = np.zeros(len(right), dtype=np.bool_)
    for number in range(1, len(past.starts)):
        before = past.before(number, embargo=embargo)
        calibration = fit_calibration(
            past.score[before], right[before], overlap=overlap, method=method
        )
        if calibration is None:
            continue
        now = past.stretch == number
        stated[now] = calibration.confidence(past.score[now])
        constant[now] = calibration.base_rate
        judged |= now
    return stated, constant, judged
