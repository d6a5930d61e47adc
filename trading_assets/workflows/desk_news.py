"""What has happened on a desk since the last look, as messages for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from trading_assets.domain.errors import RecoveryError, TradingAssetsError
from trading_assets.domain.events import (
    EquityMarked,
    OrderFilled,
    OrderIntentCreated,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    OrderSubmitted,
)
from trading_assets.storage.alert_file import AlertFile
from trading_assets.storage.journal_reader import JournalReader, JournalRow
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.book_history import alert_item, decision_item, has_journal
from trading_assets.workflows.book_listing import (
    instruments_of,
    listed_fill,
    listed_order,
    ticket_of,
)
from trading_assets.workflows.book_summary import BookStatuses, summary
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.research_news import FORECASTS, RISK, research_document

_ORDERS = {
    kind.__name__
    for kind in (
        OrderIntentCreated,
        OrderSubmitted,
        OrderReported,
        OrderRefused,
        OrderOutcomeUnknown,
        OrderProvenAbsent,
    )
}
_STATUS_EVERY, _TABLES_EVERY = 4, 20
_MOST_ROWS = 2_000
_UNTOLD = ("heartbeat_age_s", "bar_lag_s")
"""Of a status: what changes without anything having happened."""


class DeskNews:
    """Reads what is new; in one thread, which a connection to a journal belongs to.

    A book's rows are told from where its journal stood at the first look; a new journal of the
    same book from its beginning, `_MOST_ROWS` at a look.
    """

    def __init__(self, desk: Desk, statuses: BookStatuses) -> None:
        """Note where everything stands."""
        self._desk = desk
        self._statuses = statuses
        self._looks = 0
        self._books = {name: _BookNews(desk, name) for name in sorted(desk.settings.books)}
        self._told: dict[str, dict[str, Any]] = {}
        self._tables = {name: _TableNews(desk, name, kind) for name, kind in _TABLES}

    def look(self) -> list[dict[str, Any]]:
        """Give the messages of what is new; what cannot be read is a message as well."""
        messages: list[dict[str, Any]] = []
        for name, book in self._books.items():
            try:
                messages += book.look()
                if self._looks % _STATUS_EVERY == 0:
                    messages += self._status(name)
            except TradingAssetsError as error:
                messages += self._once(name, {"type": "error", "book": name, "error": str(error)})
        if self._looks % _TABLES_EVERY == 0:
            for table in self._tables.values():
                messages += table.look()
        self._looks += 1
        return messages

    def close(self) -> None:
        """Close the journals; in the thread that has looked."""
        for book in self._books.values():
            book.close()

    def _status(self, name: str) -> list[dict[str, Any]]:
        found = summary(self._desk, self._statuses.of(name))
        lasting = {key: value for key, value in found.items() if key not in _UNTOLD}
        if self._told.get(name) == lasting and self._looks % _TABLES_EVERY:
            return []
        self._told[name] = lasting
        return [{"type": "status", "book": name, **found}]

    def _once(self, name: str, message: dict[str, Any]) -> list[dict[str, Any]]:
        if self._told.get(name) == message:
            return []
        self._told[name] = message
        return [message]


class _BookNews:
    """The journal and the alerts of one book."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._name = name
        self._folder = live_book(desk.settings, name).folder
        self._journal: JournalReader | None = None
        self._identity: tuple[int, int] | None = None
        self._seq = 0
        self._alerts = sum(1 for _ in AlertFile(self._folder).lines())
        if has_journal(desk, name):
            self._open()
            rows = self._reader().tail(1)
            self._seq = rows[-1].seq if rows else 0

    def look(self) -> Iterator[dict[str, Any]]:
        """Yield what is new."""
        if has_journal(self._desk, self._name):
            if self._is_another():
                self._open()
                self._seq = 0
            yield from self._rows()
        for line in AlertFile(self._folder).lines():
            if line.n > self._alerts:
                self._alerts = line.n
                yield {"type": "alert", "book": self._name, **alert_item(line)}

    def _rows(self) -> Iterator[dict[str, Any]]:
        reader = self._reader()
        for told, row in enumerate(reader.rows(self._seq)):
            self._seq = row.seq
            yield from self._messages(reader, row)
            if told >= _MOST_ROWS:
                return

    def _messages(self, reader: JournalReader, row: JournalRow) -> Iterator[dict[str, Any]]:
        head = {"book": self._name, "seq": row.seq}
        event = row.event
        if isinstance(event, EquityMarked):
            yield {
                "type": "equity",
                **head,
                "t": event.ts / 1_000_000,
                "equity": float(event.equity),
                "drawdown": event.drawdown,
            }
        decided = decision_item(event)
        if decided is not None:
            yield {"type": "decision", **head, **decided}
        if row.kind in _ORDERS or isinstance(event, OrderFilled):
            events = reader.of_order(row.client_order_id)
            grids = instruments_of(self._desk, reader, {ticket_of(events).symbol})
            if isinstance(event, OrderFilled):
                yield {"type": "fill", **head, **asdict(listed_fill(row, events, grids))}
            else:
                yield _order_message(asdict(listed_order(events, grids))) | head

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()

    def _open(self) -> None:
        self.close()
        self._identity = self._file()
        self._journal = live_book(self._desk.settings, self._name).journal()

    def _is_another(self) -> bool:
        return self._journal is None or self._identity != self._file()

    def _file(self) -> tuple[int, int]:
        found = (self._folder / "journal.sqlite").stat()
        return found.st_dev, found.st_ino

    def _reader(self) -> JournalReader:
        if self._journal is None:
            raise RecoveryError(f"The journal of book {self._name} is not open")
        return self._journal


def _order_message(listed: dict[str, Any]) -> dict[str, Any]:
    """Make a message of an order; `type` is the message's, so the order's is `order_type`."""
    return {**listed, "type": "order", "order_type": listed["type"]}


_TABLES = ((FORECASTS, "forecast"), (RISK, "risk"))
"""Tables that only grow, and what a row of them is called."""


class _TableNews:
    """New rows of a table of research that only grows."""

    def __init__(self, desk: Desk, table: str, kind: str) -> None:
        self._desk = desk
        self._table = table
        self._kind = kind
        self._seen = {m.address: m.rows for m in self._manifests()}

    def look(self) -> Iterator[dict[str, Any]]:
        """Yield the rows that are new."""
        for manifest in self._manifests():
            known = self._seen.get(manifest.address, 0)
            if manifest.rows <= known:
                continue
            self._seen[manifest.address] = manifest.rows
            rows = self._desk.tables.read_manifest(manifest).slice(known)
            for row in rows.iter_rows(named=True):
                yield {"type": self._kind, **research_document(self._table, row)}

    def _manifests(self) -> Iterator[Manifest]:
        tables = self._desk.tables
        if self._table not in tables.tables():
            return
        for symbol in tables.symbols(self._table):
            months = tables.months(self._table, symbol)
            found = tables.current(self._table, symbol, months[-1]) if months else None
            if found is not None:
                yield found
