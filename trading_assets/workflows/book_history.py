"""What a live book has decided, everything it has noted, and how its equity went, for people."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.events import DecisionDropped, EquityMarked, Event, OrderIntentCreated
from trading_assets.domain.ids import Micros
from trading_assets.domain.instants import iso_text
from trading_assets.domain.order import OrderSide
from trading_assets.storage.alert_file import AlertFile, AlertLine
from trading_assets.storage.journal_reader import FILE, JournalReader, JournalRow
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.paging import Page, number_before, page_of

_DECISIONS = (OrderIntentCreated.__name__, DecisionDropped.__name__)
_MARKS = (EquityMarked.__name__,)


def has_journal(desk: Desk, book: str) -> bool:
    """Tell whether a book ever began.

    Raises:
        ConfigurationError: if settings have no such book.
    """
    return (live_book(desk.settings, book).folder / FILE).is_file()


def book_decisions(
    desk: Desk, book: str, *, symbol: str = "", limit: int, cursor: str | None = None
) -> Page[dict[str, Any]]:
    """List what was decided, newest first: orders, and what a rule stopped, with the reason.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
        DataError: if the cursor is none of this list.
    """
    before = number_before(cursor)
    with _journal(desk, book) as journal:
        rows = journal.newest(_DECISIONS, count=limit + 1, before=before, symbol=symbol)
    items = ((row.seq, decision_item(row.event)) for row in rows)
    found = ((seq, item) for seq, item in items if item is not None)
    return page_of(found, lambda each: (each[0],), limit).mapped(lambda each: each[1])


def book_events(
    desk: Desk, book: str, *, kind: str = "", limit: int, cursor: str | None = None
) -> Page[dict[str, Any]]:
    """List rows of the journal as they are, newest first.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
        DataError: if the cursor is none of this list.
    """
    kinds = (kind,) if kind else ()
    with _journal(desk, book) as journal:
        rows = journal.newest(kinds, count=limit + 1, before=number_before(cursor))
    return page_of(rows, _seq, limit).mapped(JournalRow.to_json)


def equity_series(
    desk: Desk, book: str, *, since: Micros, until: Micros, points: int
) -> dict[str, list[float]]:
    """Give equity and drawdown of each bar, with no peak and no trough left out.

    Returns:
        `t`: seconds UTC of the bars' open; `equity`: in quote; `drawdown`: a fraction.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if its journal cannot be read.
    """
    import numpy as np

    from trading_assets.evaluation.thinning import kept_rows

    marks: list[EquityMarked] = []
    with _journal(desk, book) as journal:
        for row in journal.of_kinds(_MARKS, start=since):
            event = row.event
            if isinstance(event, EquityMarked) and event.ts < until:
                marks.append(event)
    if not marks:
        return {"t": [], "equity": [], "drawdown": []}
    equity = np.array([float(mark.equity) for mark in marks])
    drawdown = np.array([mark.drawdown for mark in marks])
    rows = kept_rows([equity, drawdown], points)
    return {
        "t": [marks[row].ts / 1_000_000 for row in rows],
        "equity": equity[rows].tolist(),
        "drawdown": drawdown[rows].tolist(),
    }


def decision_item(event: Event) -> dict[str, Any] | None:
    """Give what was decided as people read it; None for an event that is no decision."""
    if isinstance(event, DecisionDropped):
        return {
            "ts": iso_text(event.ts),
            "bar_ts": iso_text(event.bar_ts),
            "symbol": event.symbol,
            "strategy": event.tag,
            "what": "refused",
            "why": event.rule,
            "order_id": None,
        }
    if not isinstance(event, OrderIntentCreated):
        return None
    ticket = event.ticket
    is_exit = ticket.reduce_only or ticket.side is OrderSide.SELL
    return {
        "ts": iso_text(event.ts),
        "bar_ts": iso_text(ticket.bar_ts),
        "symbol": ticket.symbol,
        "strategy": ticket.tag,
        "what": "exit" if is_exit else "entry",
        "why": f"{ticket.side.name.lower()} {ticket.quantity:f} by {ticket.type.name.lower()}",
        "order_id": ticket.client_order_id,
    }


def book_alerts(
    desk: Desk, book: str, *, limit: int, cursor: str | None = None
) -> Page[dict[str, Any]]:
    """List when alerts began and ended, newest first.

    Raises:
        ConfigurationError: if settings have no such book.
        DataError: if the cursor is none of this list.
        CorruptFile: if the file of alerts is damaged.
    """
    before = number_before(cursor)
    lines = AlertFile(live_book(desk.settings, book).folder).lines()
    newest = reversed([line for line in lines if before is None or line.n < before])
    return page_of(newest, lambda line: (line.n,), limit).mapped(alert_item)


def alert_item(line: AlertLine) -> dict[str, Any]:
    """Give when an alert began or ended as people read it."""
    return {
        "n": line.n,
        "ts": iso_text(line.ts),
        "alert": line.alert,
        "begins": line.begins,
        "reason": line.reason,
    }


def _journal(desk: Desk, book: str) -> JournalReader:
    return live_book(desk.settings, book).journal()


def _seq(row: JournalRow) -> tuple[int]:
    return (row.seq,)
