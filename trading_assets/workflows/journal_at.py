"""A book as it stood at any moment of its life, rebuilt from its journal alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading_assets.domain.errors import ConfigurationError, RecoveryError
from trading_assets.domain.events import (
    BarReady,
    DecisionDropped,
    EquityMarked,
    OrderIntentCreated,
    SessionOpened,
)
from trading_assets.domain.ids import Micros
from trading_assets.live.recovery import last_release, replay_rows
from trading_assets.live.session import Session
from trading_assets.live.strategy_stance import SILENT, described
from trading_assets.storage.journal_reader import JournalReader, JournalRow
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.release_parts import release_terms, terms_of

_CAUSED = {kind.__name__ for kind in (EquityMarked, DecisionDropped, OrderIntentCreated)}


@dataclass(frozen=True, slots=True)
class BookView:
    """A book at one moment.

    Attributes:
        seq: the last row that counts.
        ts: market time of that row.
        bars: handled by then.
        equity, drawdown: at the latest mark, in quote and as a fraction.
        realised_pnl: of all round trips after their fees, in quote.
        halted: why entries are stopped, "" when they are not.
        balances: what the engine holds of each asset.
        account: what the venue's account must hold of each asset.
        positions: per strategy and symbol, flat ones left out; `price` is the latest close.
        orders: that have not ended.
        strategies: how each stands, see `live.strategy_stance.described`.
    """

    book: str
    seq: int
    ts: Micros
    release_id: str
    bars: int
    equity: float
    drawdown: float
    realised_pnl: float
    halted: str
    balances: Mapping[str, Decimal]
    account: Mapping[str, Decimal]
    positions: tuple[dict[str, Any], ...]
    orders: tuple[dict[str, Any], ...]
    strategies: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values; amounts are text."""
        return {
            "book": self.book,
            "seq": self.seq,
            "ts": self.ts,
            "release_id": self.release_id,
            "bars": self.bars,
            "equity": self.equity,
            "drawdown": self.drawdown,
            "realised_pnl": self.realised_pnl,
            "halted": self.halted,
            "balances": {asset: f"{amount:f}" for asset, amount in self.balances.items()},
            "account": {asset: f"{amount:f}" for asset, amount in self.account.items()},
            "positions": [_plain(position) for position in self.positions],
            "orders": [_plain(order) for order in self.orders],
            "strategies": list(self.strategies),
        }


def book_at(desk: Desk, book: str, *, ts: Micros | None = None, seq: int | None = None) -> BookView:
    """Rebuild a book as of an instant of market time, or right after a row; else as it stands.

    Rows that were committed together count together. Works while the executor trades.

    Raises:
        ConfigurationError: if settings have no such book, both moments are given, or it had not
            begun by then.
        RecoveryError: if the book has no journal, it is damaged, or this program would have
            decided otherwise than it says.
    """
    if ts is not None and seq is not None:
        raise ConfigurationError("Two moments", expected="an instant or a row", found="both")
    place = live_book(desk.settings, book)
    with place.journal() as journal:
        journal.verify()
        end = (
            _last_until(journal, ts, _bar_size(desk, journal))
            if seq is None
            else _last_of(journal, seq)
        )
        opened = _opened_by(journal, end.seq)
        release = desk.releases.get(opened.release_id)
        last = release_terms(place, release)
        session = replay_rows(journal, last, end.seq, terms_of(desk.releases, place))
    return view_of(place.name, session, end.seq, end.ts)


def _bar_size(desk: Desk, journal: JournalReader) -> Micros:
    named = last_release(journal)
    return desk.releases.get(named).spec.timeframe.micros if named else 0


def _last_of(journal: JournalReader, seq: int) -> JournalRow:
    for row in journal.rows(seq - 1):
        if row.seq == seq:
            return row
        break
    raise ConfigurationError(
        f"The journal of book {journal.book} has no row {seq}",
        expected=f"1 to {journal.verify().seq}",
        found=str(seq),
    )


def _last_until(journal: JournalReader, ts: Micros | None, bar_size: Micros) -> JournalRow:
    """Give the last row of what had happened by an instant.

    The row of a bar carries its open time and happened at its close; what it caused, with it.
    """
    last, moment = None, 0
    for row in journal.rows():
        if row.kind == BarReady.__name__:
            moment = max(moment, row.ts + bar_size)
        elif row.kind not in _CAUSED:
            moment = max(moment, row.ts)
        if ts is not None and moment > ts:
            break
        last = row
    if last is None:
        raise ConfigurationError(
            f"Book {journal.book} had not begun",
            expected="a moment after its first row",
            found="an instant before it" if ts is not None else "no row",
            fix="`trading-assets journal show` lists its rows.",
        )
    return last


def _opened_by(journal: JournalReader, seq: int) -> SessionOpened:
    opened = None
    for row in journal.rows():
        if row.seq > seq:
            break
        if row.kind == SessionOpened.__name__:
            opened = row.event
    if not isinstance(opened, SessionOpened):
        raise RecoveryError("No session was open by then", expected="a SessionOpened row")
    return opened


def view_of(book: str, session: Session, seq: int, ts: Micros) -> BookView:
    """Give a book as its session has it after row `seq`, at market time `ts`."""
    state, machine = session.state, session.machine
    has_marks = state.last_bar is not None
    return BookView(
        book=book,
        seq=seq,
        ts=ts,
        release_id=session.setup.release_id,
        bars=state.bars,
        equity=float(machine.equity),
        drawdown=float(machine.drawdown),
        realised_pnl=float(machine.realised_pnl),
        halted=state.halted,
        balances=machine.balances(),
        account=state.expected_balances(session.setup.instruments),
        positions=tuple(
            {
                "strategy": session.setup.tags[position.tag],
                "symbol": position.symbol,
                "quantity": position.quantity + position.dust,
                "average_price": _number(position.average_price),
                "price": position.price,
                "unrealised_pnl": position.unrealised_pnl,
            }
            for position in (machine.positions() if has_marks else ())
            if position.quantity or position.dust
        ),
        orders=tuple(
            {
                "client_order_id": order.client_order_id,
                "symbol": order.ticket.symbol,
                "side": order.ticket.side.name,
                "type": order.ticket.type.name,
                "quantity": order.ticket.quantity,
                "filled": order.filled,
                "state": order.status.value,
            }
            for order in state.orders.values()
        ),
        strategies=tuple(
            described(name, size, state.strategies.get(name, SILENT))
            for name, size in session.setup.sizes_by_tag.items()
        ),
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
