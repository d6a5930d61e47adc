"""The market streams by name: `<symbol>@<kind>` in lower case, and `!` streams of all symbols."""

from __future__ import annotations

from trading_assets.domain.ids import Micros
from trading_assets.exchange.bar_streams import KlineStream, SecondStream
from trading_assets.exchange.intervals import INTERVALS, SECOND
from trading_assets.exchange.klines import Klines
from trading_assets.exchange.listing import Listing
from trading_assets.exchange.stream_hub import Source
from trading_assets.exchange.tape import Tape
from trading_assets.exchange.trade_streams import AggregateStream, TradeStream
from trading_assets.exchange.venue import Venue

_ZONES = {"": 0, "+08:00": 480}


class MarketStreams:
    """Makes the streams of one market.

    `<symbol>@kline_<interval>` (and `...@+08:00`), `trade` and `aggTrade`.
    """

    def __init__(self, venue: Venue, klines: Klines, tape: Tape) -> None:
        self._venue = venue
        self._klines = klines
        self._tape = tape
        self._by_name = {name.lower(): listing for name, listing in venue.listings.items()}

    def make(self, name: str, now: Micros) -> Source | None:
        """Make the stream of a name, or None when there is none; names are case-sensitive."""
        symbol, _, kind = name.partition("@")
        listing = self._by_name.get(symbol)
        if listing is None:
            return None
        if kind.startswith("kline_"):
            return self._kline(listing, kind.removeprefix("kline_"))
        if kind == "trade":
            return TradeStream(self._tape, listing)
        if kind == "aggTrade":
            return AggregateStream(self._tape, listing)
        return None

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
