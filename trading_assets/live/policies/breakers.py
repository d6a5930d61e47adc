"""Circuit breakers: what a book halts itself for, whatever its release allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import EquityMarked, Event, TradingHalted
from trading_assets.domain.policy_events import BreakerTripped
from trading_assets.live.book_state import BookState
from trading_assets.live.turmoil import BOOK, DRAWDOWN, VOLATILITY

BREAKER = "breaker"
"""Source of a halt by one."""


@dataclass(frozen=True, slots=True)
class BreakerTerms:
    """When a book halts itself, and how far; a limit of 0 is none.

    Attributes:
        drawdown: fraction of the peak of its equity.
        volatility: of a symbol, in multiples of what is usual.
        book_volatility: of its equity, likewise.
        level: of the halt.
    """

    drawdown: float = 0.0
    volatility: float = 0.0
    book_volatility: float = 0.0
    level: HaltLevel = HaltLevel.HALT


class Breakers:
    """Judges each mark of a book.

    A halt follows in the commit of the bar that was measured, so that there is no instant at which
    a process can end between the two, and no entry that was decided on that bar leaves.

    Args:
        terms: of the book.
        state: of the book; only looked at.
    """

    def __init__(self, terms: BreakerTerms, state: BookState) -> None:
        self._terms = terms
        self._state = state

    def judge(self, mark: EquityMarked) -> list[Event]:
        """Give the breakers that trip now, and the halt that follows.

        One that has tripped trips again only after it was over: a drawdown with the resume, from
        where it counts anew, a volatility when it has calmed down.
        """
        tripped = list(self._tripped(mark))
        if not tripped:
            return []
        level, state = self._terms.level, self._state
        if state.halted and state.level >= level:
            return [*tripped]
        reason = "; ".join(event.reason for event in tripped)
        return [*tripped, TradingHalted(mark.ts, reason, level, BREAKER)]

    def _tripped(self, mark: EquityMarked) -> Iterator[BreakerTripped]:
        terms, turmoil = self._terms, self._state.turmoil
        judged = [
            (DRAWDOWN, BOOK, turmoil.drawdown, terms.drawdown),
            (VOLATILITY, BOOK, turmoil.ratio(BOOK), terms.book_volatility),
        ]
        judged += [
            (VOLATILITY, symbol, turmoil.ratio(symbol), terms.volatility)
            for symbol in sorted(turmoil.symbols)
        ]
        for cause, symbol, measured, limit in judged:
            if 0.0 < limit <= measured and (cause, symbol) not in turmoil.tripped:
                yield BreakerTripped(mark.ts, cause, symbol, measured, limit)
