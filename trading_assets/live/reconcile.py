"""The book against the venue's own record: orders, executions and balances, without tolerance."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import (
    Event,
    ForeignFillSeen,
    ForeignOrderSeen,
    OrderFilled,
    Reconciled,
)
from trading_assets.domain.ids import CLIENT_ORDER_ID_PREFIX, Micros
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderReport
from trading_assets.domain.ports import Broker, Clock
from trading_assets.live.book_state import BookState

LOOK_BACK: Micros = 3_600_000_000
"""History before the last comparison that is compared again: an hour of market time."""

SETTLING: Micros = 15_000_000
"""How long balances may run ahead of the venue's list of executions, which is kept elsewhere."""


_Differences = dict[str, tuple[Decimal, Decimal]]
_Gaps = dict[str, Decimal]


class Reconciler:
    """Compares one book with its account.

    The comparison starts an hour before the last one that the journal knows, so a journal that was
    restored from a copy sees everything that happened since the copy was made.
    """

    def __init__(
        self, book: str, instruments: tuple[Instrument, ...], broker: Broker, market: Clock
    ) -> None:
        self._book = book
        self._instruments = instruments
        self._broker = broker
        self._market = market
        self._doubt: tuple[_Gaps, Micros] | None = None
        self._ghosts: dict[str, Micros] = {}
        self._never_sent: frozenset[str] = frozenset()

    def expect_none_of(self, names: Iterable[str]) -> None:
        """Take it as a sign of a restored copy if the venue knows one of these orders.

        Args:
            names: client order ids that the journal says have never left.
        """
        self._never_sent = frozenset(names)

    def run(self, state: BookState, take: Callable[[Event], None]) -> bool:
        """Compare, and pass on what the book did not know; tell whether it agrees with the venue.

        Balances that differ say nothing at once: an execution shows in them before it is listed.
        They are compared again at the next call, and are wrong when the very same difference is
        still there `SETTLING` after its first time. So is an order that has ended in the book and
        works at the venue: a list of orders can be as old.

        Args:
            state: of the book; changed by `take`.
            take: journals an event and lets the book handle it.

        Raises:
            RecoveryError: for an order or execution that carries our mark and is not in the
                journal; for an order that works though it has ended in the journal, or a balance
                that nobody's executions explain, for long enough.
            VenueUnavailable, RateLimited: if the venue cannot be asked now.
        """
        began = self._market.now()
        since = max(state.opened_ts or 0, (state.reconciled_ts or 0) - LOOK_BACK)
        orders = self._orders(state, since, take)
        fills = self._fills(state, since, take)
        if state.in_doubt():
            return False  # an order that may be filling makes balances say nothing
        balances = self._broker.balances()
        fills += self._fills(state, since, take)
        wrong = self._differences(state, balances)
        if wrong:
            self._require_new(wrong, state)
            return False
        self._doubt = None
        if self._ghosts:
            return False
        touched = state.expected_balances(self._instruments)
        compared = tuple(balance for balance in balances if balance.asset in touched)
        take(Reconciled(began, orders, fills, compared))
        return True

    def _require_new(self, wrong: _Differences, state: BookState) -> None:
        """Let a difference pass that was not there before, or not for long.

        Two parts of one order can make the same difference, one after the other: while an order
        has executions that are not listed, nothing is believed.
        """
        now = self._market.now()
        gaps = {asset: found - expected for asset, (expected, found) in wrong.items()}
        if self._doubt is None or self._doubt[0] != gaps or self._awaits_fills(state):
            self._doubt = gaps, now
        elif now - self._doubt[1] > SETTLING:
            raise self._drift(wrong)

    def _awaits_fills(self, state: BookState) -> bool:
        """Tell whether the venue has filled more of an order than the book has heard of."""
        for order in tuple(state.orders.values()):
            report = self._broker.query(order.ticket.symbol, order.client_order_id)
            if report is None or report.executed != order.booked:
                return True
        return False

    def _orders(self, state: BookState, since: Micros, take: Callable[[Event], None]) -> int:
        count = 0
        ghosts: set[str] = set()
        for instrument in self._instruments:
            for report in self._broker.orders_since(instrument.symbol, since):
                count += 1
                self._order(state, report, take)
                if _is_ghost(state, report):
                    ghosts.add(report.client_order_id)
        self._require_new_ghosts(ghosts)
        return count

    def _require_new_ghosts(self, found: set[str]) -> None:
        """Let an order pass that has ended in the book and works at the venue, but not for long."""
        now = self._market.now()
        self._ghosts = {name: self._ghosts.get(name, now) for name in sorted(found)}
        for name, since in self._ghosts.items():
            if now - since > SETTLING:
                raise RecoveryError(
                    f"Book {self._book}: order {name} works at the venue and has ended in the "
                    "journal",
                    expected="the venue to have ended every order that the journal says has ended",
                    found="a journal that is older than the account (a restored copy)",
                    fix="Do not trade on this journal. Restore the newest copy; if there is none, "
                    "cancel the order at the venue by hand and start a new journal.",
                )

    def _order(self, state: BookState, report: OrderReport, take: Callable[[Event], None]) -> None:
        if report.client_order_id in self._never_sent:
            raise self._missing(f"a departure of order {report.client_order_id}")
        if report.client_order_id in state.known_orders:
            return
        if report.client_order_id.startswith(CLIENT_ORDER_ID_PREFIX):
            raise self._missing(f"an order {report.client_order_id} ({report.symbol})")
        if report.venue_order_id not in state.known_foreign_orders:
            take(ForeignOrderSeen(self._market.now(), report))

    def _fills(self, state: BookState, since: Micros, take: Callable[[Event], None]) -> int:
        news = 0
        for instrument in self._instruments:
            for fill in self._broker.fills_since(instrument.symbol, since):
                if (fill.symbol, fill.trade_id) not in state.known_fills:
                    news += 1
                    self._fill(state, fill, take)
        return news

    def _fill(self, state: BookState, fill: Fill, take: Callable[[Event], None]) -> None:
        now = self._market.now()
        if fill.client_order_id in state.orders:
            take(OrderFilled(now, fill))
        elif _is_missing(state, fill.client_order_id):
            raise self._missing(f"a trade {fill.trade_id} of order {fill.client_order_id}")
        else:
            take(ForeignFillSeen(now, fill))

    def _differences(self, state: BookState, balances: tuple[Balance, ...]) -> _Differences:
        """Give (expected, found) of the assets that differ."""
        totals = {balance.asset: balance.total for balance in balances}
        return {
            asset: (expected, found)
            for asset, expected in state.expected_balances(self._instruments).items()
            if (found := totals.get(asset, Decimal(0))) != expected
        }

    def _missing(self, what: str) -> RecoveryError:
        return RecoveryError(
            f"Book {self._book}: the venue has {what} that the journal lacks",
            expected="every order with our mark since the opening to stand in the journal",
            found="a journal that is older than the account (a restored copy, or another one)",
            fix="Do not trade on this journal. Restore the newest copy; if there is none, close "
            "the position at the venue by hand and start a new journal.",
        )

    def _drift(self, wrong: _Differences) -> RecoveryError:
        told = (
            f"{asset}: expected {expected:f}, found {found:f}, difference {found - expected:f}"
            for asset, (expected, found) in wrong.items()
        )
        return RecoveryError(
            f"Book {self._book}: balances differ from what its executions explain",
            expected="opening balances and all executions since, to the last unit",
            found="; ".join(told),
            fix="Look for deposits, withdrawals or conversions of this account. The book trades "
            "again in a new journal, which takes today's balances as its opening.",
        )


def _is_missing(state: BookState, name: str) -> bool:
    """Tell whether the venue has an order of ours that the book never sent, as it believes."""
    is_known = name in state.known_orders and name not in state.absent_orders
    return name.startswith(CLIENT_ORDER_ID_PREFIX) and not is_known


def _is_ghost(state: BookState, report: OrderReport) -> bool:
    """Tell whether the venue works an order of ours that has ended in the book."""
    name = report.client_order_id
    return name in state.known_orders and name not in state.orders and not report.status.is_final
