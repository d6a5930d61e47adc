"""The venue's trading rules, looked at hourly, after a refusal and while a symbol is halted."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from trading_assets.domain.errors import UnknownSymbol, VenueError
from trading_assets.domain.events import Event
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.policy_events import TradingRulesSeen
from trading_assets.domain.trading_rules import TradingRules
from trading_assets.live.book_state import BookState

ReadRules = Callable[[Symbol], TradingRules]
"""Asks the venue; may raise UnknownSymbol, VenueUnavailable, RateLimited or VenueError."""

_EVERY_S = 3600.0
_AGAIN_S = 60.0
_LOG = logging.getLogger(__name__)


class RulesWatch:
    """Knows when to ask, and what is new in the answer."""

    def __init__(
        self,
        read: ReadRules | None,
        symbols: Sequence[Symbol],
        state: BookState,
        monotonic: Callable[[], float],
    ) -> None:
        """Begin with a look.

        Args:
            read: None where no venue can be asked; there is nothing to see then.
            symbols: of the book.
            state: knows the rules that were seen last.
            monotonic: local seconds.
        """
        self._read = read
        self._symbols = symbols
        self._state = state
        self._monotonic = monotonic
        self._due_s = 0.0

    def look_soon(self) -> None:
        """Ask at the next step."""
        self._due_s = 0.0

    def step(self, now: Micros) -> list[Event]:
        """Give the rules that are not as they were seen last, for all symbols when it is time.

        A venue that does not answer is asked again a minute later; the last rules hold until then.
        So is one that takes no orders of a symbol: entries go on soon after it does again.
        """
        if self._read is None or self._monotonic() < self._due_s:
            return []
        self._due_s = self._monotonic() + _EVERY_S
        events: list[Event] = []
        for symbol in self._symbols:
            try:
                rules = self._read(symbol)
            except UnknownSymbol:
                rules = TradingRules(symbol, status="NOT_LISTED")
            except VenueError as error:
                _LOG.warning("The venue's rules of %s are not known: %s", symbol, error.what)
                self._due_s = self._monotonic() + _AGAIN_S
                continue
            if not rules.is_trading:
                self._due_s = self._monotonic() + _AGAIN_S
            if rules != self._state.rules.get(symbol):
                events.append(TradingRulesSeen(now, rules))
        return events
