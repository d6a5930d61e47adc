"""The seeded market's bars as files in the layout of data.binance.vision, checksums beside them.

A pure function of the market: equal settings write equal bytes. Whole months become monthly files,
other days daily ones; as at the vendor, times are in microseconds from 2025 on.
"""

from __future__ import annotations

import calendar
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.exchange.config import ExchangeConfig
from trading_assets.exchange.market.intervals import INTERVALS
from trading_assets.exchange.market.klines import Klines
from trading_assets.exchange.market.listing import Listing, listing_of
from trading_assets.exchange.market.market_model import MarketModel
from trading_assets.exchange.market.outages import Outages
from trading_assets.exchange.market.tape import Tape

_MICROS_FROM_MS = 1_735_689_600_000  # 2025-01-01
_DAY_MS = 86_400_000
_EVER = 1 << 40


@dataclass(frozen=True, slots=True)
class Span:
    """What one file holds: whole days, the last one included."""

    first: date
    last: date
    is_month: bool

    @property
    def name(self) -> str:
        """The date part of its name."""
        return f"{self.first:%Y-%m}" if self.is_month else f"{self.first:%Y-%m-%d}"


def spans(first: date, last: date) -> Iterator[Span]:
    """Cut days, both inclusive, into months where they are whole and days where not."""
    day = first
    while day <= last:
        end = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        is_month = day.day == 1 and end <= last
        yield Span(day, end if is_month else day, is_month)
        day = (end if is_month else day) + timedelta(days=1)


class Market:
    """The bars of one seed.

    Raises:
        ConfigurationError: for an unknown interval or a symbol that cannot be listed.
    """

    def __init__(
        self, symbols: tuple[str, ...], intervals: tuple[str, ...], seed: int, structure: float
    ) -> None:
        for interval in intervals:
            if interval not in INTERVALS:
                raise ConfigurationError(
                    "No such interval", expected=", ".join(INTERVALS), found=interval
                )
        config = ExchangeConfig(symbols=symbols, seed=seed, structure=structure)
        self.symbols, self.intervals = config.symbols, intervals
        self._listings = {symbol: listing_of(symbol) for symbol in config.symbols}
        self._klines = Klines(Tape(MarketModel(seed, structure), Outages(seed)))

    def write(self, symbol: str, interval: str, span: Span, folder: Path) -> int:
        """Write one zip and its CHECKSUM below `folder`; give its bars, 0 for no file."""
        return write_span(self._klines, self._listings[symbol], interval, span, folder)


def write_span(klines: Klines, listing: Listing, interval: str, span: Span, folder: Path) -> int:
    """Write one zip and its CHECKSUM; give the number of bars, 0 for no file.

    Args:
        klines: of the market.
        listing: whose bars.
        interval: size, as on the wire.
        span: which days.
        folder: root of the mirror; files go to `data/spot/...` below it.
    """
    rows = _rows(klines, listing, interval, span)
    if not rows:
        return 0
    size = "1mo" if interval == "1M" else interval
    symbol = listing.instrument.symbol
    period = "monthly" if span.is_month else "daily"
    place = folder / "data" / "spot" / period / "klines" / symbol / size
    stem = f"{symbol}-{size}-{span.name}"
    content = _zipped(f"{stem}.csv", "".join(rows).encode())
    place.mkdir(parents=True, exist_ok=True)
    _write(place / f"{stem}.zip", content)
    digest = hashlib.sha256(content).hexdigest()
    _write(place / f"{stem}.zip.CHECKSUM", f"{digest}  {stem}.zip\n".encode())
    return len(rows)


def _rows(klines: Klines, listing: Listing, interval: str, span: Span) -> list[str]:
    start, end = _ms(span.first), _ms(span.last) + _DAY_MS
    # Long bars that open in the span may close after it.
    now: Micros = (end + 62 * _DAY_MS) * 1_000
    pages = klines.pages(
        listing, INTERVALS[interval], now, start_ms=start, end_ms=end - 1, limit=_EVER
    )
    return [_csv(json.loads(row)) for page in pages for row in page]


def _csv(row: list[str | int]) -> str:
    opened, closed = int(row[0]), int(row[6])
    if opened >= _MICROS_FROM_MS:
        row[0], row[6] = opened * 1_000, closed * 1_000 + 999
    return ",".join(str(value) for value in row) + "\n"


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000


def _zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        entry = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, content)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
