"""Minutes of Polygon (now named Massive) over its REST API, as a HistorySource."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import polars as pl

from trading_assets.adapters.vendor_reads import VendorReads
from trading_assets.adapters.windows import (
    day_text,
    declared_instruments,
    delivered_until,
    require_inside,
    windows,
)
from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.domain.bar import MINUTE, Bar, Timeframe
from trading_assets.domain.errors import (
    CorruptFile,
    NotTraded,
    UnknownSymbol,
    VenueError,
)
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.ports import Clock
from trading_assets.market.history import Listing, SourceTraits, VendorObject, require_begun
from trading_assets.market.vendor_json import decode_polygon, polygon_pages, polygon_rows

MOST_BARS = 50_000
"""Most base bars that Polygon reads for one answer."""

_MS = 1000  # microseconds
_WINDOW_DAYS = 8
_MOST_PAGES = 100
_GOOD = ("OK", "DELAYED")
# They name the request, not the data: without them the same bars are the same bytes. The values
# are blanked in the text itself, so that every number keeps its digits.
_OF_THE_REQUEST = re.compile(rb'("(?:request_id|next_url)"\s*:\s*)"(?:[^"\\]|\\.)*"')


class PolygonHistory:
    """Polygon: a month of minutes is four objects, each made of one or more pages.

    The key goes into a header. `next_url` is followed on the configured host only. The vendor has
    no clock to ask, so the desk's decides what is finished.
    """

    def __init__(
        self,
        reads: VendorReads,
        clock: Clock,
        traits: SourceTraits,
        *,
        delay_minutes: int,
        declared: Mapping[Symbol, InstrumentDeclaration],
        most_bars: int = MOST_BARS,
    ) -> None:
        self.name = traits.name
        self.store = traits.store
        self._reads = reads
        self._clock = clock
        self._delay_minutes = delay_minutes
        self._declared = declared
        self._most_bars = most_bars
        self._listed: dict[Symbol, Micros | None] = {}

    def now(self) -> Micros:
        """Give the desk's time."""
        return self._clock.now()

    def listing(self, symbol: Symbol, month: Month) -> Listing:
        """List the windows of a month, as far as the vendor has delivered.

        Where Polygon does not say when a symbol was listed (crypto, FX) the first bar decides.

        Raises:
            UnknownSymbol: if Polygon does not have the symbol, or had not in this month.
            NotTraded: if the month is before the listing, or nothing of it is delivered yet.
            DataError: if it is in the future.
            VenueError: if the vendor cannot be reached, or refuses.
        """
        now = self.now()
        require_begun(symbol, month, now)
        listed = self._listing_day(symbol, min(month.end, now) - 1)
        if listed is not None and listed >= month.end:
            raise NotTraded(
                f"{symbol} has no bars in {month}",
                expected="a month in which it was listed",
                found=f"its listing on {day_text(listed)}",
                fix="Choose a later month.",
            )
        delivered = delivered_until(
            symbol, month, now, delay_minutes=self._delay_minutes, step=MINUTE
        )
        objects = windows(
            symbol,
            month,
            f"{self._reads.url} {self.vendor_symbol(symbol)}",
            kind="polygon_json",
            timeframe=Timeframe.M1,
            days=_WINDOW_DAYS,
            delivered=delivered,
        )
        return Listing(
            objects,
            start=None if listed is None else max(month.start, listed),
            end=min(month.end, delivered),
        )

    def fetch(self, symbol: Symbol, wanted: VendorObject) -> bytes:
        """Give the pages of one window, joined by line feeds.

        Raises:
            CorruptFile: if they are adjusted for splits, or not about this window.
            VenueError: if the vendor cannot be reached, or refuses.
        """
        doing = f"bars of {symbol} from {day_text(wanted.start)}"
        ticker = quote(self.vendor_symbol(symbol), safe="")
        span = f"{wanted.start // _MS}/{wanted.end // _MS - 1}"  # the vendor's end is inclusive
        target: str | None = f"/v2/aggs/ticker/{ticker}/range/1/minute/{span}"
        query: dict[str, str] | None = {
            "adjusted": "false",
            "sort": "asc",
            "limit": str(self._most_bars),
        }
        pages: list[bytes] = []
        followed: set[str] = set()
        while target is not None:
            data, page = self._page(target, query, doing)
            pages.append(_OF_THE_REQUEST.sub(rb'\1""', data))
            followed.add(target)
            target, query = self._next(page, doing), None
            if target in followed or len(pages) > _MOST_PAGES:
                raise VenueError(
                    f"{doing}: the pages of Polygon do not end",
                    expected=f"at most {_MOST_PAGES}, each another one",
                    found=f"{len(pages)} pages",
                )
        joined = b"\n".join(pages)
        self._reads.require_no_key(joined, doing)
        ts = decode_polygon(joined, wanted.name)["ts"].to_physical()
        require_inside(wanted, ts.min(), ts.max())
        return joined

    def minutes(self, symbol: Symbol, start: Micros, end: Micros) -> tuple[Bar, ...]:
        """Give the bars with open time in [start, end), which must all have ended; for live feeds.

        Raises:
            CorruptFile: if they are adjusted for splits, or not about this span.
            VenueError: if the vendor cannot be reached, or refuses.
        """
        name = f"{symbol}-1m-{day_text(start)}-live.json"
        asked = VendorObject(name, "polygon_json", start, end, finished=False)
        rows = decode_polygon(self.fetch(symbol, asked), name)
        columns = rows.select(pl.col("ts").to_physical(), pl.exclude("ts"))
        return tuple(Bar(symbol, *row) for row in columns.iter_rows())

    def vendor_symbol(self, symbol: Symbol) -> str:
        """Give what Polygon calls a symbol: as declared, else its own name."""
        said = self._declared.get(symbol)
        return (said.vendor_symbol if said else "") or symbol

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give instruments as declared; Polygon says nothing of grids.

        Raises:
            UnknownSymbol: naming the keys that are missing.
        """
        return declared_instruments(symbols, self._declared, self.name)

    def _page(
        self, target: str, query: dict[str, str] | None, doing: str
    ) -> tuple[bytes, dict[str, Any]]:
        """Read one page of bars that is whole and unadjusted."""
        data, page = self._reads.get(target, query, doing, lambda answer: _whole(answer, doing))
        if page.get("status") not in _GOOD:
            raise self._reads.refusal(doing, page.get("error") or page.get("message") or page)
        polygon_pages(data, doing)
        return data, page

    def _next(self, page: dict[str, Any], doing: str) -> str | None:
        """Give the address of the page after this one, without a key."""
        url = str(page.get("next_url") or "")
        if not url:
            if len(page.get("results") or []) >= self._most_bars:
                raise VenueError(
                    f"{doing}: Polygon gives a full page and no next one",
                    expected="next_url",
                    found=f"{self._most_bars} bars",
                    fix="Nothing was stored: bars would be missing without notice.",
                )
            return None
        if not self._reads.same_host(url):
            raise VenueError(
                f"{doing}: the next page of Polygon is on another host",
                expected=self._reads.url,
                found=str(urlsplit(url).hostname),
                fix="Nothing was sent there. Check the URL of the source.",
            )
        parts = urlsplit(url)
        kept = [(k, v) for k, v in parse_qsl(parts.query) if k.lower() != "apikey"]
        return parts._replace(query=urlencode(kept)).geturl()

    def _listing_day(self, symbol: Symbol, at: Micros) -> Micros | None:
        """Ask once per symbol that was found; a name means what it meant at that time."""
        if symbol not in self._listed:
            doing = f"description of {symbol} on {day_text(at)}"
            ticker = quote(self.vendor_symbol(symbol), safe="")
            _, answer = self._reads.get(
                f"/v3/reference/tickers/{ticker}",
                {"date": day_text(at)},
                doing,
                lambda data: _whole(data, doing),
            )
            described = answer.get("results")
            if not isinstance(described, dict):
                raise UnknownSymbol(f"{doing}: Polygon does not have it", found=str(answer)[:200])
            self._listed[symbol] = _day(described.get("list_date"), doing)
        return self._listed[symbol]


def _whole(data: bytes, name: str) -> dict[str, Any]:
    """Read a JSON object; bars in it must be as many as it says.

    Raises:
        CorruptFile: if it is anything else, or cut off.
    """
    try:
        page = json.loads(data)
    except ValueError:
        page = None
    if not isinstance(page, dict):
        raise CorruptFile(name, expected="a whole JSON object", found=repr(data[:60]))
    if "resultsCount" in page:
        polygon_rows(page, name)
    return page


def _day(text: object, doing: str) -> Micros | None:
    if text is None:
        return None
    try:
        return int(datetime.strptime(str(text), "%Y-%m-%d").replace(tzinfo=UTC).timestamp() * 1e6)
    except ValueError:
        raise VenueError(f"{doing}: not a date", found=repr(text)[:60]) from None
