"""The risk factor of one market over time, by the engine's own measure and rule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import DataError
from trading_assets.domain.setup import RiskFactor
from trading_assets.portfolio.compiled import entry
from trading_assets.records.arrays import Records
from trading_assets.records.codes import FactorReason
from trading_assets.records.state import BOOK
from trading_assets.records.strategy_terms import factor_row
from trading_assets.risk.factor import factor_of
from trading_assets.risk.measures import forget, measure, volatility

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FactorRules:
    """Thresholds of the factor.

    Attributes:
        own: those that a run has too.
        max_turbulence: a probability of the turbulent regime above it is a reason.
        max_calibration_error: a mean distance between confidence and hit rate above it is one.
    """

    own: RiskFactor
    max_turbulence: float
    max_calibration_error: float


@dataclass(frozen=True, slots=True)
class FactorInputs:
    """What the factor of each bar is judged by; float64 (n,), NaN is "not known".

    Attributes:
        high, low, close: of the bars, ascending, finite.
        begins: bool (n,), bars before which the past is forgotten: after a hole.
        confidence: of the forecast made at the bar's close, 0 to 1.
        drawdown: of a book at that close, as a fraction of its peak.
        turbulence: probability of the turbulent regime, known at that close.
        calibration_error: the mean distance between confidence and hit rate; None: not known.
    """

    high: Floats
    low: Floats
    close: Floats
    begins: NDArray[np.bool_]
    confidence: Floats
    drawdown: Floats
    turbulence: Floats
    calibration_error: float | None = None


@dataclass(frozen=True, slots=True)
class FactorPath:
    """The factor at each close.

    Attributes:
        factor: float64 (n,), 0 to 1.
        reasons: int64 (n,), of FactorReason.
        volatility: of one bar as a fraction; 0 while it is not known.
        usual: its mean so far.
    """

    factor: Floats
    reasons: NDArray[np.int64]
    volatility: Floats
    usual: Floats


def factor_path(rules: FactorRules, inputs: FactorInputs) -> FactorPath:
    """Judge every bar by `risk.factor.factor_of`, with the engine's own measure of volatility.

    Raises:
        DataError: if the inputs are not of one length, or the calibration error is no part of 1.
        ConfigurationError: if a threshold cannot be held.
    """
    columns = (inputs.high, inputs.low, inputs.close, inputs.confidence, inputs.drawdown)
    rows = len(inputs.close)
    if {len(c) for c in (*columns, inputs.turbulence, inputs.begins)} != {rows}:
        raise DataError("The inputs of the risk factor differ in length", expected=f"{rows} each")
    error = inputs.calibration_error
    if error is not None and not 0.0 <= error <= 1.0:
        raise DataError("No calibration error", expected="0 to 1", found=str(error))
    books = np.zeros(1, BOOK)
    books["strategy"] = factor_row(rules.own)
    found = np.zeros((3, rows))
    reasons = np.zeros(rows, np.int64)
    _judge(
        books,
        np.stack([*columns, inputs.turbulence]),
        inputs.begins,
        rules.max_turbulence,
        error is not None and error > rules.max_calibration_error,
        found,
        reasons,
    )
    return FactorPath(found[0], reasons, found[1], found[2])


def reason_names(reasons: int) -> tuple[str, ...]:
    """Give the names of FactorReasons, lower case, in their order."""
    return tuple(str(r.name).lower() for r in FactorReason if r & FactorReason(reasons))


@entry
def _judge(
    books: Records,
    inputs: np.ndarray,
    begins: np.ndarray,
    max_turbulence: float,
    miscalibrated: bool,
    found: np.ndarray,
    reasons: np.ndarray,
) -> None:
    book = books[0]
    for row in range(inputs.shape[1]):
        if begins[row]:
            forget(book)
        measure(book, inputs[0, row], inputs[1, row], inputs[2, row])
        book.price = inputs[2, row]
        now = volatility(book)
        factor, why = factor_of(
            book.strategy,
            inputs[3, row],
            inputs[4, row],
            now,
            book.usual_volatility,
            inputs[5, row] > max_turbulence,
            miscalibrated,
        )
        found[0, row] = factor
        found[1, row] = now
        found[2, row] = book.usual_volatility
        reasons[row] = why
