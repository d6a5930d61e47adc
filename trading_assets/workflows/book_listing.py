"""Orders and fills of a live book for people, newest first, read from its journal."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from trading_assets.domain.events import (
    Event,
    OrderFilled,
    OrderIntentCreated,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.domain.ids import Symbol
from trading_assets.domain.instants import iso_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderTicket
from trading_assets.storage.journal_reader import JournalReader, JournalRow
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_tables import order_state
from trading_assets.workflows.paging import Page, cursor_text, number_before, page_of

_INTENT, _FILL = OrderIntentCreated.__name__, OrderFilled.__name__
_SESSIONS = (ReleaseSwitched.__name__, SessionOpened.__name__)
_LOOKED_AT = 2000
"""Orders that one page of open ones looks at: those still open are the newest, mostly."""


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """One order; amounts are exact, written as decimals.

    Attributes:
        ts: market time of the decision, ISO 8601 UTC.
        notional: in `quote`: of what was filled; of an order without a fill, at its limit or stop;
            None for a market order that has not filled.
        filled_qty, avg_price: of its executions so far; None without one.
        reduce_only: it can only make a position smaller.
        state: the latest that the journal knows, see `domain.order.OrderStatus`.
    """

    ts: str
    strategy: str
    symbol: str
    side: str
    type: str
    qty: str
    limit_price: str | None
    stop_price: str | None
    filled_qty: str | None
    avg_price: float | None
    notional: str | None
    quote: str
    reduce_only: bool
    client_order_id: str
    state: str


@dataclass(frozen=True, slots=True)
class ListedFill:
    """One execution; amounts are exact, written as decimals. `ts` is the venue's."""

    ts: str
    client_order_id: str
    trade_id: str
    strategy: str
    symbol: str
    side: str
    price: str
    qty: str
    notional: str
    quote: str
    fee: str
    fee_ccy: str
    is_maker: bool


def book_orders(
    desk: Desk,
    book: str,
    *,
    is_open: bool | None = None,
    symbol: str = "",
    limit: int,
    cursor: str | None = None,
) -> Page[dict[str, Any]]:
    """List the orders of a book, the newest decision first; fields of `ListedOrder`.

    Args:
        desk: holds the book.
        book: its name.
        is_open: only those to which something can still happen, or only the others; None for all.
            A page then may have fewer rows than `limit` and be followed by another all the same:
            each looks at so many orders at most.
        symbol: only of this one; "" for all.
        limit: rows at most.
        cursor: `next` of the page before.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
        DataError: if the cursor is none of this list.
    """
    place, before = live_book(desk.settings, book), number_before(cursor)
    count = limit + 1 if is_open is None else _LOOKED_AT + 1
    with place.journal() as journal:
        rows = journal.newest((_INTENT,), count=count, before=before, symbol=symbol)
        if is_open is None:
            page = page_of(_with_events(journal, rows), _key, limit)
        else:
            page = _filtered(journal, rows, limit, is_open=is_open)
        grids = instruments_of(desk, journal, {row.symbol for row, _ in page.items})
    return page.mapped(lambda found: asdict(listed_order(found[1], grids)))


def book_fills(
    desk: Desk, book: str, *, symbol: str = "", limit: int, cursor: str | None = None
) -> Page[dict[str, Any]]:
    """List the executions of a book as its journal took them in, the newest first.

    Fields are those of `ListedFill`; arguments and errors are as for `book_orders`.
    """
    place, before = live_book(desk.settings, book), number_before(cursor)
    with place.journal() as journal:
        rows = journal.newest((_FILL,), count=limit + 1, before=before, symbol=symbol)
        page = page_of(_with_events(journal, rows), _key, limit)
        grids = instruments_of(desk, journal, {row.symbol for row, _ in page.items})
    return page.mapped(lambda found: asdict(listed_fill(*found, grids)))


def open_orders(desk: Desk, book: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """Give orders by their client order ids, as of now; fields of `ListedOrder`.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
    """
    with live_book(desk.settings, book).journal() as journal:
        found = [events for name in names if (events := journal.of_order(name))]
        grids = instruments_of(desk, journal, {ticket_of(events).symbol for events in found})
        return [asdict(listed_order(events, grids)) for events in found]


def ticket_of(events: tuple[Event, ...]) -> OrderTicket:
    """Give the ticket of an order from its events, the first of which is its intent."""
    return next(event.ticket for event in events if isinstance(event, OrderIntentCreated))


_Found = tuple[JournalRow, tuple[Event, ...]]


def _with_events(journal: JournalReader, rows: Iterable[JournalRow]) -> Iterator[_Found]:
    return ((row, journal.of_order(row.client_order_id)) for row in rows)


def _key(found: _Found) -> tuple[int]:
    return (found[0].seq,)


def _filtered(
    journal: JournalReader, rows: Sequence[JournalRow], limit: int, *, is_open: bool
) -> Page[_Found]:
    """Look at so many orders at most, and say where to go on."""
    kept: list[_Found] = []
    last: JournalRow | None = None
    for row, events in _with_events(journal, rows[:_LOOKED_AT]):
        last = row
        if order_state(events).is_final is not is_open:
            kept.append((row, events))
        if len(kept) == limit:
            break
    goes_on = last is not None and last != rows[-1]
    return Page(tuple(kept), cursor_text((last.seq,)) if last is not None and goes_on else None)


def instruments_of(
    desk: Desk, journal: JournalReader, symbols: Collection[str]
) -> Mapping[Symbol, Instrument]:
    """Give the instruments as the release had them that traded the symbol last.

    Raises:
        MissingPartition: if the store lacks a release of the journal.
    """
    found: dict[Symbol, Instrument] = {}
    seen: set[str] = set()
    wanted = set(symbols)
    for row in (row for kind in _SESSIONS for row in journal.newest((kind,), count=_LOOKED_AT)):
        if wanted <= found.keys():
            break
        event = row.event
        if isinstance(event, SessionOpened | ReleaseSwitched) and event.release_id not in seen:
            seen.add(event.release_id)
            own = desk.releases.get(event.release_id).instruments
            found = {grid.symbol: grid for grid in own} | found
    return found


def listed_order(events: tuple[Event, ...], grids: Mapping[Symbol, Instrument]) -> ListedOrder:
    """Give an order from its events, the first of which is its intent."""
    intent = next(event for event in events if isinstance(event, OrderIntentCreated))
    ticket, grid = intent.ticket, grids[intent.ticket.symbol]
    fills = [event.fill for event in events if isinstance(event, OrderFilled)]
    filled = sum((fill.quantity for fill in fills), Decimal(0))
    paid = sum((fill.price * fill.quantity for fill in fills), Decimal(0))
    price = ticket.limit_price if ticket.limit_price is not None else ticket.stop_price
    worth = paid if fills else None if price is None else price * ticket.quantity
    return ListedOrder(
        ts=iso_text(intent.ts),
        strategy=ticket.tag,
        symbol=ticket.symbol,
        side=ticket.side.name,
        type=ticket.type.name,
        qty=_text(ticket.quantity),
        limit_price=None if ticket.limit_price is None else _text(ticket.limit_price),
        stop_price=None if ticket.stop_price is None else _text(ticket.stop_price),
        filled_qty=_text(filled) if fills else None,
        avg_price=float(paid / filled) if filled else None,
        notional=None if worth is None else _text(worth * grid.point_value),
        quote=grid.quote,
        reduce_only=ticket.reduce_only,
        client_order_id=ticket.client_order_id,
        state=order_state(events).value,
    )


def listed_fill(
    row: JournalRow, events: tuple[Event, ...], grids: Mapping[Symbol, Instrument]
) -> ListedFill:
    """Give an execution from its row and the events of its order."""
    fill = next(
        event.fill
        for event in events
        if isinstance(event, OrderFilled) and event.fill.trade_id == row.trade_id
    )
    grid = grids[fill.symbol]
    return ListedFill(
        ts=iso_text(fill.ts),
        client_order_id=fill.client_order_id,
        trade_id=fill.trade_id,
        strategy=ticket_of(events).tag,
        symbol=fill.symbol,
        side=fill.side.name,
        price=_text(fill.price),
        qty=_text(fill.quantity),
        notional=_text(fill.price * fill.quantity * grid.point_value),
        quote=grid.quote,
        fee=_text(fill.fee),
        fee_ccy=fill.fee_asset,
        is_maker=fill.is_maker,
    )


def _text(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
