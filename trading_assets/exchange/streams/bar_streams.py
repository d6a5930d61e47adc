"""Kline streams: the present bar at a steady pace, and the closing of every bar exactly once."""

from __future__ import annotations

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.intervals import SECOND, Interval
from trading_assets.exchange.market.klines import MINUTE, Klines, write_rows
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.tape import Tape
from trading_assets.exchange.venue.venue import Venue

_SECOND: Micros = 1_000_000
_PACE: Micros = 2_000_000

_EVENT = (
    '{{"e":"kline","E":{now},"s":"{symbol}","k":{{"t":{row[0]},"T":{row[6]},"s":"{symbol}",'
    '"i":"{interval}","f":{first},"L":{last},"o":{row[1]},"c":{row[4]},"h":{row[2]},"l":{row[3]},'
    '"v":{row[5]},"n":{row[8]},"x":{closed},"q":{row[7]},"V":{row[9]},"Q":{row[10]},"B":"0"}}}}'
)


class KlineStream:
    """One symbol's bars of one interval, as REST gives them at the same instant.

    Args:
        zone: minutes east of UTC whose clock sets the borders of bars.
    """

    def __init__(
        self,
        venue: Venue,
        tape: Tape,
        klines: Klines,
        listing: Listing,
        interval: Interval,
        zone: int = 0,
    ) -> None:
        self._venue = venue
        self._tape = tape
        self._klines = klines
        self._listing = listing
        self._interval = interval
        self._zone = zone

    def next_due(self, after: Micros, scale: int) -> Micros:
        """Give the next border of bars or the next update, whichever comes first."""
        opened = self._interval.open_of(after // MINUTE, self._zone)
        border = self._interval.end_of(opened, self._zone) * MINUTE
        pace = _PACE * scale
        return min(border, (after // pace + 1) * pace)

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the closing of the bar that ends at `ts`, or else the state of the present one."""
        opened = self._interval.open_of(ts // MINUTE, self._zone)
        if ts == opened * MINUTE:
            ended = self._interval.open_of(opened - 1, self._zone)
            return self._rows(ended, opened, ts, is_closed=True)
        if self._venue.is_closed(self._listing, ts):
            return []
        end = self._interval.end_of(opened, self._zone)
        return self._rows(opened, end, ts, is_closed=False)

    def _rows(self, opened: int, end: int, ts: Micros, *, is_closed: bool) -> list[str]:
        bar = self._klines.span(self._listing, opened, end, ts)
        return [
            _event(self._tape, self._listing, self._interval.name, row, ts, is_closed=is_closed)
            for row in write_rows(self._listing, bar, self._interval, self._zone)
        ]


class SecondStream:
    """One symbol's bars of a second: nothing but closings, one a second."""

    def __init__(self, tape: Tape, klines: Klines, listing: Listing) -> None:
        self._tape = tape
        self._klines = klines
        self._listing = listing

    def next_due(self, after: Micros, scale: int) -> Micros:
        """Give the end of the present second."""
        return (after // _SECOND + 1) * _SECOND

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the closing of the second that ends at `ts`."""
        opened = ts // 1_000 - 1_000
        pages = self._klines.second_rows(self._listing, ts, start_ms=opened, end_ms=opened, limit=1)
        return [
            _event(self._tape, self._listing, SECOND, row, ts, is_closed=True)
            for page in pages
            for row in page
        ]


def _event(
    tape: Tape, listing: Listing, interval: str, text: str, ts: Micros, *, is_closed: bool
) -> str:
    """Write a kline row as an event; a bar without trades has the trade numbers -1."""
    row = text[1:-1].split(",")
    count = int(row[8])
    first = tape.first_at(listing, int(row[0]) * 1_000)[0] if count else -1
    return _EVENT.format(
        now=ts // 1_000,
        symbol=listing.instrument.symbol,
        interval=interval,
        first=first,
        last=first + count - 1 if count else -1,
        closed="true" if is_closed else "false",
        row=row,
    )
