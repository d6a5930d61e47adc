"""Marks on a chart: where a run or a live book went in and out, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trading_assets.domain.events import OrderFilled
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instants import FOREVER, instant_from_any
from trading_assets.domain.order import OrderTicket
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.book_listing import ticket_of
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.paging import Key, Page, cursor_key, number_before, page_of
from trading_assets.workflows.stored_runs import find_run

ENTRY, EXIT, STOP = "entry", "exit", "stop"
_FILL = OrderFilled.__name__
_CHUNK = 1000


def run_markers(
    desk: Desk,
    run: str,
    symbol: Symbol,
    *,
    since: Micros = -FOREVER,
    until: Micros = FOREVER,
    limit: int,
    cursor: str | None = None,
) -> Page[dict[str, Any]]:
    """List the fills of a run as marks.

    Rows: `t` (seconds; of a run the open time of the bar that filled), `kind` (`entry` makes a
    position larger, `stop` is an exit by a stop order, `exit` any other), `side`, `price`, `qty`,
    `strategy`, `order_id`.

    Args:
        desk: holds the run.
        run: spec, spec/run id, or run id.
        symbol: on whose chart.
        since: first instant.
        until: end of the span, exclusive.
        limit: rows at most.
        cursor: `next` of the page before.

    Raises:
        MissingPartition: if no run, or more than one, is meant.
        CorruptFile: if it is damaged.
        DataError: if the cursor is none of this list.
    """
    import polars as pl

    ts = pl.col("ts_utc").to_physical()
    fills = find_run(desk, run).table("trades").with_row_index("row")
    chosen = fills.filter((pl.col("symbol") == symbol) & (ts >= since) & (ts < until))
    after = cursor_key(cursor, (0, 0))
    rows = ((_place(row), row) for row in chosen.reverse().iter_rows(named=True))
    later = (each for each in rows if after is None or each[0] > after)
    page = page_of(later, lambda each: each[0], limit)
    return page.mapped(lambda each: _of_run(each[1]))


def book_markers(
    desk: Desk,
    book: str,
    symbol: Symbol,
    *,
    since: Micros = -FOREVER,
    until: Micros = FOREVER,
    limit: int,
    cursor: str | None = None,
) -> Page[dict[str, Any]]:
    """List the fills of a live book as marks, in the order in which it learned of them.

    Rows are those of `run_markers`; `t` is the venue's instant, with its fraction.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
        DataError: if the cursor is none of this list.
    """
    before = number_before(cursor)
    with live_book(desk.settings, book).journal() as journal:
        rows = _fills(journal, symbol, since, until, before)
        page = page_of(rows, lambda each: each[0], limit)
        return page.mapped(lambda each: _of_book(each[1], journal))


def _place(row: Mapping[str, Any]) -> Key:
    return (-instant_from_any(row["ts_utc"]), -int(row["row"]))


def _of_run(row: Mapping[str, Any]) -> dict[str, Any]:
    signed = row["qty"] if row["side"] == "BUY" else -row["qty"]
    is_larger = abs(row["position"]) > abs(row["position"] - signed)
    kind = ENTRY if is_larger else STOP if row["reason"] == "stop" else EXIT
    return {
        "t": instant_from_any(row["ts_utc"]) / 1_000_000,
        "kind": kind,
        "side": row["side"],
        "price": row["price"],
        "qty": float(row["qty"]),
        "strategy": row["strategy"],
        "order_id": row["client_order_id"],
    }


def _fills(
    journal: JournalReader, symbol: Symbol, since: Micros, until: Micros, before: int | None
) -> Iterator[tuple[Key, OrderFilled]]:
    """Give the fills that were learned of in [since, until), looking back no further."""
    while True:
        rows = journal.newest((_FILL,), count=_CHUNK, before=before, symbol=symbol)
        for row in rows:
            if row.ts < since:
                return
            event = row.event
            if row.ts < until and isinstance(event, OrderFilled):
                yield (row.seq,), event
        if len(rows) < _CHUNK:
            return
        before = rows[-1].seq


def _of_book(event: OrderFilled, journal: JournalReader) -> dict[str, Any]:
    fill = event.fill
    ticket = ticket_of(journal.of_order(fill.client_order_id))
    return {
        "t": fill.ts / 1_000_000,
        "kind": _kind(ticket),
        "side": fill.side.name,
        "price": float(fill.price),
        "qty": float(fill.quantity),
        "strategy": ticket.tag,
        "order_id": fill.client_order_id,
    }


def _kind(ticket: OrderTicket) -> str:
    """Tell what an order of a book is for: those that leave a position can only make it smaller."""
    if not ticket.reduce_only:
        return ENTRY
    return STOP if "STOP" in ticket.type.name else EXIT
