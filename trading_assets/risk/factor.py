"""The risk factor: what multiplies the size of entries, and why.

It is judged where something may be opened or enlarged, with the equity and the volatility of that
close; what is held is never made smaller by it. Every change is logged.
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


@compiled
def note_factor(account: Record, book: Record, logs: Logs, confidence: float) -> bool:
    """Bring a book's factor up to date; log it and tell when it changed.

    A confidence that is NaN, and a volatility that is not known yet, are no reasons.
    """
    strategy = book.strategy
    if strategy.has_factor == 0:
        return False
    factor = 1.0
    reasons = 0
    if confidence < strategy.min_confidence:
        factor *= strategy.confidence_factor
        reasons |= LOW_CONFIDENCE
    if account.drawdown > strategy.factor_drawdown:
        factor *= strategy.drawdown_factor
        reasons |= DRAWDOWN
    if volatility(book) > strategy.volatility_multiple * book.usual_volatility:
        factor *= strategy.volatility_factor
        reasons |= HIGH_VOLATILITY
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
