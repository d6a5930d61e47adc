"""Orders and bookings of a caller: through the same door, into the same table."""

from __future__ import annotations

from trading_assets.domain.order import TrailBy
from trading_assets.engine.kernel import drain
from trading_assets.engine.orders import (
    cancel,
    place,
    price_of_ticks,
    reserve,
    set_limit,
    set_stop,
    sweep,
)
from trading_assets.engine.sharing import look_around, look_away
from trading_assets.engine.trailing import trailed_ticks
from trading_assets.portfolio.compiled import compiled, entry
from trading_assets.portfolio.financing import book_financing
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import (
    BY_EXTREME,
    DORMANT,
    ENTRY,
    NEVER,
    NO_PRICE,
    REDUCE_ONLY,
    TRAILING_STOP,
    Cause,
    Financing,
    Leg,
    Verdict,
)
from trading_assets.records.queues import Queues
from trading_assets.records.results import Logs
from trading_assets.risk.limits import ACCEPTED, refuse
from trading_assets.risk.pre_trade import admit_entry, admit_exit
from trading_assets.risk.sizing import entry_cost_units

ALONE, PAIR, BRACKET = range(3)
"""How requests belong together: not at all; one cancels the other; exits wait for the first."""

MANUAL = int(Leg.MANUAL)
EXTREME = int(TrailBy.EXTREME)
BY_CALLER = int(Cause.CALLER)
OF_CALLER = int(Financing.CALLER)
BAD_BRACKET = int(Verdict.BAD_BRACKET)


@entry
def submit_orders(accounts: Records, books: Records, b: int, requests: Records, link: int) -> int:
    """Take a caller's orders through the door, all or none; give the verdict."""
    account = accounts[0]
    book = books[b]
    look_around(account, books, book)
    verdict = ACCEPTED
    for i in range(len(requests)):
        if verdict == ACCEPTED:
            if link == BRACKET and i > 0:
                verdict = _judge_exit(account, book, requests[0], requests[i])
            else:
                verdict = _judge(account, book, requests[i])
    if verdict == ACCEPTED:
        if book.position == 0 and book.n_orders == 0:
            book.valid_to = NEVER  # that of an earlier bracket is none of a caller's position
        first = account.next_order_id
        for i in range(len(requests)):
            asleep = link == BRACKET and i > 0
            k = _place(account, book, requests[i], DORMANT if asleep else 0)
            order = book.orders[k]
            if asleep:
                order.parent = first
            if asleep or link == PAIR:
                order.oco = first
    look_away(account)
    book.verdicts[verdict] += 1
    return int(verdict)


@compiled
def _judge(account: Record, book: Record, request: Record) -> int:
    price = _expected_price(book, request)
    if request.reduce_only != 0:
        return admit_exit(account, book, request.lots, price)
    return admit_entry(account, book, request.side, request.lots, price)


@compiled
def _judge_exit(account: Record, book: Record, parent: Record, request: Record) -> int:
    """An exit has to be on its side of the entry: stops where it loses, targets where it wins."""
    entry_price = _expected_price(book, parent)
    price = _expected_price(book, request)
    is_stop = request.limit_ticks == NO_PRICE or request.stop_ticks != NO_PRICE
    gains = parent.side * (price - entry_price)
    if request.type != TRAILING_STOP and (gains >= 0.0 if is_stop else gains <= 0.0):
        return refuse(account, BAD_BRACKET, entry_price, price)
    return admit_exit(account, book, request.lots, price)


@compiled
def _expected_price(book: Record, request: Record) -> float:
    if request.stop_ticks != NO_PRICE:
        return price_of_ticks(book.grid, request.stop_ticks)
    if request.limit_ticks != NO_PRICE:
        return price_of_ticks(book.grid, request.limit_ticks)
    return float(book.price)


@compiled
def _place(account: Record, book: Record, request: Record, asleep: int) -> int:
    flags = asleep | (REDUCE_ONLY if request.reduce_only != 0 else ENTRY)
    side, lots = request.side, request.lots
    k = place(account, book, account.ts, side, request.type, request.tif, MANUAL, lots, flags)
    order = book.orders[k]
    order.valid_to = request.valid_to
    if request.limit_ticks != NO_PRICE:
        set_limit(order, book.grid, request.limit_ticks)
    if request.stop_ticks != NO_PRICE:
        set_stop(order, book.grid, request.stop_ticks)
    if request.type == TRAILING_STOP:
        if request.trail_by == EXTREME:
            order.flags |= BY_EXTREME
        order.trail_ticks = request.trail_ticks
        order.trail_fraction = request.trail_fraction
        if request.stop_ticks == NO_PRICE:
            trail_ticks, fraction = order.trail_ticks, order.trail_fraction
            first = trailed_ticks(book.grid, side, trail_ticks, fraction, book.price)
            set_stop(order, book.grid, first)
    if request.reduce_only == 0 and side > 0:
        price = _expected_price(book, request)
        reserve(account, order, entry_cost_units(account.terms, book.grid, lots, price))
    return k


@entry
def cancel_order(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int, k: int,
) -> None:  # fmt: skip
    """Withdraw the order in row `k` of a book, with all that waits for it."""
    event = events[0]
    book = books[b]
    cancel(accounts[0], book, event, k, BY_CALLER, accounts[0].ts)
    sweep(book)
    drain(accounts[0], book, queues, b, event, logs)


@entry
def charge(accounts: Records, books: Records, logs: Logs, b: int, amount: int, ts: int) -> None:
    """Book an amount of financing that a caller has computed; the next mark shows it."""
    book_financing(accounts[0], books[b], logs, OF_CALLER, amount, 0, ts)
