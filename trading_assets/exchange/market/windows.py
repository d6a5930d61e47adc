"""What traded between two instants: the figures of every ticker, exact to the last trade."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.bars import NO_BARS, Bars, grouped, join
from trading_assets.exchange.market.klines import MINUTE, Klines
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import CELLS_PER_MINUTE, cell_of
from trading_assets.exchange.market.tape import Tape, Trades


@dataclass(frozen=True, slots=True)
class Window:
    """What traded in one symbol from an instant until another, both inclusive.

    Attributes:
        bar: one bar of all trades, its open time meaningless; empty if there were none.
        first_id: number of the first trade; `last_id` of the last; both -1 if there were none.
        last_ticks: the last price, in ticks, of a trade in the window or before it.
    """

    bar: Bars
    first_id: int
    last_id: int
    last_ticks: int

    @property
    def count(self) -> int:
        """Give the number of trades."""
        return int(self.bar.trades[0]) if len(self.bar) else 0

    def ticks(self, name: str) -> int:
        """Give `open`, `high` or `low` in ticks; 0 if nothing traded."""
        return int(getattr(self.bar, name)[0]) if len(self.bar) else 0

    @property
    def lots(self) -> int:
        """Give the traded quantity, in lots."""
        return int(self.bar.lots[0]) if len(self.bar) else 0

    @property
    def value(self) -> int:
        """Give the traded value, in ticks x lots."""
        return int(self.bar.value[0]) if len(self.bar) else 0


class Windows:
    """Windows of all symbols, read from the klines and, at their edges, from the tape."""

    def __init__(self, tape: Tape, klines: Klines) -> None:
        self._tape = tape
        self._klines = klines

    def between(self, listing: Listing, start: Micros, now: Micros) -> Window:
        """Give what traded from `start` until `now`; now is not later than the market clock."""
        first_minute = max(-(-start // MINUTE), self._tape.outages.first_minute(listing))
        head = self._head(listing, start, now) if start % MINUTE else NO_BARS
        body = self._klines.span(listing, first_minute, now // MINUTE + 1, now)
        bars = join([head, body])
        bar = grouped(bars, np.zeros(len(bars), dtype=np.int64)) if len(bars) else NO_BARS
        if not len(bar) or not bar.trades[0]:
            return Window(NO_BARS, -1, -1, self.price_at(listing, now))
        last = self._tape.next_ids(listing, now)[0] - 1
        return Window(bar, last + 1 - int(bar.trades[0]), last, int(bar.close[0]))

    def price_at(self, listing: Listing, now: Micros) -> int:
        """Give the last traded price at an instant, in ticks."""
        cell = self._tape.outages.quoted_cell(listing, cell_of(now))
        return self._tape.model.ticks_at(listing, cell)

    def last_trade(self, listing: Listing, now: Micros) -> Trades:
        """Give the last trade as of now: one, or none before the first."""
        present = self._tape.present(listing, now)
        if not len(present):
            last = self._tape.next_ids(listing, now)[0] - 1
            present = self._tape.by_id(listing, last, 1, now) if last > 0 else present
        return present.part(max(len(present) - 1, 0), len(present))

    def last_lots(self, listing: Listing, now: Micros) -> int:
        """Give the quantity of the last trade, in lots; 0 before the first."""
        return int(self.last_trade(listing, now).lots.sum())

    def _head(self, listing: Listing, start: Micros, now: Micros) -> Bars:
        """Give the rest of the minute that a window begins in, as one bar."""
        end_cell = (start // MINUTE + 1) * CELLS_PER_MINUTE
        trades = self._tape.cells(listing, cell_of(start), min(end_cell, cell_of(now) + 1))
        skip = int(np.searchsorted(trades.ts, start))
        inside = trades.part(skip, len(trades)).until(now)
        return bar_of_trades(inside) if len(inside) else NO_BARS


def bar_of_trades(trades: Trades) -> Bars:
    """Build one bar from trades; its open time is 0."""
    bought = trades.lots * ~trades.buyer_is_maker
    figures = (
        0,
        trades.ticks[0],
        trades.ticks.max(),
        trades.ticks.min(),
        trades.ticks[-1],
        trades.lots.sum(),
        (trades.lots * trades.ticks).sum(),
        len(trades),
        bought.sum(),
        (bought * trades.ticks).sum(),
    )
    return Bars(*(np.array([figure], dtype=np.int64) for figure in figures))
