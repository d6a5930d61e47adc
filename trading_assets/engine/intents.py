"""Intents of a strategy that was asked: through the risk door, into the order table.

An intent is sized, rounded and judged by the same functions as the decisions of signal columns. One
symbol has at most one order per leg and bar, so an order has one client order id for ever.
"""

from __future__ import annotations

import numpy as np

from trading_assets.engine.kernel import drain, fill_at_close, log_refusal
from trading_assets.engine.orders import (
    cancel,
    cancel_all,
    place,
    price_of_ticks,
    reserve,
    set_limit,
    set_stop,
    sweep,
    ticks_of_price,
)
from trading_assets.engine.sharing import look_around, look_away
from trading_assets.engine.target import decide_target
from trading_assets.engine.trailing import set_trail, trail_of, trailed_ticks
from trading_assets.portfolio.compiled import compiled, entry
from trading_assets.portfolio.valuation import mark
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import (
    AT_VENUE,
    DEAD,
    DORMANT,
    ENTRY,
    GTC,
    LIMIT,
    MARKET,
    NEVER,
    NO_PRICE,
    REDUCE_ONLY,
    SIZE_AT_FILL,
    STOP,
    STOP_LIMIT,
    TRAILING_STOP,
    Cause,
    Leg,
    Verdict,
)
from trading_assets.records.queues import Queues
from trading_assets.records.results import N_EQUITY, Logs
from trading_assets.records.strategy_terms import SIZING_FIXED
from trading_assets.risk.factor import note_factor
from trading_assets.risk.limits import ACCEPTED, guard_close, refuse
from trading_assets.risk.measured_sizing import first_unknown, wanted_lots
from trading_assets.risk.pre_trade import admit_entry, admit_exit, payable_lots
from trading_assets.risk.sizing import entry_cost_units, whole_lots

NO_SIGNAL = int(Verdict.NO_SIGNAL)
ORDER_WORKING = int(Verdict.ORDER_WORKING)
BAD_BRACKET = int(Verdict.BAD_BRACKET)
CALLER = int(Cause.CALLER)
EXIT_SENT = int(Cause.EXIT_SENT)
ENTRY_LONG = int(Leg.ENTRY_LONG)
ENTRY_SHORT = int(Leg.ENTRY_SHORT)
REDUCE = int(Leg.REDUCE)
CLOSE = int(Leg.CLOSE)
_ROWS_OF_AN_ENTRY = 3


@entry
def take_target(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int,
    weight: float, stop_distance: float, live: int,
) -> int:  # fmt: skip
    """Bring a symbol towards its target; give the verdict."""
    account = accounts[0]
    book = books[b]
    look_around(account, books, book)
    if _is_taken(book, account.ts, CLOSE) or _is_taken(book, account.ts, REDUCE):
        verdict = refuse(account, ORDER_WORKING, 0.0, 1.0)
    else:
        if book.strategy.has_factor != 0:
            note_factor(account, book, logs, np.nan)
        verdict = decide_target(account, book, events[0], account.ts, weight, stop_distance, live)
    look_away(account)
    if verdict >= ORDER_WORKING:
        log_refusal(account, book, verdict, logs)
    drain(accounts[0], book, queues, b, events[0], logs)
    return int(verdict)


@entry
def take_order(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int,
    side: int, tif: int, valid_to: int, reduce_only: int, weight: float, quantity: float,
    limit: float, stop: float, stop_loss: float, take_profit: float, stop_distance: float,
    trail: float, trail_ratio: float, trail_by: int, most_working: int, live: int,
) -> int:  # fmt: skip
    """Place an order of a symbol, or refuse it; give the verdict. NaN is "none"."""
    account = accounts[0]
    event = events[0]
    book = books[b]
    look_around(account, books, book)
    grid = book.grid
    limit_ticks = NO_PRICE if np.isnan(limit) else ticks_of_price(grid, limit)
    stop_ticks = NO_PRICE if np.isnan(stop) else ticks_of_price(grid, stop)
    kind = _type_of(limit_ticks, stop_ticks)
    trail_ticks, fraction = trail_of(grid, trail, trail_ratio)
    if trail_ticks > 0 or fraction > 0.0:
        kind = TRAILING_STOP
        if stop_ticks == NO_PRICE:
            stop_ticks = trailed_ticks(grid, side, trail_ticks, fraction, book.price)
    if reduce_only != 0:
        verdict = _take_exit(
            account, book, event, side, kind, tif, quantity, limit_ticks, stop_ticks, most_working,
            live,
        )  # fmt: skip
    else:
        if book.strategy.has_factor != 0:
            note_factor(account, book, logs, np.nan)
        stop_loss_ticks = NO_PRICE if np.isnan(stop_loss) else ticks_of_price(grid, stop_loss)
        profit_ticks = NO_PRICE if np.isnan(take_profit) else ticks_of_price(grid, take_profit)
        verdict = _take_entry(
            account, book, side, kind, tif, valid_to, weight, quantity, limit_ticks, stop_ticks,
            stop_loss_ticks, profit_ticks, stop_distance, most_working, live,
        )  # fmt: skip
    if verdict == ACCEPTED and kind == TRAILING_STOP:
        _let_trail(book, trail_ticks, fraction, trail_by)
    if verdict == ACCEPTED and valid_to != NEVER:
        _end_at(book, account.ts, tif, valid_to)
    look_away(account)
    if verdict >= ORDER_WORKING:
        log_refusal(account, book, verdict, logs)
    drain(account, book, queues, b, event, logs)
    return int(verdict)


@entry
def take_cancel(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int,
    order_id: int,
) -> int:  # fmt: skip
    """Withdraw a working order of a symbol; give 0 when there is no such order."""
    book = books[b]
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.id == order_id and order.flags & (DEAD | DORMANT) == 0:
            cancel(accounts[0], book, events[0], k, CALLER, accounts[0].ts)
            drain(accounts[0], book, queues, b, events[0], logs)
            return 1
    return 0


@entry
def end_decision(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int,
    verdict: int, live: int,
) -> None:  # fmt: skip
    """Count what became of a symbol's opportunity, once all its intents were taken.

    The step itself has counted it as NO_SIGNAL, since it does not know who will be asked.
    """
    account = accounts[0]
    event = events[0]
    book = books[b]
    book.verdicts[NO_SIGNAL] -= 1
    book.verdicts[verdict] += 1
    if account.terms.fill_at_close != 0 and live == 0:
        fill_at_close(account, books, book, event, account.ts)
        mark(account, books)
        logs.equity[logs.used[N_EQUITY] - 1] = account.equity
    if book.n_dead > 0:
        sweep(book)
    drain(account, book, queues, b, event, logs)


@compiled
def _take_exit(
    account: Record, book: Record, event: Record, side: int, kind: int, tif: int, quantity: float,
    limit_ticks: int, stop_ticks: int, most_working: int, live: int,
) -> int:  # fmt: skip
    """Place an order that only makes the position smaller."""
    held = -side * book.position
    lots = held if np.isnan(quantity) else min(whole_lots(quantity, book.grid.lot), held)
    everything = kind == MARKET and np.isnan(quantity)
    leg = CLOSE if everything else REDUCE
    if _is_taken(book, account.ts, leg) or not (everything or _has_room(book, most_working)):
        return refuse(account, ORDER_WORKING, float(most_working), most_working + 1.0)
    verdict = admit_exit(account, book, lots, _price_of(book, limit_ticks, stop_ticks))
    if verdict == ACCEPTED:
        if everything:
            cancel_all(account, book, event, EXIT_SENT, account.ts)
        flags = REDUCE_ONLY | (AT_VENUE if live else 0)
        k = place(account, book, account.ts, side, kind, tif, leg, lots, flags)
        _set_prices(book, k, limit_ticks, stop_ticks)
    return verdict


@compiled
def _take_entry(
    account: Record, book: Record, side: int, kind: int, tif: int, valid_to: int, weight: float,
    quantity: float, limit_ticks: int, stop_ticks: int, loss_ticks: int, profit_ticks: int,
    stop_distance: float, most_working: int, live: int,
) -> int:  # fmt: skip
    """Place an order that opens or enlarges a position, and the exits that wait for it."""
    terms = account.terms
    leg = ENTRY_LONG if side > 0 else ENTRY_SHORT
    if _is_taken(book, account.ts, leg) or not _has_room(book, most_working):
        return refuse(account, ORDER_WORKING, float(most_working), most_working + 1.0)
    price = _price_of(book, limit_ticks, stop_ticks)
    verdict = _judge_exits(account, book, side, price, loss_ticks, profit_ticks)
    if verdict == ACCEPTED:
        verdict = guard_close(account, account.ts, valid_to)
    if verdict != ACCEPTED:
        return verdict
    distance = stop_distance
    if loss_ticks != NO_PRICE:
        distance = side * (price - price_of_ticks(book.grid, loss_ticks))
    by_weight = np.isnan(quantity)
    if by_weight:
        verdict = first_unknown(account, book, distance)
        if verdict != ACCEPTED:
            return verdict
        lots = _lots_of_weight(account, book, side, weight, price, distance)
    else:
        lots = whole_lots(quantity, book.grid.lot)
    verdict = admit_entry(account, book, side, lots, price)
    if verdict != ACCEPTED:
        return verdict
    flags = ENTRY | (AT_VENUE if live else 0)
    k = place(account, book, account.ts, side, kind, tif, leg, lots, flags)
    _set_prices(book, k, limit_ticks, stop_ticks)
    order = book.orders[k]
    if side > 0:
        reserve(account, order, entry_cost_units(terms, book.grid, lots, price))
    if by_weight and terms.size_at_fill != 0 and kind == MARKET:
        order.flags |= SIZE_AT_FILL
        order.weight = weight
        order.stop_distance = distance
    _place_exits(account, book, k, price, loss_ticks, profit_ticks, live)
    return verdict


@compiled
def _end_at(book: Record, ts: int, tif: int, valid_to: int) -> None:
    """Give the order that was just placed its end; the exits that wait for it have none."""
    for k in range(book.n_orders):
        order = book.orders[k]
        if order.bar_ts == ts and order.tif == tif and order.valid_to == NEVER:
            order.valid_to = valid_to


@compiled
def _let_trail(book: Record, trail_ticks: int, fraction: float, trail_by: int) -> None:
    """Give the trailing stop that was just placed its distance; all others have theirs."""
    for k in range(book.n_orders):
        order = book.orders[k]
        has_none = order.trail_ticks == 0 and order.trail_fraction == 0.0
        if order.type == TRAILING_STOP and has_none:
            set_trail(order, trail_ticks, fraction, trail_by)


@compiled
def _judge_exits(
    account: Record, book: Record, side: int, price: float, loss_ticks: int, profit_ticks: int
) -> int:
    """Refuse a stop that is not on the losing side, or a target that is not on the winning one."""
    for direction, ticks in ((-side, loss_ticks), (side, profit_ticks)):
        if ticks != NO_PRICE:
            exit_price = price_of_ticks(book.grid, ticks)
            if direction * (exit_price - price) <= 0.0:
                return refuse(account, BAD_BRACKET, price, exit_price)
    return ACCEPTED


@compiled
def _lots_of_weight(
    account: Record, book: Record, side: int, weight: float, price: float, distance: float
) -> int:
    """Size an entry as the spec says, and cut it to what a spot account can pay."""
    strategy = book.strategy
    lots = wanted_lots(account, book, weight * book.factor, price, distance)
    if strategy.sizing != SIZING_FIXED:
        lots = payable_lots(account, book, side, lots, price)
    return lots


@compiled
def _place_exits(
    account: Record, book: Record, k: int, price: float, loss_ticks: int, profit_ticks: int,
    live: int,
) -> None:  # fmt: skip
    """Place the OCO pair that sleeps until the entry in row `k` fills, expected near `price`."""
    entry_order = book.orders[k]
    flags = REDUCE_ONLY | DORMANT | (AT_VENUE if live else 0)
    side, lots, leg = -entry_order.side, entry_order.lots, entry_order.leg
    if loss_ticks != NO_PRICE:
        trails = book.strategy.trail_exits
        kind = STOP if trails == 0 else TRAILING_STOP
        row = place(account, book, account.ts, side, kind, GTC, leg + 1, lots, flags)
        set_stop(book.orders[row], book.grid, loss_ticks)
        if trails != 0:
            distance = max(abs(ticks_of_price(book.grid, price) - loss_ticks), 1)
            set_trail(book.orders[row], distance, 0.0, trails)
        book.orders[row].parent = entry_order.id
        book.orders[row].oco = entry_order.id
    if profit_ticks != NO_PRICE:
        row = place(account, book, account.ts, side, LIMIT, GTC, leg + 2, lots, flags)
        set_limit(book.orders[row], book.grid, profit_ticks)
        book.orders[row].parent = entry_order.id
        book.orders[row].oco = entry_order.id


@compiled
def _type_of(limit_ticks: int, stop_ticks: int) -> int:
    if stop_ticks == NO_PRICE:
        return MARKET if limit_ticks == NO_PRICE else LIMIT
    return STOP if limit_ticks == NO_PRICE else STOP_LIMIT


@compiled
def _price_of(book: Record, limit_ticks: int, stop_ticks: int) -> float:
    """Give the price near which an order is expected to fill."""
    if stop_ticks != NO_PRICE:
        return price_of_ticks(book.grid, stop_ticks)
    if limit_ticks != NO_PRICE:
        return price_of_ticks(book.grid, limit_ticks)
    return float(book.price)


@compiled
def _set_prices(book: Record, k: int, limit_ticks: int, stop_ticks: int) -> None:
    if limit_ticks != NO_PRICE:
        set_limit(book.orders[k], book.grid, limit_ticks)
    if stop_ticks != NO_PRICE:
        set_stop(book.orders[k], book.grid, stop_ticks)


@compiled
def _is_taken(book: Record, ts: int, leg: int) -> bool:
    """Tell whether this close has already given an order for a leg."""
    for k in range(book.n_orders):
        if book.orders[k].bar_ts == ts and book.orders[k].leg == leg:
            return True
    return False


@compiled
def _has_room(book: Record, most_working: int) -> bool:
    """Tell whether one more order may work, and fits the table with its exits."""
    working = 0
    for k in range(book.n_orders):
        if book.orders[k].flags & (DEAD | DORMANT) == 0:
            working += 1
    return working < most_working and book.n_orders + _ROWS_OF_AN_ENTRY <= len(book.orders) - 1
