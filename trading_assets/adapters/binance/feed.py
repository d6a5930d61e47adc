"""One-minute bars over python-binance: own pager, live bar source, history page by page.

The library's own helper for history is not used: it loses a bar at page borders, sleeps, includes
the unfinished bar and never retries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from trading_assets.adapters.binance.client import call
from trading_assets.adapters.binance.instruments import instrument_from_entry
from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import DataError, NotTraded, UnknownSymbol, VenueUnavailable
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.ports import Clock
from trading_assets.market.history import Listing, VendorObject, require_begun

Answer = TypeVar("Answer")

PAGE_BARS = 1000
"""Most bars that the venue gives at once."""

_MS = 1000  # microseconds
_REVISION_TIME = 2 * MINUTE  # a closed bar may still be revised for seconds; younger is read again


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the venue.

    Attributes:
        data: its bytes, untouched.
        rows: the bars in it, 12 fields each.
    """

    data: bytes
    rows: list[list[Any]]


class KlinePager:
    """Reads of public market data, repeated with pauses when the venue cannot answer."""

    def __init__(self, client: Any, clock: Clock, *, max_attempts: int) -> None:
        self._client = client
        self._clock = clock
        self._max_attempts = max_attempts

    def now(self) -> Micros:
        """Give the venue's time; only it says whether a bar is finished."""
        doing = "time of the venue"
        answer = self._call(self._client.get_server_time, doing)
        return _parsed(lambda: int(answer["serverTime"]) * _MS, doing)

    def page(self, symbol: Symbol, start: Micros, end: Micros) -> Page:
        """Fetch the first bars with open time in [start, end), at most PAGE_BARS."""
        span = {
            "startTime": -(-start // _MS),
            "endTime": -(-end // _MS) - 1,  # the venue's end is inclusive
        }
        return self._page(f"bars of {symbol}", symbol=symbol, limit=PAGE_BARS, **span)

    def pages(self, symbol: Symbol, start: Micros, end: Micros) -> Iterator[Page]:
        """Fetch all bars with open time in [start, end), page after page.

        The venue steps over gaps by itself, so a page that is not full is the last one.
        """
        while start < end:
            page = self.page(symbol, start, end)
            if page.rows:
                yield page
            if len(page.rows) < PAGE_BARS:
                return
            start = open_time(page.rows[-1]) + MINUTE

    def first_open(self, symbol: Symbol) -> Micros | None:
        """Give the open time of the symbol's first bar ever, None before it has one."""
        page = self._page(f"first bar of {symbol}", symbol=symbol, limit=1, startTime=0)
        return open_time(page.rows[0]) if page.rows else None

    def instrument(self, symbol: Symbol) -> Instrument:
        """Give a symbol's grid of prices and quantities.

        Raises:
            UnknownSymbol: if the venue does not list it.
        """
        return instrument_from_entry(self.entry(symbol))

    def entry(self, symbol: Symbol) -> Mapping[str, Any]:
        """Give what exchangeInfo says of a symbol.

        Raises:
            UnknownSymbol: if the venue does not list it.
        """
        doing = f"description of {symbol}"
        answer = self._call(
            # The library's public method asks for all symbols of the venue: megabytes.
            lambda: self._client._get("exchangeInfo", data={"symbol": symbol}),  # noqa: SLF001
            doing,
        )
        entries: dict[str, Mapping[str, Any]] = _parsed(
            lambda: {entry["symbol"]: entry for entry in answer["symbols"]}, doing
        )
        if symbol not in entries:
            raise UnknownSymbol(f"The venue does not describe {symbol}", found="no such entry")
        return entries[symbol]

    def _page(self, doing: str, **parameters: Any) -> Page:
        def ask() -> Page:
            rows = self._client.get_klines(interval="1m", **parameters)
            return Page(self._client.response.content, rows)

        page = self._call(ask, doing)
        if not isinstance(page.rows, list):
            raise _unreadable(doing, f"{type(page.rows).__name__} {str(page.rows)[:80]}")
        return page

    def _call(self, request: Callable[[], Answer], doing: str) -> Answer:
        return call(request, doing, clock=self._clock, max_attempts=self._max_attempts)


class BinanceBarSource:
    """Finished one-minute bars, for trading; implements `domain.ports.BarSource`."""

    def __init__(self, pager: KlinePager) -> None:
        self._pager = pager
        self._told: Micros = 0

    def now(self) -> Micros:
        """Give the venue's time."""
        self._told = self._pager.now()
        return self._told

    def bars(self, symbol: Symbol, start: Micros, end: Micros) -> Iterator[Bar]:
        """Yield finished bars with open time in [start, end), strictly increasing.

        The venue's time is asked before its bars, so a bar that ends in between counts as
        unfinished, never the other way round. It is not asked when the last answer was late enough
        for all of them: between a bar's close and its order each question counts.

        Raises:
            UnknownSymbol, VenueUnavailable, RateLimited, VenueError: from the venue.
            DataError: if the venue's bars do not increase, or are off the minute grid.
        """
        if self._told < -(-end // MINUTE) * MINUTE:
            self.now()
        finished = min(end, self._told - MINUTE + 1)
        last = start - 1
        for page in self._pager.pages(symbol, start, finished):
            for row in page.rows:
                bar = bar_from_row(symbol, row)
                if bar.ts >= finished:
                    return
                if bar.ts <= last or bar.ts % MINUTE:
                    raise DataError(
                        f"Bars of {symbol} from the venue are out of order or off the grid",
                        expected=f"a whole minute after {last}",
                        found=str(bar),
                    )
                last = bar.ts
                yield bar

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give the trading grid of each symbol.

        Raises:
            UnknownSymbol: if the venue does not list one of them.
        """
        return tuple(self._pager.instrument(symbol) for symbol in symbols)


class RestHistory:
    """One-minute bars of a venue's REST API, as a HistorySource.

    A month is cut into fixed windows of PAGE_BARS minutes from its start, so that every run asks
    for the same objects; a short or empty page inside an outage is then nothing special.
    """

    def __init__(self, pager: KlinePager, *, name: str, store: str) -> None:
        self.name = name
        self.store = store
        self._pager = pager

    def now(self) -> Micros:
        """Give the venue's time."""
        return self._pager.now()

    def listing(self, symbol: Symbol, month: Month) -> Listing:
        """List the windows of a month that have begun, up to the last finished minute.

        Raises:
            UnknownSymbol: if the venue does not list the symbol.
            NotTraded: if the month is before that of the symbol's first bar.
            DataError: if the month is in the future, or its first bar has not ended.
            VenueError: if the venue cannot be reached.
        """
        now = self.now()
        require_begun(symbol, month, now)
        first = self._pager.first_open(symbol)
        end = min(month.end, now - now % MINUTE)
        if first is None or first >= end:
            kind = NotTraded if first is not None and first >= month.end else DataError
            raise kind(
                f"{symbol} has no bars in {month}",
                expected="a month in which the symbol was listed",
                found="no bar at all" if first is None else f"its first bar in {Month.of(first)}",
                fix="Choose a later month.",
            )
        window = PAGE_BARS * MINUTE
        objects = tuple(
            VendorObject(
                name=f"{symbol}-1m-{month}-page{number:02d}.json",
                kind="klines_json",
                start=start,
                end=min(start + window, end),
                finished=min(start + window, month.end) <= now - _REVISION_TIME,
            )
            for number, start in enumerate(range(month.start, end, window))
            if start + window > first
        )
        return Listing(objects, start=max(month.start, first), end=end)

    def fetch(self, symbol: Symbol, wanted: VendorObject) -> bytes:
        """Give the bytes of one page.

        Raises:
            VenueError: if the venue cannot be reached.
        """
        return self._pager.page(symbol, wanted.start, wanted.end).data

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give the trading grid of each symbol.

        Raises:
            UnknownSymbol: if the venue does not list one of them.
        """
        return tuple(self._pager.instrument(symbol) for symbol in symbols)


def open_time(row: list[Any]) -> Micros:
    """Give the open time of a bar as the venue sends it (milliseconds).

    Raises:
        VenueUnavailable: if it is not a bar.
    """
    return _parsed(lambda: int(row[0]) * _MS, "open time of a bar")


def bar_from_row(symbol: Symbol, row: list[Any]) -> Bar:
    """Read one bar: 12 fields, numbers as text.

    Raises:
        VenueUnavailable: if it is not a bar.
    """
    return _parsed(
        lambda: Bar(
            symbol=symbol,
            ts=open_time(row),
            open=float(row[1]),
            high=float(row[2]),
            low=float(row[3]),
            close=float(row[4]),
            volume=float(row[5]),
            quote_volume=float(row[7]),
            n_trades=int(row[8]),
        ),
        f"bar of {symbol}",
    )


def _parsed(parse: Callable[[], Answer], doing: str) -> Answer:
    try:
        return parse()
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise _unreadable(doing, f"{type(error).__name__} {error}") from None


def _unreadable(doing: str, found: str) -> VenueUnavailable:
    return VenueUnavailable(
        f"{doing}: the venue's answer cannot be read", found=found, fix="Try again later."
    )
