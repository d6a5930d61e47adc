"""The compiled step and its entries: the only code with trading semantics, for every mode.

`advance` is the loop of a backtest and, over one bar with `live`, the close of a live bar. The
other entries bring in what happens outside a bar: a venue's fill or final word, an order of a
caller, the end of the data.

Nothing is allocated inside. Before a bar the loop asks whether the queues of lots and the logs can
take the most that one bar can cause; if not it returns early, the caller makes room and resumes. So
a step is never left half done.
"""

from __future__ import annotations

import numpy as np

from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.bracket import decide_bracket
from trading_assets.engine.coasting import coast, only_signals_matter
from trading_assets.engine.costs import note_bar
from trading_assets.engine.liquidation import is_called, liquidate, refuse_called
from trading_assets.engine.matching import execute, fill_simulated, match_symbol
from trading_assets.engine.orders import (
    cancel_all,
    leave,
    place,
    settle_children,
    sweep,
)
from trading_assets.engine.sharing import end_turns, look_in_turn, note_taken
from trading_assets.engine.signals import Bars
from trading_assets.engine.target import decide_target
from trading_assets.portfolio.compiled import compiled, entry, inlined, spliced
from trading_assets.portfolio.financing import finance_nights
from trading_assets.portfolio.lots import settle_fills
from trading_assets.portfolio.valuation import begin_day, mark
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import (
    DEAD,
    GTC,
    MARKET,
    MOST_WISHES,
    REDUCE_ONLY,
    Cause,
    Leg,
    Verdict,
)
from trading_assets.records.queues import Queues
from trading_assets.records.results import (
    N_EQUITY,
    N_FACTORS,
    N_FILLS,
    N_FINANCING,
    N_ORDERS,
    N_REFUSED,
    N_TRIPS,
    Logs,
)
from trading_assets.records.terms import LOOK_MARGIN, LOOK_VAR
from trading_assets.risk.exposure import note_held
from trading_assets.risk.factor import note_factor
from trading_assets.risk.measures import forget, measure

TARGET = int(SignalFamily.TARGET)
ON_BAR = int(SignalFamily.ON_BAR)
NO_SIGNAL = int(Verdict.NO_SIGNAL)
ORDER_WORKING = int(Verdict.ORDER_WORKING)
SEGMENT_END = int(Leg.SEGMENT_END)
CAUSE_SEGMENT_END = int(Cause.SEGMENT_END)
CAUSE_VENUE = int(Cause.VENUE)


@entry
def advance(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, bars: Bars,
    signals: np.ndarray, start: int, stop: int, live: int,
) -> int:  # fmt: skip
    """Step through bars `start` to `stop`; give the bar that could not be begun, else `stop`.

    `signals` is float64 (F, B, T), a row per book with the columns of its family (of targets, at
    least the first); `live` is 1 when a venue does the matching.
    """
    account = accounts[0]
    event = events[0]
    first = logs.used[N_EQUITY] - start
    reached = min(stop, len(logs.equity) - first)
    room = False
    t = start
    while t < reached:
        if only_signals_matter(account, books):
            t = coast(account, books, bars, signals, logs.equity, first, t, reached)
            if t == reached:
                break
        if not room:
            room = lots_have_room(books, queues) and logs_have_room(books, event, logs)
            if not room:
                break
        room = not pass_bar(account, books, queues, event, logs, bars, signals, t, t, live)
        logs.equity[first + t] = account.equity
        t += 1
    logs.used[N_EQUITY] += t - start
    account.bar += t - start
    return int(t)


@spliced
def pass_bar(
    account: Record, books: Records, queues: Queues, event: Record, logs: Logs, bars: Bars,
    signals: np.ndarray, t: int, row: int, live: int,
) -> bool:  # fmt: skip
    """Do bar `t`, whose signals stand in place `row`; tell whether anything was logged."""
    ts = bars.ts[t]
    wrote = False
    if ts >= account.day_end:
        if account.terms.financing != 0:
            wrote = finance_nights(account, books, logs, ts)
        begin_day(account, books, ts)
    account.ts = ts
    wrote |= _match_all(account, books, queues, event, logs, bars, t, live)
    mark(account, books)
    wrote |= _decide_all(account, books, queues, event, logs, bars, signals, t, row, live)
    return wrote


@spliced
def _match_all(
    account: Record,
    books: Records,
    queues: Queues,
    event: Record,
    logs: Logs,
    bars: Bars,
    t: int,
    live: int,
) -> bool:
    """Run every book's orders through its bar, unless a venue does; tell whether it logged."""
    logged = False
    for b in range(len(books)):
        book = books[b]
        symbol = np.uint64(book.symbol)  # no index counts from the end
        close = bars.close[symbol, t]
        if np.isnan(close):
            continue  # no bar
        if book.n_orders > 0 and live == 0:
            match_symbol(
                account, books, book, event, bars.ts[t], bars.open[symbol, t],
                bars.high[symbol, t], bars.low[symbol, t], close, bars.volume[symbol, t],
            )  # fmt: skip
            if event.n_orders + event.n_fills > 0:
                if account.terms.shared != 0 and account.terms.participation > 0.0:
                    note_taken(books, book, event)
                drain(account, book, queues, b, event, logs)
                logged = True
        if account.terms.shared != 0:
            book.taken = 0
        if account.terms.restless != 0:
            if account.terms.sqrt_impact > 0.0:
                note_bar(book, close, bars.volume[symbol, t])
            if book.strategy.measures != 0:
                measure(book, bars.high[symbol, t], bars.low[symbol, t], close)
        book.price = close
    return logged


@spliced
def _decide_all(
    account: Record, books: Records, queues: Queues, event: Record, logs: Logs, bars: Bars,
    signals: np.ndarray, t: int, row: int, live: int,
) -> bool:  # fmt: skip
    """Decide every book that has a bar; tell whether anything was logged."""
    logged = False
    called = False
    looks = account.terms.looks
    if looks & LOOK_VAR:
        note_held(account, books)
    if looks & LOOK_MARGIN and is_called(account, books):
        _liquidate_all(account, books, queues, event, logs, bars.ts[t], live)
        called = logged = True
    last = -1
    for b in range(len(books)):
        book = books[b]
        if np.isnan(bars.close[np.uint64(book.symbol), t]):
            continue
        if looks != 0:
            last = look_in_turn(account, books, last, b)
            logged |= _judge_factor(account, book, logs, signals[:, b, row])
        if called and book.strategy.family != ON_BAR:
            verdict = refuse_called(account, book)
        else:
            verdict = decide(account, books, book, event, bars.ts[t], signals[:, b, row], live)
        if verdict >= ORDER_WORKING:
            log_refusal(account, book, verdict, logs)
            logged = True
        if event.n_orders + event.n_fills > 0:
            drain(account, book, queues, b, event, logs)
            logged = True
    if looks != 0:
        end_turns(account, books)
    return logged


@compiled
def _judge_factor(account: Record, book: Record, logs: Logs, row: np.ndarray) -> bool:
    """Bring the risk factor up to date where a signal may open something; tell of a change."""
    family = book.strategy.family
    if book.strategy.has_factor == 0 or family == ON_BAR:
        return False
    if np.isnan(row[0]) and (family == TARGET or np.isnan(row[1])):
        return False
    return note_factor(account, book, logs, _stated(row, 2) if family == TARGET else np.nan)


@inlined
def _stated(row: np.ndarray, column: int) -> float:
    """Give a value of a row whose last columns may be left out."""
    return float(row[column]) if column < len(row) else np.nan


@compiled
def _liquidate_all(
    account: Record, books: Records, queues: Queues, event: Record, logs: Logs, ts: int, live: int
) -> None:
    """Send every position to market; where orders fill at a close, they fill at this one."""
    for b in range(len(books)):
        liquidate(account, books[b], event, ts, live)
        if account.terms.fill_at_close != 0 and live == 0:
            fill_at_close(account, books, books[b], event, ts)
            sweep(books[b])
        drain(account, books[b], queues, b, event, logs)


@spliced
def decide(
    account: Record, books: Records, book: Record, event: Record, ts: int, row: np.ndarray,
    live: int,
) -> int:  # fmt: skip
    """Decide one book at its close, count the verdict and give it."""
    if book.strategy.family == TARGET:
        verdict = decide_target(account, book, event, ts, row[0], _stated(row, 1), live)
    elif book.strategy.family == ON_BAR:
        verdict = NO_SIGNAL  # until the strategy has been asked, which is not done in here
    else:
        verdict = decide_bracket(account, book, event, ts, row, live)
    book.verdicts[verdict] += 1
    if account.terms.fill_at_close != 0 and live == 0:
        fill_at_close(account, books, book, event, ts)
    if book.n_dead > 0:
        sweep(book)
    return verdict


@compiled
def fill_at_close(account: Record, books: Records, book: Record, event: Record, ts: int) -> None:
    """Fill market orders where they were decided, as some other engines do."""
    for k in range(book.n_orders):
        if book.orders[k].type == MARKET and book.orders[k].flags & DEAD == 0:
            fill_simulated(account, books, book, event, k, book.price, ts)
    mark(account, books)


@compiled
def lots_have_room(books: Records, queues: Queues) -> bool:
    """Tell whether the queues can take one more bar: every order may open a lot."""
    for b in range(len(books)):
        if books[b].n_lots + len(books[b].orders) > queues.lots.shape[1]:
            return False
    return True


@compiled
def logs_have_room(books: Records, event: Record, logs: Logs) -> bool:
    """Tell whether the logs can take what every book can cause at most, twice."""
    used = logs.used
    symbols = len(books)
    lots = 0
    for b in range(symbols):
        lots += books[b].n_lots
    return bool(
        used[N_FILLS] + 2 * symbols * len(event.fills) <= len(logs.fills)
        and used[N_TRIPS] + 4 * symbols * len(event.fills) + lots <= len(logs.round_trips)
        and used[N_ORDERS] + 2 * symbols * len(event.orders) <= len(logs.orders)
        and used[N_REFUSED] + MOST_WISHES * symbols <= len(logs.refused)
        and used[N_FINANCING] + 2 * symbols <= len(logs.financing)
        and used[N_FACTORS] + MOST_WISHES * symbols <= len(logs.factors)
    )


@compiled
def drain(account: Record, book: Record, queues: Queues, b: int, event: Record, logs: Logs) -> None:
    """Move what book `b` caused into the logs, with the round trips that follow from its fills."""
    used = logs.used
    if event.n_fills > 0:
        used[N_TRIPS] = settle_fills(
            account, book, queues, b, event, logs.round_trips, used[N_TRIPS]
        )
        for k in range(event.n_fills):
            logs.fills[used[N_FILLS] + k] = event.fills[k]
        used[N_FILLS] += event.n_fills
        event.n_fills = 0
    for k in range(event.n_orders):
        logs.orders[used[N_ORDERS] + k] = event.orders[k]
    used[N_ORDERS] += event.n_orders
    event.n_orders = 0


@compiled
def log_refusal(account: Record, book: Record, verdict: int, logs: Logs) -> None:
    """Note the first rule that said no to an opportunity."""
    refused = logs.refused[logs.used[N_REFUSED]]
    logs.used[N_REFUSED] += 1
    refused.ts = account.ts
    refused.owner = book.owner
    refused.verdict = verdict
    refused.limit = account.limit
    refused.was = account.was


@entry
def end_segment(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int
) -> None:
    """End the data of a book: cancel its orders, close its position at its last close.

    The equity of the last bar is marked again, since the closing costs belong to it.
    """
    account = accounts[0]
    event = events[0]
    book = books[b]
    ts = account.ts
    cancel_all(account, book, event, CAUSE_SEGMENT_END, ts)
    sweep(book)
    if book.position != 0:
        side = -1 if book.position > 0 else 1
        lots = abs(book.position)
        k = place(account, book, ts, side, MARKET, GTC, SEGMENT_END, lots, REDUCE_ONLY)
        book.left = lots  # whatever the volume: after this bar there is none
        fill_simulated(account, books, book, event, k, book.price, ts)
        book.left = 0
        sweep(book)
    forget(book)
    drain(account, book, queues, b, event, logs)
    mark(account, books)
    if logs.used[N_EQUITY] > 0:
        logs.equity[logs.used[N_EQUITY] - 1] = account.equity


@entry
def book_fill(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int, k: int,
    lots: int, price: float, fee: int, fee_in_base: int, ts: int,
) -> bool:  # fmt: skip
    """Book a venue's execution of the order in row `k`; False, and nothing, for no room."""
    event = events[0]
    if not (lots_have_room(books, queues) and logs_have_room(books, event, logs)):
        return False
    book = books[b]
    execute(accounts[0], book, event, k, lots, price, np.nan, fee, fee_in_base, 0, ts)
    sweep(book)
    drain(accounts[0], book, queues, b, event, logs)
    return True


@entry
def close_order(
    accounts: Records, books: Records, queues: Queues, events: Records, logs: Logs, b: int, k: int,
    final: int, ts: int,
) -> bool:  # fmt: skip
    """Book a venue's final word on the order in row `k`; False, and nothing, for no room."""
    event = events[0]
    if not (lots_have_room(books, queues) and logs_have_room(books, event, logs)):
        return False
    book = books[b]
    order = book.orders[k]
    leave(accounts[0], book, event, k, final, CAUSE_VENUE, ts)
    settle_children(accounts[0], book, event, order, ts)
    sweep(book)
    drain(accounts[0], book, queues, b, event, logs)
    return True
