"""Ticker streams: what traded in the last hours, every second, as REST says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.exchange import wire
from trading_assets.exchange.market.klines import MINUTE
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.market.tape import Tape
from trading_assets.exchange.market.windows import Windows
from trading_assets.exchange.streams.ticker_figures import best_quotes, statistics
from trading_assets.exchange.venue.filters import text8
from trading_assets.exchange.venue.venue import Venue

_SECOND: Micros = 1_000_000
_DAY: Micros = 86_400_000_000
SPANS = {"1h": 3_600_000_000, "4h": 4 * 3_600_000_000, "1d": _DAY}

_MINI = {
    "c": "lastPrice",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "v": "volume",
    "q": "quoteVolume",
}
_ROLLING = {
    "p": "priceChange",
    "P": "priceChangePercent",
    "o": "openPrice",
    "h": "highPrice",
    "l": "lowPrice",
    "c": "lastPrice",
    "w": "weightedAvgPrice",
    "v": "volume",
    "q": "quoteVolume",
    "O": "openTime",
    "C": "closeTime",
    "F": "firstId",
    "L": "lastId",
    "n": "count",
}


class _Tickers:
    """One ticker a second of every symbol that trades; as a list when it is for all."""

    def __init__(self, venue: Venue, listings: Sequence[Listing], *, as_list: bool) -> None:
        self._venue = venue
        self._listings = listings
        self._as_list = as_list

    def next_due(self, after: Micros, scale: int) -> Micros:
        """Give the next full second of the pace."""
        pace = _SECOND * scale
        return (after // pace + 1) * pace

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the tickers of an instant."""
        trading = [one for one in self._listings if not self._venue.is_closed(one, ts)]
        tickers = [self._ticker(listing, ts) for listing in trading]
        if not self._as_list:
            return [wire.encode(ticker).decode() for ticker in tickers]
        return [wire.encode(tickers).decode()] if tickers else []

    def _ticker(self, listing: Listing, ts: Micros) -> dict[str, Any]:
        raise NotImplementedError


class MiniTicker(_Tickers):
    """`miniTicker`: price range and volume of 24 h."""

    def __init__(
        self, venue: Venue, windows: Windows, listings: Sequence[Listing], *, as_list: bool
    ) -> None:
        super().__init__(venue, listings, as_list=as_list)
        self._windows = windows

    def _ticker(self, listing: Listing, ts: Micros) -> dict[str, Any]:
        figures = _figures(self._windows, listing, ts - _DAY, ts)
        return _head("24hrMiniTicker", listing, ts) | _renamed(figures, _MINI)


class DayTicker(_Tickers):
    """`ticker`: everything about 24 h."""

    def __init__(self, venue: Venue, windows: Windows, listing: Listing) -> None:
        super().__init__(venue, [listing], as_list=False)
        self._windows = windows

    def _ticker(self, listing: Listing, ts: Micros) -> dict[str, Any]:
        start = ts - _DAY
        figures = _figures(self._windows, listing, start, ts)
        quotes = best_quotes(self._venue, listing, ts)
        before = self._windows.price_at(listing, start - 1)
        around = {
            "x": wire.price(listing, before),
            "Q": wire.quantity(listing, self._windows.last_lots(listing, ts)),
            "b": quotes["bidPrice"],
            "B": quotes["bidQty"],
            "a": quotes["askPrice"],
            "A": quotes["askQty"],
        }
        return _head("24hrTicker", listing, ts) | _renamed(figures, _ROLLING) | around


class RollingTicker(_Tickers):
    """`ticker_<span>`: a window that opens on a minute."""

    def __init__(
        self,
        venue: Venue,
        windows: Windows,
        listings: Sequence[Listing],
        span: str,
        *,
        as_list: bool,
    ) -> None:
        super().__init__(venue, listings, as_list=as_list)
        self._windows = windows
        self._span = span

    def _ticker(self, listing: Listing, ts: Micros) -> dict[str, Any]:
        start = (ts - SPANS[self._span]) // MINUTE * MINUTE
        figures = _figures(self._windows, listing, start, ts)
        return _head(f"{self._span}Ticker", listing, ts) | _renamed(figures, _ROLLING)


class AveragePrice(_Tickers):
    """`avgPrice`: the average of five minutes by volume."""

    def __init__(self, venue: Venue, tape: Tape, listing: Listing) -> None:
        super().__init__(venue, [listing], as_list=False)
        self._tape = tape

    def _ticker(self, listing: Listing, ts: Micros) -> dict[str, Any]:
        last = int(self._tape.present(listing, ts).ts[-1])  # a cell trades at its first instant
        average = text8(self._venue.average_price(listing, ts))
        return _head("avgPrice", listing, ts) | {"i": "5m", "w": average, "T": wire.ms(last)}


def _figures(windows: Windows, listing: Listing, start: Micros, ts: Micros) -> dict[str, Any]:
    window = windows.between(listing, start, ts)
    return statistics(listing, window, start, ts, full=True)


def _renamed(figures: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {short: figures[long] for short, long in names.items()}


def _head(kind: str, listing: Listing, ts: Micros) -> dict[str, Any]:
    return {"e": kind, "E": wire.ms(ts), "s": listing.instrument.symbol}
