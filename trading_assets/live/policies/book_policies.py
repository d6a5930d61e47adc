"""What a book does by itself about what it did not cause: each answer is an event of its own.

The answers are decided here, outside of the session, and journalled: a replay reads them and does
not depend on the settings of the day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from trading_assets.domain.account import Fill
from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import (
    EquityMarked,
    Event,
    ForeignFillSeen,
    ForeignOrderSeen,
    OrderRefused,
    TradingHalted,
)
from trading_assets.domain.ids import CLIENT_ORDER_ID_PREFIX, Micros, Symbol
from trading_assets.domain.order import OrderTicket
from trading_assets.domain.policy_events import (
    EntriesAllowed,
    EntriesPaused,
    FoundUpstream,
    TradingRulesSeen,
    UpstreamStale,
)
from trading_assets.live.book_state import BookState, SessionSetup
from trading_assets.live.policies.breakers import Breakers, BreakerTerms
from trading_assets.live.policies.close_watch import CloseWatch, Hours
from trading_assets.live.policies.feed_watch import FeedWatch, NextOpen
from trading_assets.live.policies.pauses import (
    ALL,
    BALANCE,
    FILL,
    FOREIGN,
    STATUS,
    UPSTREAM,
    paused_by,
)
from trading_assets.live.policies.rules_watch import ReadRules, RulesWatch

_FILTER = -1013
_REJECTED = -2010
"""The venue's code for an order that the account cannot have: insufficient balance first of all."""

_CLOSED = "Market is closed"
"""The venue's words, under either code, for a symbol that it has halted."""


class OnForeign(Enum):
    """What follows when somebody else orders or trades in the account."""

    REPORT = "report"
    PAUSE_SYMBOL = "pause_symbol"
    HALT = "halt"


class OnUpstream(Enum):
    """What follows when the data behind the release are not what they were."""

    ALERT = "alert"
    REDUCE = "reduce"
    HOLD = "hold"


Upstream = Callable[[], FoundUpstream | None]
"""Gives what is wrong with the data behind the release, None between looks; returns at once."""


@dataclass(frozen=True, slots=True)
class PolicyTerms:
    """How a book answers.

    Attributes:
        foreign: to orders and executions that are not its own.
        cool_down: after the venue has rejected an order for want of balance, entries of its symbol
            rest so long, in market time.
        stale_bars: so many bars after the close of its latest one a symbol's feed is stale; 0 for
            never.
        upstream: to data behind the release that were restated, are stale, missing or damaged.
        read_rules: asks for the venue's trading rules; None where decisions need not fit into them.
        look_upstream: looks at the data behind the release.
        hours: of symbols whose markets close, see `close_watch`.
        close_guard: entries of these pause so long before a close, in market time; 0 for never.
        leave_at_close: what is held of them is sold then.
        breakers: what it halts itself for.
        next_open: of symbols that do not trade around the clock, see `feed_watch.NextOpen`.
    """

    foreign: OnForeign = OnForeign.REPORT
    cool_down: Micros = 0
    stale_bars: float = 0.0
    upstream: OnUpstream = OnUpstream.ALERT
    read_rules: ReadRules | None = None
    look_upstream: Upstream = lambda: None
    next_open: Mapping[Symbol, NextOpen] = field(default_factory=dict)
    hours: Mapping[Symbol, Hours] = field(default_factory=dict)
    close_guard: Micros = 0
    leave_at_close: bool = False
    breakers: BreakerTerms = field(default_factory=BreakerTerms)


class BookPolicies:
    """Answers to events of one book.

    Attributes:
        feed: whether its bars still come.
    """

    def __init__(
        self,
        terms: PolicyTerms,
        setup: SessionSetup,
        state: BookState,
        size: Micros,
        monotonic: Callable[[], float],
    ) -> None:
        """Join a book.

        Args:
            terms: how it answers.
            setup: of the book.
            state: of the book; only looked at.
            size: of a bar.
            monotonic: local seconds.
        """
        symbols = [instrument.symbol for instrument in setup.instruments]
        self._rules = RulesWatch(terms.read_rules, symbols, state, monotonic)
        self.feed = FeedWatch(
            state, symbols, size, stale_bars=terms.stale_bars, next_open=terms.next_open
        )
        self._close = CloseWatch(state, terms.hours, terms.close_guard, leaves=terms.leave_at_close)
        self._breakers = Breakers(terms.breakers, state)
        self._upstream = terms.look_upstream
        self._release_id = setup.release_id
        self._terms = terms
        self._state = state
        self._must_look = False
        self._answers: dict[type[Any], Callable[[Any], Sequence[Event]]] = {
            EquityMarked: self._breakers.judge,
            ForeignFillSeen: self._foreign_fill,
            ForeignOrderSeen: self._foreign_order,
            OrderRefused: self._refused,
            TradingRulesSeen: self._status,
            UpstreamStale: self._stale,
        }

    def following(self, event: Event) -> Sequence[Event]:
        """Give what an event causes, journalled beside it.

        Asked before the book handles it; about a mark, after the bar that it is of.
        """
        answer = self._answers.get(type(event))
        return () if answer is None else answer(event)

    def hold(self, ticket: OrderTicket) -> str:
        """Give why an entry must not leave now, "" when it may: asked right before it would."""
        cause = "" if ticket.reduce_only else paused_by(self._state, ticket.symbol)
        return f"entries are paused: {cause}" if cause else ""

    def due(self, now: Micros) -> list[Event]:
        """Give what the time brings: pauses that end by it, rules that the venue has changed."""
        over: list[Event] = [
            EntriesAllowed(now, symbol, cause, "its time is over")
            for (symbol, cause), (_, until) in sorted(self._state.pauses.items())
            if until and now >= until
        ]
        news = self._upstream_news(now)
        watched = self.feed.stalled(now) + self._close.due(now)
        return over + news + watched + self._rules.step(now)

    def wants_look(self) -> bool:
        """Tell, once, whether book and account are to be compared now."""
        wants, self._must_look = self._must_look, False
        return wants

    def _foreign_fill(self, event: ForeignFillSeen) -> Sequence[Event]:
        fill = event.fill
        if fill.client_order_id.startswith(CLIENT_ORDER_ID_PREFIX):
            return self._pause(event.ts, fill.symbol, FILL, _odd(fill))
        return self._foreign(event.ts, fill.symbol, f"trade {fill.trade_id} of somebody else")

    def _foreign_order(self, event: ForeignOrderSeen) -> Sequence[Event]:
        name = event.report.client_order_id
        return self._foreign(event.ts, event.report.symbol, f"order {name} of somebody else")

    def _foreign(self, ts: Micros, symbol: Symbol, what: str) -> Sequence[Event]:
        if self._terms.foreign is OnForeign.PAUSE_SYMBOL:
            return self._pause(ts, symbol, FOREIGN, what)
        if self._terms.foreign is OnForeign.HALT and not self._state.halted:
            return (TradingHalted(ts, f"{symbol}: {what}", HaltLevel.HALT, FOREIGN),)
        return ()

    def _refused(self, event: OrderRefused) -> Sequence[Event]:
        if event.code in (_FILTER, _REJECTED):
            self._rules.look_soon()
        if event.code != _REJECTED or _CLOSED in event.reason:
            return ()
        self._must_look = True
        order = self._state.orders.get(event.client_order_id)
        if order is None or not self._terms.cool_down:
            return ()
        symbol = order.ticket.symbol
        until = event.ts + self._terms.cool_down
        return self._pause(event.ts, symbol, BALANCE, event.reason, until)

    def _status(self, event: TradingRulesSeen) -> Sequence[Event]:
        symbol, status = event.rules.symbol, event.rules.status
        if not event.rules.is_trading:
            return self._pause(event.ts, symbol, STATUS, f"the venue says {status}")
        if (symbol, STATUS) in self._state.pauses:
            return (EntriesAllowed(event.ts, symbol, STATUS, f"the venue says {status}"),)
        return ()

    def _stale(self, event: UpstreamStale) -> Sequence[Event]:
        """Answer by policy; a finding that has gone ends the pause, a halt is for people to end."""
        if event.findings == self._state.upstream.findings:
            return ()  # only ages are others, and somebody may have acknowledged what stands
        if not event.findings:
            if (ALL, UPSTREAM) not in self._state.pauses:
                return ()
            return (EntriesAllowed(event.ts, ALL, UPSTREAM, "nothing is found any more"),)
        reason = f"{len(event.findings)} partitions behind the release: {event.findings[0]}"
        if self._terms.upstream is OnUpstream.REDUCE:
            return (EntriesPaused(event.ts, ALL, UPSTREAM, reason),)
        if self._terms.upstream is OnUpstream.HOLD and not self._state.halted:
            return (TradingHalted(event.ts, reason, HaltLevel.HALT, UPSTREAM),)
        return ()

    def _upstream_news(self, now: Micros) -> list[Event]:
        found = self._upstream()
        if found is None or found == self._state.upstream:
            return []
        return [UpstreamStale(now, self._release_id, found.findings, found.aged)]

    def _pause(
        self, ts: Micros, symbol: Symbol, cause: str, reason: str, until: Micros = 0
    ) -> Sequence[Event]:
        standing = self._state.pauses.get((symbol, cause))
        if standing is not None and not until:
            return ()
        return (EntriesPaused(ts, symbol, cause, reason, until),)


def _odd(fill: Fill) -> str:
    return f"trade {fill.trade_id} does not fit order {fill.client_order_id}: booked as external"
