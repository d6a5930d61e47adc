"""The market streams by name: `<symbol>@<kind>` in lower case, and `!` streams of all symbols."""

from __future__ import annotations

import re
from collections.abc import Callable

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.intervals import INTERVALS, SECOND
from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.tape import Tape
from trading_assets.exchange.market.windows import Windows
from trading_assets.exchange.streams.bar_streams import KlineStream, SecondStream
from trading_assets.exchange.streams.book_streams import (
    QUICK,
    SLOW,
    BookTicker,
    DepthChanges,
    PartialDepth,
)
from trading_assets.exchange.streams.hub import Source
from trading_assets.exchange.streams.ticker_streams import (
    SPANS,
    AveragePrice,
    DayTicker,
    MiniTicker,
    RollingTicker,
)
from trading_assets.exchange.streams.trade_streams import AggregateStream, TradeStream
from trading_assets.exchange.venue.venue import Venue

_ZONES = {"": 0, "+08:00": 480}
_SPEEDS = {"": SLOW, "@1000ms": SLOW, "@100ms": QUICK}
_DEPTH = re.compile(r"depth(5|10|20)?(@1000ms|@100ms)?")


class MarketStreams:
    """Makes the streams of one market.

    `<symbol>@`: `kline_<interval>` (and `...@+08:00`), `trade`, `aggTrade`, `bookTicker`,
    `depth<5|10|20>` and `depth` (and `...@100ms`, `...@1000ms`), `miniTicker`, `ticker`,
    `ticker_<1h|4h|1d>`, `avgPrice`; of all symbols `!miniTicker@arr`, `!bookTicker` and
    `!ticker_<1h|4h|1d>@arr`.
    """

    def __init__(self, venue: Venue, klines: Klines, tape: Tape, windows: Windows) -> None:
        self._venue = venue
        self._klines = klines
        self._tape = tape
        self._windows = windows
        self._by_name = {name.lower(): listing for name, listing in venue.listings.items()}

    def make(self, name: str, now: Micros) -> Source | None:
        """Make the stream of a name, or None when there is none; names are case-sensitive."""
        if name.startswith("!"):
            return self._of_all(name)
        symbol, _, kind = name.partition("@")
        listing = self._by_name.get(symbol)
        if listing is None:
            return None
        if kind.startswith("kline_"):
            return self._kline(listing, kind.removeprefix("kline_"))
        if kind.startswith("depth"):
            return self._depth(listing, kind, now)
        return self._simple(listing, kind)

    def _simple(self, listing: Listing, kind: str) -> Source | None:
        venue, tape, windows = self._venue, self._tape, self._windows
        makers: dict[str, Callable[[], Source]] = {
            "trade": lambda: TradeStream(tape, listing),
            "aggTrade": lambda: AggregateStream(tape, listing),
            "bookTicker": lambda: BookTicker(venue, [listing]),
            "miniTicker": lambda: MiniTicker(venue, windows, [listing], as_list=False),
            "ticker": lambda: DayTicker(venue, windows, listing),
            "avgPrice": lambda: AveragePrice(venue, tape, listing),
        }
        if kind in makers:
            return makers[kind]()
        span = kind.removeprefix("ticker_")
        if span == kind or span not in SPANS:
            return None
        return RollingTicker(venue, windows, [listing], span, as_list=False)

    def _of_all(self, name: str) -> Source | None:
        listings = list(self._venue.listings.values())
        if name == "!miniTicker@arr":
            return MiniTicker(self._venue, self._windows, listings, as_list=True)
        if name == "!bookTicker":
            return BookTicker(self._venue, listings)
        span = name.removeprefix("!ticker_").removesuffix("@arr")
        if name != f"!ticker_{span}@arr" or span not in SPANS:
            return None
        return RollingTicker(self._venue, self._windows, listings, span, as_list=True)

    def _kline(self, listing: Listing, text: str) -> Source | None:
        name, _, zone = text.partition("@")
        if zone not in _ZONES:
            return None
        if name == SECOND:
            return SecondStream(self._tape, self._klines, listing)
        interval = INTERVALS.get(name)
        if interval is None:
            return None
        return KlineStream(self._venue, self._tape, self._klines, listing, interval, _ZONES[zone])

    def _depth(self, listing: Listing, kind: str, now: Micros) -> Source | None:
        found = _DEPTH.fullmatch(kind)
        if found is None:
            return None
        period = _SPEEDS[found[2] or ""]
        if found[1] is None:
            return DepthChanges(self._venue, listing, now, period)
        return PartialDepth(self._venue, listing, int(found[1]), period)
