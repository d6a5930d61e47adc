"""A day of a live book as tables, read from its journal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl

from trading_assets.domain.account import Fill
from trading_assets.domain.bar import DAY
from trading_assets.domain.events import (
    EquityMarked,
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
    SessionOpened,
)
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderStatus
from trading_assets.live.recovery import replay_until
from trading_assets.storage.journal_reader import JournalReader, JournalRow
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book
from trading_assets.workflows.release_parts import release_terms, terms_of

TS = pl.Datetime("us", "UTC")
AMOUNT = pl.Decimal(38, 12)
"""Prices and quantities, exact."""

ORDERS = pl.Schema(
    {
        "ts_utc": TS,
        "strategy": pl.String(),
        "symbol": pl.String(),
        "side": pl.String(),
        "type": pl.String(),
        "qty": AMOUNT,
        "limit_price": AMOUNT,
        "client_order_id": pl.String(),
        "state": pl.String(),
    }
)
"""Orders decided on the day; `state` is the latest that the journal knows."""

FILLS = pl.Schema(
    {
        "ts_utc": TS,
        "client_order_id": pl.String(),
        "symbol": pl.String(),
        "price": AMOUNT,
        "qty": AMOUNT,
        "fee": AMOUNT,
        "fee_ccy": pl.String(),
    }
)
"""Executions of the day, by the venue's time."""

POSITIONS = pl.Schema(
    {
        "ts_utc": TS,
        "symbol": pl.String(),
        "qty": AMOUNT,
        "avg_price": pl.Float64(),
        "unrealized_pnl": pl.Float64(),
        "strategy": pl.String(),
    }
)
"""What each strategy held after the day's last bar; `avg_price` is null when flat."""

EQUITY = pl.Schema({"ts_utc": TS, "equity": pl.Float64(), "drawdown": pl.Float64()})
"""Equity in quote at the close of every bar of the day; `ts_utc` is the bar's open time."""

_STATES = {
    OrderIntentCreated: OrderStatus.INTENT,
    OrderSubmitted: OrderStatus.SENT,
    OrderOutcomeUnknown: OrderStatus.UNKNOWN,
    OrderRefused: OrderStatus.REJECTED,
    OrderProvenAbsent: OrderStatus.ABSENT,
}


def live_tables(desk: Desk, book: str, day: date) -> Mapping[str, pl.DataFrame]:
    """Give `orders`, `fills`, `positions` and `equity` of one UTC day of market time.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
    """
    start = day_start(day)
    place = live_book(desk.settings, book)
    with place.journal() as journal:
        rows = list(journal.between(start, start + DAY))
        return {
            "orders": _orders(journal, rows),
            "fills": _fills(journal, start),
            "positions": _positions(desk, place, journal, start + DAY),
            "equity": _equity(rows),
        }


def live_days(desk: Desk, book: str) -> tuple[date, ...]:
    """List the UTC days of market time on which a book handled bars, ascending.

    Raises:
        RecoveryError: if the book has no journal, or it cannot be read.
    """
    with live_book(desk.settings, book).journal() as journal:
        days = {row.ts // DAY for row in journal.rows() if row.kind == EquityMarked.__name__}
    return tuple(datetime.fromtimestamp(d * DAY // 1_000_000, tz=UTC).date() for d in sorted(days))


def order_state(events: Iterable[Event]) -> OrderStatus:
    """Give the latest state that the journal knows of an order, from its events in order."""
    state = OrderStatus.INTENT
    for event in events:
        if isinstance(event, OrderReported):
            state = event.report.status
        else:
            state = _STATES.get(type(event), state)
    return state


def day_start(day: date) -> Micros:
    """Give the first instant of a UTC day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000


def _orders(journal: JournalReader, rows: Sequence[JournalRow]) -> pl.DataFrame:
    """List the orders that left on the day, and those that were held back on it."""
    moments: dict[str, Micros] = {}
    for row in rows:
        if row.kind in (OrderSubmitted.__name__, OrderProvenAbsent.__name__):
            moments.setdefault(row.client_order_id, row.ts)
    found = [_order_row(journal.of_order(name), ts) for name, ts in moments.items()]
    return pl.DataFrame([row for row in found if row], schema=ORDERS, orient="row")


def _order_row(events: Sequence[Event], ts: Micros) -> tuple[Any, ...] | None:
    intent = next(event for event in events if isinstance(event, OrderIntentCreated))
    sent = next((event.ts for event in events if isinstance(event, OrderSubmitted)), ts)
    if sent != ts:
        return None  # proven absent on a later day than it was sent
    ticket = intent.ticket
    return (
        ts,
        ticket.tag,
        ticket.symbol,
        ticket.side.name,
        ticket.type.name,
        ticket.quantity,
        ticket.limit_price,
        ticket.client_order_id,
        order_state(events).value,
    )


def _fills(journal: JournalReader, start: Micros) -> pl.DataFrame:
    """List the executions of the day; one may have been learned of some time later."""
    events = (row.event for row in journal.between(start, start + 2 * DAY))
    fills = [event.fill for event in events if isinstance(event, OrderFilled)]
    rows = [_fill_row(fill) for fill in fills if start <= fill.ts < start + DAY]
    return pl.DataFrame(rows, schema=FILLS, orient="row").sort("ts_utc", maintain_order=True)


def _fill_row(fill: Fill) -> tuple[Micros, str, str, Decimal, Decimal, Decimal, str]:
    return (
        fill.ts,
        fill.client_order_id,
        fill.symbol,
        fill.price,
        fill.quantity,
        fill.fee,
        fill.fee_asset,
    )


def _positions(desk: Desk, place: LiveBook, journal: JournalReader, end: Micros) -> pl.DataFrame:
    opened = journal.latest(SessionOpened.__name__)
    if not isinstance(opened, SessionOpened):
        return pl.DataFrame(schema=POSITIONS)
    release = desk.releases.get(opened.release_id)
    terms = release_terms(place, release)
    session = replay_until(journal, terms, end, terms_of(desk.releases, place))
    last = session.state.last_bar
    positions = session.machine.positions() if last is not None else ()
    rows = [
        (
            last,
            position.symbol,
            position.quantity + position.dust,
            None if math.isnan(position.average_price) else position.average_price,
            position.unrealised_pnl,
            session.setup.tags[position.tag],
        )
        for position in positions
    ]
    return pl.DataFrame(rows, schema=POSITIONS, orient="row")


def _equity(rows: Sequence[JournalRow]) -> pl.DataFrame:
    marks = [row.event for row in rows if row.kind == EquityMarked.__name__]
    values = [(m.ts, float(m.equity), m.drawdown) for m in marks if isinstance(m, EquityMarked)]
    return pl.DataFrame(values, schema=EQUITY, orient="row")
