"""Book streams: the best quotes, the top of the book, and its changes numbered without a gap.

A book changes every five seconds of market, and whenever a client takes from it or rests in it.
Every stream looks at its own pace (100 ms or a second of this machine's clock) and speaks when
there is something new.
"""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.domain.ids import Micros
from trading_assets.exchange import wire
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.streams.ticker_figures import best_quotes
from trading_assets.exchange.venue.book_updates import book_update_id
from trading_assets.exchange.venue.public_book import public_sides
from trading_assets.exchange.venue.venue import Venue

QUICK: Micros = 100_000
SLOW: Micros = 1_000_000


class _Paced:
    """A stream that looks at the market at a steady pace."""

    def __init__(self, period: Micros) -> None:
        self._period = period

    def next_due(self, after: Micros, scale: int) -> Micros:
        """Give the next instant of the pace."""
        pace = self._period * scale
        return (after // pace + 1) * pace


class BookTicker(_Paced):
    """Best bid and ask of some symbols, whenever price or quantity of either has changed."""

    def __init__(self, venue: Venue, listings: Sequence[Listing]) -> None:
        super().__init__(QUICK)
        self._venue = venue
        self._said: dict[Listing, dict[str, str] | None] = dict.fromkeys(listings)

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the quotes that have changed."""
        events = []
        for listing, said in self._said.items():
            quotes = best_quotes(self._venue, listing, ts)
            if quotes == said:
                continue
            self._said[listing] = quotes
            event = {
                "u": book_update_id(self._venue, listing, ts),
                "s": listing.instrument.symbol,
                "b": quotes["bidPrice"],
                "B": quotes["bidQty"],
                "a": quotes["askPrice"],
                "A": quotes["askQty"],
            }
            events.append(wire.encode(event).decode())
        return events


class PartialDepth(_Paced):
    """The best levels of a book: when it has changed, and once a second anyway."""

    def __init__(self, venue: Venue, listing: Listing, levels: int, period: Micros) -> None:
        super().__init__(period)
        self._venue = venue
        self._listing = listing
        self._levels = levels
        self._said = -1

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the top of the book as REST gives it."""
        number = book_update_id(self._venue, self._listing, ts)
        if number == self._said and ts % (SLOW * scale):
            return []
        self._said = number
        bids, asks = (side[: self._levels] for side in public_sides(self._venue, self._listing, ts))
        top = {
            "lastUpdateId": number,
            "bids": _rows(self._listing, bids),
            "asks": _rows(self._listing, asks),
        }
        return [wire.encode(top).decode()]


class DepthChanges(_Paced):
    """The levels of a book that have changed, with the numbers `U` to `u` of the changes.

    `U` is always one more than the `u` before, and the `lastUpdateId` of REST counts the same
    changes, so a snapshot and this stream make a local book by the venue's procedure.
    """

    def __init__(self, venue: Venue, listing: Listing, now: Micros, period: Micros) -> None:
        super().__init__(period)
        self._venue = venue
        self._listing = listing
        self._number = self._seen = book_update_id(venue, listing, now)
        self._levels = [dict(side) for side in public_sides(venue, listing, now)]

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the changes since the last event, if there are any."""
        number = book_update_id(self._venue, self._listing, ts)
        if number == self._seen:
            return []
        self._seen = number
        levels = [dict(side) for side in public_sides(self._venue, self._listing, ts)]
        changes = [_changes(*both) for both in zip(self._levels, levels, strict=True)]
        if not any(changes):
            return []
        event = {
            "e": "depthUpdate",
            "E": wire.ms(ts),
            "s": self._listing.instrument.symbol,
            "U": self._number + 1,
            "u": number,
            "b": _rows(self._listing, sorted(changes[0], reverse=True)),
            "a": _rows(self._listing, sorted(changes[1])),
        }
        self._number, self._levels = number, levels
        return [wire.encode(event).decode()]


def _changes(before: dict[int, int], after: dict[int, int]) -> list[tuple[int, int]]:
    """Give (ticks, new lots) of every level that differs; 0 lots for one that is gone."""
    gone = [(ticks, 0) for ticks in before.keys() - after.keys()]
    return gone + [(ticks, lots) for ticks, lots in after.items() if before.get(ticks) != lots]


def _rows(listing: Listing, levels: Sequence[tuple[int, int]]) -> list[list[str]]:
    return [[wire.price(listing, ticks), wire.quantity(listing, lots)] for ticks, lots in levels]
