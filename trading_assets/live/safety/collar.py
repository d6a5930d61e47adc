"""The last look at an order before it leaves: a sane price, a known market, not one too many.

What is asked here depends on the moment of sending, so it is no rule of the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderStatus, OrderTicket, OrderType
from trading_assets.domain.ports import Clock
from trading_assets.live.ports import LocalTime
from trading_assets.live.session import Session

_WIDER_FOR_EXITS = 3


@dataclass(frozen=True, slots=True)
class CollarTerms:
    """How far is too far; 0 is no limit.

    Attributes:
        price_pct: a limit or trigger price lies at most so many percent from the last close. For
            exits it is three times as many and on the losing side only: they must be able to leave
            a falling market, and a far target harms nobody.
        bar_size, late_bar: an entry at market leaves at most `late_bar` after the close of the
            latest bar, which is `bar_size` after its open.
        max_open_orders: of the book at the venue, before an entry.
    """

    price_pct: float
    bar_size: Micros
    late_bar: Micros
    max_open_orders: int


class Collar:
    """Judges orders at the moment of sending."""

    def __init__(
        self, session: Session, clock: Clock, local: LocalTime, terms: CollarTerms
    ) -> None:
        self._session = session
        self._clock = clock
        self._local = local
        self._terms = terms
        self._asked_s = local.monotonic()

    def note_time(self) -> None:
        """Remember that the venue has just told its time; from here on this machine counts."""
        self._asked_s = self._local.monotonic()

    def refusal(self, ticket: OrderTicket) -> str:
        """Give why an order must not leave now, "" when it may."""
        return self._price(ticket) or (
            "" if ticket.reduce_only else self._freshness(ticket) or self._number()
        )

    def _price(self, ticket: OrderTicket) -> str:
        price = ticket.limit_price or ticket.stop_price
        width = Decimal(repr(self._terms.price_pct))
        if price is None or not width:
            return ""
        close = Decimal(repr(float(self._close(ticket))))
        away = (price - close) / close * 100 if close > 0 else Decimal("Infinity")
        if ticket.reduce_only:
            width *= _WIDER_FOR_EXITS
            away = max(ticket.side * away, Decimal(0))  # a better price than the close may be any
        return "" if abs(away) <= width else f"price {price} is {away:.1f} % from the last close"

    def _freshness(self, ticket: OrderTicket) -> str:
        last = self._session.state.last_bar
        if ticket.type is not OrderType.MARKET or last is None:
            return ""
        passed = int((self._local.monotonic() - self._asked_s) * 1_000_000)
        age = self._clock.now() + passed - (last + self._terms.bar_size)
        return "" if age <= self._terms.late_bar else f"the last bar is {age / 1e6:.1f} s old"

    def _number(self) -> str:
        most = self._terms.max_open_orders
        open_now = sum(
            order.status is not OrderStatus.INTENT for order in self._session.state.orders.values()
        )
        return "" if not most or open_now < most else f"{open_now} orders are open already"

    def _close(self, ticket: OrderTicket) -> float:
        return next(
            (p.price for p in self._session.machine.positions() if p.symbol == ticket.symbol), 0.0
        )
