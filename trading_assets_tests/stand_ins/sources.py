"""Every kind of source as settings name it: the same minutes of BTCUSDT behind each of them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import polars as pl

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.ids import Micros, Month
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.settings import Settings, load_settings
from trading_assets_tests.stand_ins.eodhd import eodhd
from trading_assets_tests.stand_ins.polygon import polygon

KINDS = ("embedded", "binance", "archive", "package", "eodhd", "polygon")
FEBRUARY = Month(2024, 2)

_DECLARED = """
    [instruments.BTCUSDT]
    vendor_symbol = "{vendor_symbol}"
    base = "BTC"
    quote = "USDT"
    tick = "0.01"
    lot = "0.00001"
    """
_PACKAGE = """
    [sources.package]
    kind = "package"
    root = "."
    pattern = "{symbol}.parquet"
    columns = { ts = "timestamp", open = "open", high = "high", low = "low", close = "close" }
    """


@dataclass(frozen=True)
class Span:
    """What the sources have whose market we make: minutes from `first` on, but for the hole.

    `first` is the midnight of a day of February 2024. The exchange has a market of its own.
    """

    first: Micros = FEBRUARY.start
    hole: tuple[Micros, Micros] = (0, 0)

    def has(self, ts: Micros) -> bool:
        return ts >= self.first and not self.hole[0] <= ts < self.hole[1]


@contextmanager
def source_of_kind(kind: str, root: Path, span: Span = Span()) -> Iterator[Settings]:
    """Lay down, or serve, one source and give the settings of a desk that reads BTCUSDT from it."""
    environ = {"TA_HOME": str(root), "TA_SOURCE": kind, "TA_SYMBOLS": '["BTCUSDT"]'}
    with ExitStack() as opened:
        if kind == "binance":
            config = ExchangeConfig(symbols=("BTCUSDT",), weight_limit=2**31 - 1)
            exchange = opened.enter_context(running_exchange(config))
            environ["TA_BINANCE__API_URL"] = exchange.api_url
        elif kind == "archive":
            lay_down_archive(root, span)
            environ["TA_ARCHIVE_ROOT"] = str(root)
        elif kind == "package":
            lay_down_package(root, span)
        elif kind in ("eodhd", "polygon"):
            environ |= opened.enter_context(_vendor(kind, root, span))
        yield load_settings(environ).settings


def lay_down_archive(root: Path, span: Span) -> None:
    """Two months of the archive's layout: February whole, March in days."""
    march = FEBRUARY.shift(1)
    _put(root / "monthly", "2024-02", FEBRUARY.start, FEBRUARY.end, span)
    for day in range(31):
        start = march.start + day * DAY
        _put(root / "daily", f"2024-03-{day + 1:02d}", start, start + DAY, span)


def lay_down_package(root: Path, span: Span) -> None:
    """A file of all history, in another case than ours, that ends in April."""
    end = Month(2024, 4).start + 60 * MINUTE
    prices = [
        pl.lit(x).alias(n)
        for n, x in zip(("OPEN", "HIGH", "LOW", "CLOSE"), (2, 4, 1, 3), strict=True)
    ]
    opens = pl.Series("Timestamp", [ts // 10**6 for ts in _minutes(FEBRUARY.start, end, span)])
    pl.DataFrame(opens).with_columns(*prices).write_parquet(root / "BTC-USD.parquet")
    declared = _DECLARED.format(vendor_symbol="BTC-USD")
    (root / "trading_assets.toml").write_text(_PACKAGE + declared)


@contextmanager
def _vendor(kind: str, root: Path, span: Span) -> Iterator[dict[str, str]]:
    """Run a vendor's stand-in, declare it, and give the variable with its key."""
    first = datetime.fromtimestamp(span.first // 10**6, UTC).date()
    with ExitStack() as opened:
        if kind == "eodhd":
            vendor_symbol = "BTC-USD.CC"
            days = opened.enter_context(eodhd())
            days.first_days[vendor_symbol] = first
            days.rewrite = lambda rows: [
                row for row in rows if span.has(row.get("timestamp", span.first // 10**6) * 10**6)
            ]
            url, key = days.url, days.key
        else:
            vendor_symbol = "BTCUSD"
            minutes = opened.enter_context(polygon())
            minutes.list_dates[vendor_symbol] = str(first)
            minutes.rewrite = lambda bars: [bar for bar in bars if span.has(bar["t"] * 1000)]
            url, key = minutes.url, minutes.key
        declared = f"""
            [sources.{kind}]
            kind = "{kind}"
            timeframe = "1m"
            url = "{url}"
            requests_per_minute = 10000
            """ + _DECLARED.format(vendor_symbol=vendor_symbol)
        (root / "trading_assets.toml").write_text(declared)
        yield {f"TA_{kind.upper()}_API_KEY": key}


def _minutes(start: Micros, end: Micros, span: Span) -> list[Micros]:
    return [ts for ts in range(start, end, MINUTE) if span.has(ts)]


def _put(folder: Path, period: str, start: Micros, end: Micros, span: Span) -> None:
    path = folder / "klines/BTCUSDT/1m" / f"BTCUSDT-1m-{period}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    opens = pl.Series("open", [ts // 1000 for ts in _minutes(start, end, span)])
    close = (opens + 59_999).alias("close")
    numbers = [pl.lit(x).alias(f"n{i}") for i, x in enumerate((9.5, 10.5, 9.0, 10.0, 3.0))]
    rest = [pl.lit(x).alias(f"r{i}") for i, x in enumerate((30.0, 4, 1.0, 10.0, 0))]
    frame = pl.DataFrame({"open": opens}).select("open", *numbers, close, *rest)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}.csv", frame.write_csv(include_header=False))
    path.write_bytes(buffer.getvalue())
    digest = sha256(buffer.getvalue()).hexdigest()
    path.with_name(path.name + ".CHECKSUM").write_text(f"{digest}  {path.name}\n")
