"""Bars of EODHD over its REST API, as a HistorySource: days as traded, or minutes."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from trading_assets.adapters.vendor_reads import VendorReads
from trading_assets.adapters.windows import (
    day_text,
    declared_instruments,
    delivered_until,
    require_inside,
    windows,
)
from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.domain.bar import DAY, Timeframe
from trading_assets.domain.errors import CorruptFile, DataError, NotTraded, UnknownSymbol
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.ports import Clock
from trading_assets.market.history import Listing, SourceTraits, VendorObject, require_begun
from trading_assets.market.vendor_json import decode_eodhd, eodhd_rows

_SECOND = 1_000_000
_WINDOW_DAYS = {Timeframe.M1: 8, Timeframe.D1: 31}  # the vendor allows 120 days of minutes
_FIELD = {Timeframe.M1: "timestamp", Timeframe.D1: "date"}


class EodhdHistory:
    """EODHD: a month of days is one object, a month of minutes four.

    The vendor has no clock to ask, so the desk's decides what is finished. A day's minutes come
    in one piece hours after the session, so only whole days are listed.
    """

    def __init__(
        self,
        reads: VendorReads,
        clock: Clock,
        traits: SourceTraits,
        *,
        delay_minutes: int,
        declared: Mapping[Symbol, InstrumentDeclaration],
    ) -> None:
        self.name = traits.name
        self.store = traits.store
        self._timeframe = traits.timeframe
        self._reads = reads
        self._clock = clock
        self._delay_minutes = delay_minutes
        self._declared = declared
        self._first_months: dict[Symbol, Month | None] = {}

    def now(self) -> Micros:
        """Give the desk's time."""
        return self._clock.now()

    def listing(self, symbol: Symbol, month: Month) -> Listing:
        """List the windows of a month, as far as the vendor has delivered.

        In the first month of the symbol its first bar decides where history starts. Of days there
        is nothing to list on the first of a month, and that is no error.

        Raises:
            UnknownSymbol: if EODHD does not have the symbol, or its name has no exchange.
            NotTraded: if the month is before the first bar, or no minute of it is delivered yet.
            DataError: if it is in the future.
            VenueError: if the vendor cannot be reached, or refuses.
        """
        now = self.now()
        require_begun(symbol, month, now)
        first = self._first_month(symbol)
        if first is None or month < first:
            kind = DataError if first is None else NotTraded
            raise kind(
                f"{symbol} has no bars in {month}",
                expected="a month in which EODHD has it",
                found="no bar at all" if first is None else f"its first bar in {first}",
                fix="Choose a later month.",
            )
        delivered = delivered_until(
            symbol,
            month,
            now,
            delay_minutes=self._delay_minutes,
            step=DAY,
            may_be_nothing=self._timeframe is Timeframe.D1,
        )
        objects = windows(
            symbol,
            month,
            f"{self._reads.url} {self._vendor_symbol(symbol)}",
            kind="eodhd_json",
            timeframe=self._timeframe,
            days=_WINDOW_DAYS[self._timeframe],
            delivered=delivered,
        )
        return Listing(
            objects, start=month.start if month > first else None, end=min(month.end, delivered)
        )

    def fetch(self, symbol: Symbol, wanted: VendorObject) -> bytes:
        """Give the bytes of one window.

        Raises:
            CorruptFile: if they are not about this window, or prices are adjusted in part.
            UnknownSymbol: if EODHD does not have the symbol.
            VenueError: if the vendor cannot be reached, or refuses.
        """
        doing = f"bars of {symbol} from {day_text(wanted.start)}"
        last = wanted.end - _SECOND  # the vendor's end is inclusive
        if self._timeframe is Timeframe.M1:
            span = {"from": str(wanted.start // _SECOND), "to": str(last // _SECOND)}
            path, query = "intraday", {"interval": "1m", **span}
        else:
            span = {"from": day_text(wanted.start), "to": day_text(last)}
            path, query = "eod", {"period": "d", "order": "a", **span}
        data = self._get(path, symbol, query, doing)
        rows = eodhd_rows(data, wanted.name)
        if not all(_FIELD[self._timeframe] in row for row in rows):
            raise CorruptFile(
                f"The answer for {wanted.name} has bars of another size",
                expected=f"the field {_FIELD[self._timeframe]} in each",
                found=str(rows[0])[:200],
                fix="Nothing was stored. Check what the vendor's plan includes.",
            )
        ts = decode_eodhd(data, wanted.name)["ts"].to_physical()
        require_inside(wanted, ts.min(), ts.max())
        return data

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give instruments as declared; EODHD says nothing of grids.

        Raises:
            UnknownSymbol: naming the keys that are missing.
        """
        return declared_instruments(symbols, self._declared, self.name)

    def _first_month(self, symbol: Symbol) -> Month | None:
        """Ask once for the months of all history: a few hundred rows."""
        if symbol not in self._first_months:
            query = {"period": "m", "order": "a"}
            doing = f"first bar of {symbol}"
            rows = eodhd_rows(self._get("eod", symbol, query, doing), doing)
            months = sorted(Month.from_text(str(row.get("date"))[:7]) for row in rows)
            self._first_months[symbol] = months[0] if months else None
        return self._first_months[symbol]

    def _get(self, path: str, symbol: Symbol, query: dict[str, str], doing: str) -> bytes:
        target = f"/api/{path}/{quote(self._vendor_symbol(symbol), safe='')}"
        data, _ = self._reads.get(
            target, query | {"fmt": "json"}, doing, lambda answer: eodhd_rows(answer, doing)
        )
        self._reads.require_no_key(data, doing)
        return data

    def _vendor_symbol(self, symbol: Symbol) -> str:
        said = self._declared.get(symbol)
        name = (said.vendor_symbol if said else "") or symbol
        code, dot, exchange = name.rpartition(".")
        if not (code and dot and exchange):
            # EODHD would take it for a symbol of the United States, and say nothing.
            raise UnknownSymbol(
                f"{symbol} has no exchange, which EODHD needs",
                expected="a name such as AAPL.US",
                found=repr(name),
                fix=f"Set vendor_symbol in [instruments.{symbol}].",
            )
        return name
