"""The ledger file: what happened on the exchange, in SQLite, for a restart and for outside judges.

Amounts ending in `_units` are whole 1e-8 of their asset, prices whole ticks, quantities whole lots,
times microseconds UTC of market time. `balances` includes the house accounts, so every asset sums
to a constant. `requests` holds every attempt to place or cancel, also the refused ones, in order of
arrival; `faults` every injected fault that has struck. One transaction per request; the file may be
read while the exchange runs.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
from pathlib import Path
from typing import IO, Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.exchange.faults.kinds import Call, Fault
from trading_assets.exchange.venue import ledger_rows
from trading_assets.exchange.venue.venue import Venue
from trading_assets.exchange.venue.venue_state import Symbols

_FORMAT = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (
    name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS symbols (
    symbol TEXT PRIMARY KEY, next_order_id INTEGER NOT NULL, next_trade_id INTEGER NOT NULL,
    settled_cell INTEGER NOT NULL, next_execution_id INTEGER NOT NULL DEFAULT 1
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    symbol TEXT NOT NULL, order_id INTEGER NOT NULL, client_order_id TEXT NOT NULL,
    account TEXT NOT NULL, side TEXT NOT NULL, type TEXT NOT NULL, time_in_force TEXT NOT NULL,
    lots INTEGER NOT NULL, ticks INTEGER NOT NULL, quote_units INTEGER NOT NULL,
    executed_lots INTEGER NOT NULL, executed_units INTEGER NOT NULL, locked_units INTEGER NOT NULL,
    status TEXT NOT NULL, placed_ts INTEGER NOT NULL, updated_ts INTEGER NOT NULL,
    working_ts INTEGER NOT NULL DEFAULT 0, stop_ticks INTEGER NOT NULL DEFAULT 0,
    list_id INTEGER NOT NULL DEFAULT -1,
    PRIMARY KEY (symbol, order_id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS trades (
    symbol TEXT NOT NULL, trade_id INTEGER NOT NULL, order_id INTEGER NOT NULL,
    account TEXT NOT NULL, side TEXT NOT NULL, ticks INTEGER NOT NULL, lots INTEGER NOT NULL,
    value_units INTEGER NOT NULL, fee_units INTEGER NOT NULL, fee_asset TEXT NOT NULL,
    ts INTEGER NOT NULL, is_maker INTEGER NOT NULL, against INTEGER NOT NULL,
    PRIMARY KEY (symbol, trade_id, order_id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS order_lists (
    list_id INTEGER PRIMARY KEY, client_list_id TEXT NOT NULL, account TEXT NOT NULL,
    symbol TEXT NOT NULL, shape TEXT NOT NULL, placed_ts INTEGER NOT NULL,
    updated_ts INTEGER NOT NULL, is_done INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS balances (
    account TEXT NOT NULL, asset TEXT NOT NULL, free_units INTEGER NOT NULL,
    locked_units INTEGER NOT NULL, PRIMARY KEY (account, asset)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, account TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, symbol TEXT NOT NULL, client_order_id TEXT NOT NULL,
    status INTEGER NOT NULL, code INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS faults (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, symbol TEXT NOT NULL, account TEXT NOT NULL, settings TEXT NOT NULL,
    outcome TEXT NOT NULL) STRICT;
"""
_FROM_FORMAT_1 = (
    "ALTER TABLE symbols ADD COLUMN next_execution_id INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE orders ADD COLUMN working_ts INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE orders ADD COLUMN stop_ticks INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE orders ADD COLUMN list_id INTEGER NOT NULL DEFAULT -1",
    "UPDATE orders SET working_ts = placed_ts",
    "ALTER TABLE trades RENAME TO trades_1",
    """CREATE TABLE trades (
    symbol TEXT NOT NULL, trade_id INTEGER NOT NULL, order_id INTEGER NOT NULL,
    account TEXT NOT NULL, side TEXT NOT NULL, ticks INTEGER NOT NULL, lots INTEGER NOT NULL,
    value_units INTEGER NOT NULL, fee_units INTEGER NOT NULL, fee_asset TEXT NOT NULL,
    ts INTEGER NOT NULL, is_maker INTEGER NOT NULL, against INTEGER NOT NULL,
    PRIMARY KEY (symbol, trade_id, order_id)) STRICT, WITHOUT ROWID""",
    "INSERT INTO trades SELECT *, 0 FROM trades_1",
    "DROP TABLE trades_1",
)
_TABLES = {
    "symbols": "symbol",
    "orders": "symbol, order_id",
    "order_lists": "list_id",
    "trades": "symbol, trade_id, order_id",
    "balances": "account, asset",
    "requests": "seq",
    "faults": "seq",
}
_ORDER_MARKS = ",".join("?" * 19)
_TRADE_MARKS = ",".join("?" * 13)


class Ledger:
    """Records a venue; in memory when `path` is None."""

    def __init__(self, path: Path | None, identity: dict[str, Any]) -> None:
        """Open or create the file.

        Args:
            path: the file, or None.
            identity: what must stay the same between restarts (seed, structure, fees...).

        Raises:
            ConfigurationError: if the file belongs to another market, or is not a ledger.
        """
        self.path = path
        self._lock = None if path is None else _lock(path)
        self._db = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False
        )
        try:
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            self._upgrade()
            self._check_identity({"format": _FORMAT, **identity})
        except sqlite3.Error as error:
            self.close()
            raise ConfigurationError(
                f"Cannot open the ledger {path}",
                expected="a ledger of the embedded exchange, or no file",
                found=str(error),
                fix="Name another file.",
            ) from error
        except ConfigurationError:
            self.close()
            raise

    def _upgrade(self) -> None:
        """Bring a ledger of format 1 to the present one."""
        text = self._meta("identity")
        if text is None or (identity := json.loads(text)).get("format") != 1:
            return
        self._db.execute("BEGIN IMMEDIATE")
        for statement in _FROM_FORMAT_1:
            self._db.execute(statement)
        identity["format"] = _FORMAT
        self._db.execute(
            "UPDATE meta SET value = ? WHERE name = 'identity'",
            (json.dumps(identity, sort_keys=True),),
        )
        self._db.execute("COMMIT")

    def _check_identity(self, identity: dict[str, Any]) -> None:
        ours = json.dumps(identity, sort_keys=True)
        theirs = self._meta("identity")
        if theirs is None:
            self._db.execute("INSERT INTO meta VALUES ('identity', ?)", (ours,))
        elif theirs != ours:
            raise ConfigurationError(
                f"The ledger {self.path} belongs to another market",
                expected=ours,
                found=theirs,
                fix="Start with the same settings, or name another file.",
            )

    def _meta(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    @property
    def last_ts(self) -> Micros:
        """Latest market time on record; 0 for a new ledger."""
        return int(self._meta("last_ts") or 0)

    @property
    def is_new(self) -> bool:
        """Whether no account was ever opened in it."""
        return self._db.execute("SELECT 1 FROM balances LIMIT 1").fetchone() is None

    def close(self) -> None:
        """Close the file; SQLite folds its log back into it."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    def record_time(self, now: Micros) -> None:
        """Note that market time has come this far."""
        self._db.execute(
            "INSERT INTO meta VALUES ('last_ts', ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (str(now),),
        )

    def record_fault(self, now: Micros, fault: Fault, call: Call, outcome: str) -> None:
        """Note that an injected fault has struck a call, and what came of it."""
        written = fault.plain()
        settings = json.dumps({name: written[name] for name in fault.settings}, sort_keys=True)
        self._db.execute(
            "INSERT INTO faults VALUES (NULL,?,?,?,?,?,?,?,?)",
            (
                now,
                fault.kind.value,
                call.method,
                call.path,
                call.symbol,
                call.account,
                settings,
                outcome,
            ),
        )

    def record(self, venue: Venue, now: Micros, request: tuple[Any, ...] | None = None) -> None:
        """Write what changed since the last call, in one transaction; nothing if nothing did.

        Args:
            venue: whose changes are taken and cleared.
            now: market time.
            request: (account, method, path, symbol, client order id, HTTP status, code) of an
                attempt to place or cancel, or None.
        """
        changed = (
            venue.changed_orders
            or venue.new_trades
            or venue.accounts.changed
            or venue.lists.changed
        )
        if not changed and request is None:
            return
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            self._write_changes(venue)
            if request is not None:
                db.execute("INSERT INTO requests VALUES (NULL,?,?,?,?,?,?,?,?)", (now, *request))
            self.record_time(now)
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
        venue.changed_orders.clear()
        venue.new_trades.clear()
        venue.accounts.changed.clear()
        venue.lists.changed.clear()

    def _write_changes(self, venue: Venue) -> None:
        touched = {symbol for symbol, _ in venue.changed_orders}
        self._db.executemany(
            "INSERT OR REPLACE INTO symbols VALUES (?,?,?,?,?)",
            [
                (name, c.next_order_id, c.next_trade_id, c.settled_cell, c.next_execution_id)
                for name, c in venue.counters.items()
                if name in touched
            ],
        )
        self._db.executemany(
            f"INSERT OR REPLACE INTO orders VALUES ({_ORDER_MARKS})",  # noqa: S608
            [ledger_rows.order_row(order) for order in venue.changed_orders.values()],
        )
        self._db.executemany(
            f"INSERT INTO trades VALUES ({_TRADE_MARKS})",  # noqa: S608
            [ledger_rows.trade_row(trade) for trade in venue.new_trades],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO order_lists VALUES (?,?,?,?,?,?,?,?)",
            [ledger_rows.list_row(found) for found in venue.lists.changed.values()],
        )
        self._db.executemany(
            "INSERT OR REPLACE INTO balances VALUES (?,?,?,?)",
            [
                (account, asset, holding.free, holding.locked)
                for account, asset in sorted(venue.accounts.changed)
                for holding in (venue.accounts.holding(account, asset),)
            ],
        )

    def restore(self, venue: Venue) -> None:
        """Bring a new venue to the recorded state.

        Raises:
            ConfigurationError: if the ledger holds orders in a symbol that is no longer listed.
        """
        db = self._db
        for row in db.execute("SELECT account, asset, free_units, locked_units FROM balances"):
            venue.accounts.restore(*row)
        for symbol, *numbers in db.execute(
            "SELECT symbol, next_order_id, next_trade_id, next_execution_id, settled_cell "
            "FROM symbols"
        ):
            if symbol not in venue.listings:
                raise ConfigurationError(
                    f"The ledger {self.path} has orders in {symbol}",
                    expected=f"{symbol} among the listed symbols",
                    found=", ".join(venue.listings),
                    fix="List it again, or name another file.",
                )
            venue.counters[symbol] = Symbols(*numbers)
        for row in db.execute("SELECT * FROM order_lists ORDER BY list_id"):
            venue.lists.index(ledger_rows.list_from_row(row))
        for row in db.execute("SELECT * FROM orders ORDER BY symbol, order_id"):
            venue.index(ledger_rows.order_from_row(venue, row))
        for row in db.execute("SELECT * FROM trades ORDER BY symbol, trade_id, is_maker, order_id"):
            venue.adopt(ledger_rows.trade_from_row(row))
        venue.recall(self.last_ts)

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """Give every table as rows of plain values, in key order."""
        tables = {}
        for table, key in _TABLES.items():
            rows = self._db.execute(f"SELECT * FROM {table} ORDER BY {key}")  # noqa: S608
            names = [column[0] for column in rows.description]
            tables[table] = [dict(zip(names, row, strict=True)) for row in rows]
        return tables


def _lock(path: Path) -> IO[bytes]:
    """Hold the ledger for this process alone: two exchanges would overwrite each other's money."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise ConfigurationError(
            f"Cannot open the ledger {path}", expected="a file", found="a folder"
        )
    handle = path.with_name(path.name + ".lock").open("ab")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise ConfigurationError(
            f"The ledger {path} is in use",
            expected="one exchange per ledger",
            found="another running exchange",
            fix="Stop it, or name another file.",
        ) from None
    return handle
