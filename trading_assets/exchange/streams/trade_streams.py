"""Trade streams: every public trade, and every aggregate trade, at its instant."""

from __future__ import annotations

import numpy as np

from trading_assets.domain.ids import Micros
from trading_assets.exchange import wire
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.market_model import CELL, cell_of
from trading_assets.exchange.market.tape import Aggregates, Tape, Trades, aggregated


class TradeStream:
    """One symbol's public trades; never thinned, since each has a number of its own."""

    def __init__(self, tape: Tape, listing: Listing) -> None:
        self._tape = tape
        self._listing = listing

    def next_due(self, after: Micros, scale: int) -> Micros:
        """Give the instant of the next trade; of the next cell if this one has no more."""
        cell = cell_of(after)
        instants = self._tape.cell(self._listing, cell).ts
        index = int(np.searchsorted(instants, after, side="right"))
        return int(instants[index]) if index < len(instants) else (cell + 1) * CELL

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the trades of one instant."""
        trades = self._tape.cell(self._listing, cell_of(ts))
        low, high = np.searchsorted(trades.ts, [ts, ts + 1]).tolist()
        return [self._event(trades, index) for index in range(low, high)]

    def _event(self, trades: Trades, index: int) -> str:
        ms = wire.ms(int(trades.ts[index]))
        return (
            f'{{"e":"trade","E":{ms},"s":"{self._listing.instrument.symbol}",'
            f'"t":{trades.id[index]},"p":"{wire.price(self._listing, int(trades.ticks[index]))}",'
            f'"q":"{wire.quantity(self._listing, int(trades.lots[index]))}","T":{ms},'
            f'"m":{_boolean(trades.buyer_is_maker[index])},"M":true}}'
        )


class AggregateStream:
    """One symbol's aggregate trades: what one taker order traded at one price."""

    def __init__(self, tape: Tape, listing: Listing) -> None:
        self._tape = tape
        self._listing = listing
        self._kept: tuple[int, Aggregates] | None = None

    def _cell(self, cell: int) -> Aggregates:
        if self._kept is None or self._kept[0] != cell:
            self._kept = (cell, aggregated(self._tape.cell(self._listing, cell)))
        return self._kept[1]

    def next_due(self, after: Micros, scale: int) -> Micros:
        """Give the instant of the next aggregate trade; of the next cell if there is no more."""
        cell = cell_of(after)
        instants = self._cell(cell).ts
        index = int(np.searchsorted(instants, after, side="right"))
        return int(instants[index]) if index < len(instants) else (cell + 1) * CELL

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the aggregate trades of one instant."""
        trades = self._cell(cell_of(ts))
        low, high = np.searchsorted(trades.ts, [ts, ts + 1]).tolist()
        return [self._event(trades, index) for index in range(low, high)]

    def _event(self, trades: Aggregates, index: int) -> str:
        ms = wire.ms(int(trades.ts[index]))
        return (
            f'{{"e":"aggTrade","E":{ms},"s":"{self._listing.instrument.symbol}",'
            f'"a":{trades.id[index]},"p":"{wire.price(self._listing, int(trades.ticks[index]))}",'
            f'"q":"{wire.quantity(self._listing, int(trades.lots[index]))}",'
            f'"f":{trades.first[index]},"l":{trades.last[index]},"T":{ms},'
            f'"m":{_boolean(trades.buyer_is_maker[index])},"M":true}}'
        )


def _boolean(value: np.bool_) -> str:
    return "true" if value else "false"
