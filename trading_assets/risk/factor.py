"""The risk factor: what multiplies the size of entries, and why.

It is judged where something may be opened or enlarged, with the equity and the volatility of that
close; what is held is never made smaller by it. Every change is logged.

| multiplies once by | when |
|---|---|
| `confidence_factor` | the confidence is low, or is known to be miscalibrated |
| `drawdown_factor` | the drawdown of the account is too large |
| `volatility_factor` | the volatility is high, or its regime is turbulent |

Regimes and calibration are research: a run is told of neither, the asset `risk_factor` of both.
"""

from __future__ import annotations

from trading_assets.portfolio.compiled import compiled
from trading_assets.records.arrays import Record
from trading_assets.records.codes import FactorReason
from trading_assets.records.results import N_FACTORS, Logs
from trading_assets.risk.measures import volatility

LOW_CONFIDENCE = int(FactorReason.LOW_CONFIDENCE)
DRAWDOWN = int(FactorReason.DRAWDOWN)
HIGH_VOLATILITY = int(FactorReason.HIGH_VOLATILITY)
TURBULENT_REGIME = int(FactorReason.TURBULENT_REGIME)
MISCALIBRATED = int(FactorReason.MISCALIBRATED)


@compiled
def factor_of(
    strategy: Record,
    confidence: float,
    drawdown: float,
    now: float,
    usual: float,
    turbulent: bool,
    miscalibrated: bool,
) -> tuple[float, int]:
    """Give the factor and its reasons (FactorReason): the one rule.

    What is NaN is not known, and no reason; a volatility `now` of 0 is not known either.
    """
    reasons = 0
    if confidence < strategy.min_confidence:
        reasons |= LOW_CONFIDENCE
    if miscalibrated:
        reasons |= MISCALIBRATED
    if drawdown > strategy.factor_drawdown:
        reasons |= DRAWDOWN
    if now > strategy.volatility_multiple * usual:
        reasons |= HIGH_VOLATILITY
    if turbulent:
        reasons |= TURBULENT_REGIME
    factor = 1.0
    if reasons & (LOW_CONFIDENCE | MISCALIBRATED) != 0:
        factor *= strategy.confidence_factor
    if reasons & DRAWDOWN != 0:
        factor *= strategy.drawdown_factor
    if reasons & (HIGH_VOLATILITY | TURBULENT_REGIME) != 0:
        factor *= strategy.volatility_factor
    return factor, reasons


@compiled
def note_factor(account: Record, book: Record, logs: Logs, confidence: float) -> bool:
    """Bring a book's factor up to date; log it and tell when it changed."""
    strategy = book.strategy
    if strategy.has_factor == 0:
        return False
    factor, reasons = factor_of(
        strategy,
        confidence,
        account.drawdown,
        volatility(book),
        book.usual_volatility,
        False,
        False,
    )
    if factor == book.factor and reasons == book.reasons:
        return False
    book.factor = factor
    book.reasons = reasons
    row = logs.factors[logs.used[N_FACTORS]]
    logs.used[N_FACTORS] += 1
    row.ts = account.ts
    row.factor = factor
    row.owner = book.owner
    row.reasons = reasons
    return True
