"""Every file of real bars loads through a declared source, and nothing is skipped in silence."""

import os
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from trading_assets.adapters.package_files import PackageHistory
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.declarations.instruments import InstrumentDeclaration
from trading_assets.declarations.packages import Package
from trading_assets.domain.bar import MINUTE, Timeframe, minute_text
from trading_assets.domain.errors import CorruptFile, MissingPartition
from trading_assets.domain.ids import Month, Symbol, months_between
from trading_assets.market.archive_files import DECODED_SCHEMA
from trading_assets.market.column_map import file_rows
from trading_assets.market.decoding import month_rows
from trading_assets.market.history import SourceTraits, VendorObject
from trading_assets.market.quality import clean_bars

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_DATA = _SHARED / "data"
_DECLARED = tomllib.loads(Path(__file__).with_name("declared_sources.toml").read_text())["sources"]

_ARCHIVES = "binance/spot/daily/", "binance/spot/monthly/"  # of test_binance_archives.py

FILES = {  # file, or folder of dated files: source and what the vendor calls the symbol
    "binance/futures_um/monthly": ("futures_um", "FILUSDT"),
    **{
        f"binance/spot/dirty/{name}_1m_ohlcv_2020.parquet": ("bars", f"{name}_1m_ohlcv_2020")
        for name in ("BCHBTC", "LINKBTC", "NANOBTC", "NEOBTC")
    },
    **{
        f"binance/spot/parquet/{name}_1h.parquet": ("hours", f"{name}_1h")
        for name in ("BNBUSDT", "BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT")
    },
    **{
        f"binance/spot/parquet/{name}_15m.parquet": ("quarters", f"{name}_15m")
        for name in ("BTCUSDT", "ETHUSDT")
    },
    "binance/spot/parquet/BTCUSDT_1m_2022-10_2023-09.parquet": (
        "counted",
        "BTCUSDT_1m_2022-10_2023-09",
    ),
    **{
        f"binance/spot/parquet/{name}.parquet": ("bars", name)
        for name in (
            "BTCUSDT_1m_ohlcv_2025-06",
            "ETHUSDT_1m_ohlcv_2025-06",
            "LTCUSDT_1m_ohlcv_2020-06",
        )
    },
    "binance/spot/revised/BTCUSDT_1m_restated_bars.csv": ("restated", "BTCUSDT_1m_restated_bars"),
    "binance/spot/trades_to_bars/XRP_ETH-1m.parquet": ("bars", "XRP_ETH-1m"),
    "binance/spot/trades_to_bars/XRP_ETH-5m.parquet": ("fives", "XRP_ETH-5m"),
    "binance_us/BTCUSDT_1m_2023-03.parquet": ("bars", "BTCUSDT_1m_2023-03"),
    "equity/GOOG.csv": ("goog", "GOOG"),
    "equity/gdx_daily_2006_2012.parquet": ("days", "gdx_daily_2006_2012"),
    "equity/gld_daily_2006_2012.parquet": ("days", "gld_daily_2006_2012"),
    "equity/nt-spy-minute-2011-03.parquet": ("ninja", "nt-spy-minute-2011-03"),
    "equity/sharpe-ratio-test-ige.csv": ("days_csv", "sharpe-ratio-test-ige"),
    "equity/sharpe-ratio-test-spy.csv": ("days_csv", "sharpe-ratio-test-spy"),
    "futures/6EH4_1m_2024-01.parquet": ("cme", "6EH4_1m_2024-01"),
    "fx/EURUSD.csv": ("eurusd_hours", "EURUSD"),
    "fx/gbpusd-m1-ask-2012.parquet": ("fxcm", "gbpusd-m1-ask-2012"),
    "fx/gbpusd-m1-bid-2012.parquet": ("fxcm", "gbpusd-m1-bid-2012"),
    "indicators/quotes/compare.csv": ("days_csv", "compare"),
    "indicators/quotes/default.csv": ("days_csv", "default"),
    "indicators/quotes/intraday.csv": ("intraday", "intraday"),
    "lean/crypto/binance/minute/btcbusd": ("lean_crypto", "btcbusd"),
    **{
        f"lean/equity/usa/daily/{name}.zip": ("lean_days", name)
        for name in ("aapl", "aig", "bac", "eem", "ibm", "iwm", "qqq", "spy")
    },
    "lean/equity/usa/hour/spy.zip": ("lean_hours", "spy"),
    "lean/equity/usa/minute/bac": ("lean_equity", "bac"),
    "lean/equity/usa/minute/ibm": ("lean_equity", "ibm"),
    "lean/equity/usa/minute/spy": ("lean_equity", "spy"),
    "lean/equity/usa/minute/spy (quotes)": ("lean_equity_quotes", "spy"),
    "lean/forex/fxcm/daily/eurusd.zip": ("lean_forex_days", "eurusd"),
    "lean/forex/oanda/minute/eurusd": ("lean_forex", "eurusd"),
}

SPOILT = "indicators/quotes/bad.csv"

NOT_BARS = {
    "SHA256SUMS": "checksums",
    "README.md": "the description",
    "binance/fixtures/": "recorded messages",
    "binance/spot/ticks/": "ticks and order books",
    "binance/spot/trades_to_bars/XRP_ETH-trades.parquet": "trades",
    "binance/spot/ws/": "recorded messages",
    "equity/Country_ETF.parquet": "one price a day for each of many symbols, no bars",
    "equity/XLF-XLK.parquet": "one price a day for each of two symbols",
    "equity/factors_dataset.csv.gz": "adjusted closes",
    "equity/gld_gdx_data.parquet": "one price a day for each of two symbols",
    "equity/sp500_dataset.csv.gz": "adjusted closes",
    "equity/sp500_index.csv.gz": "closes of an index",
    "indicators/results_shared.zip": "values of indicators",
    "indicators/tulip_atoz.txt": "values of indicators",
    "lean/alternative/": "interest rates",
    "lean/equity/usa/factor_files/": "splits and dividends",
    "lean/equity/usa/second/": "bars of seconds, a size that no table here has",
    "rates/": "yields",
}


@pytest.fixture(autouse=True)
def _needs_the_data() -> None:
    if not _DATA.is_dir():
        pytest.skip(f"no data at {_DATA}")


def opened(file: str) -> tuple[PackageHistory, SourceTraits, Symbol]:
    source, vendor = FILES[file]
    path = _DATA / file.removesuffix(" (quotes)")
    nested = "{symbol}/" in _DECLARED[source]["pattern"]
    root = path.parent if nested or path.is_file() else path
    declared = Package(**(_DECLARED[source] | {"root": root}))
    traits = SourceTraits(source, source, Timeframe(declared.timeframe), package=declared)
    symbol = Symbol("ANY")
    instruments = {symbol: InstrumentDeclaration(vendor_symbol=vendor)}
    return PackageHistory(traits, declared, WallClock(), instruments), traits, symbol


def rows_of(file: str, first: Month, last: Month) -> pl.DataFrame:
    history, traits, symbol = opened(file)
    frames = []
    for month in months_between(first, last):
        listing = history.listing(symbol, month)
        data = ((item, history.fetch(symbol, item)) for item in listing.objects)
        frames.append(month_rows(data, traits, month))
    return pl.concat(frames)


def described(file: str) -> tuple[int, str, str]:
    """Rows, first and last time as the data's own description says."""
    (line,) = [x for x in (_DATA / "README.md").read_text().splitlines() if f"`{file}` (" in x]
    rows = re.search(r"[Rr]ows ([\d,]+)", line)
    span = re.search(r"(?:Span |rows \d+, )(.+?) \.\. (.+?)(?:\. |,)", line)
    assert rows
    count = int(rows[1].replace(",", ""))
    return count, *((span[1], span[2]) if span else ("", ""))


def test_every_file_is_declared_or_said_to_hold_no_bars() -> None:
    known = (*_ARCHIVES, *(file.removesuffix(" (quotes)") for file in FILES), *NOT_BARS, SPOILT)
    files = [p.relative_to(_DATA).as_posix() for p in _DATA.rglob("*") if p.is_file()]
    assert [file for file in files if not file.startswith(known)] == []


@pytest.mark.parametrize("file", [f for f in FILES if f.endswith((".parquet", ".csv", ".zip"))])
def test_a_file_has_the_rows_and_the_span_of_its_description(file: str) -> None:
    count, first, last = described(file)
    history, traits, symbol = opened(file)
    frame = file_rows(traits.package, *whole_file(history, symbol))
    assert frame.height == count
    assert frame.schema == DECODED_SCHEMA
    if first:
        shift = traits.timeframe.micros if traits.package.label == "close" else 0
        ts = frame["ts"].to_physical() + shift
        assert _local(min(ts), traits) == _normal(first)
        assert _local(max(ts), traits) == _normal(last)


def whole_file(history: PackageHistory, symbol: Symbol) -> tuple[VendorObject, bytes]:
    newest = Month.of(history.now())
    for month in reversed(months_between(Month(1998, 1), newest)):
        try:
            (item,) = history.listing(symbol, month).objects
        except MissingPartition:
            continue
        return item, history.fetch(symbol, item)
    raise AssertionError("no month has a file")


def _local(ts: int, traits: SourceTraits) -> str:
    zone = traits.package.time.zone if traits.timeframe is not Timeframe.D1 else ""
    moment = pl.Series([datetime.fromtimestamp(ts // 1_000_000, tz=UTC)])
    return str(moment.dt.convert_time_zone(zone or "UTC").dt.strftime("%Y-%m-%d %H:%M")[0])


def _normal(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    if "/" in text:
        month, day, year = text.split("/")
        digits = year + month + day
    digits = digits[:12].ljust(12, "0")
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:8]} {digits[8:10]}:{digits[10:12]}"


@pytest.mark.parametrize("file", [f for f in FILES if f.startswith("lean") and "." not in f])
def test_dated_files_have_the_rows_of_their_descriptions(file: str) -> None:
    folder = file.removesuffix(" (quotes)")
    ending = "quote" if "quote" in FILES[file][0] or "forex" in file else "trade"
    names = sorted((_DATA / folder).glob(f"*_{ending}.zip"))
    months = sorted({Month(int(p.name[:4]), int(p.name[4:6])) for p in names})
    frame = pl.concat(rows_of(file, month, month) for month in months)
    assert frame.height == sum(described(f"{folder}/{p.name}")[0] for p in names)
    assert frame["ts"].is_sorted()
    assert frame["close"].is_between(1, 20_000).all()


def test_a_file_with_rows_without_time_is_refused_by_its_first_one(tmp_path: Path) -> None:
    declared = Package(**(_DECLARED["dirty_days"] | {"root": tmp_path}))
    spoilt = VendorObject("bad.csv", "package_csv", 0, 1, finished=True)
    with pytest.raises(CorruptFile, match=r"bad.csv.* time in every row.*row 201, the first of 50"):
        file_rows(declared, spoilt, (_DATA / SPOILT).read_bytes())


def test_a_futures_file_gives_every_minute_of_its_month() -> None:
    month = Month(2025, 2)
    frame = rows_of("binance/futures_um/monthly", month, month)
    assert frame.height == 40_320
    assert frame["ts"].to_physical()[0] == month.start


@pytest.mark.parametrize(
    ("name", "duplicates"), [("BCHBTC", 1), ("LINKBTC", 1), ("NANOBTC", 0), ("NEOBTC", 1)]
)
def test_repeated_rows_of_a_download_are_dropped_and_counted(name: str, duplicates: int) -> None:
    file = f"binance/spot/dirty/{name}_1m_ohlcv_2020.parquet"
    history, traits, symbol = opened(file)
    dropped, gaps = 0, []
    for month in (Month(2020, 2), Month(2020, 3)):
        listing = history.listing(symbol, month)
        data = ((item, history.fetch(symbol, item)) for item in listing.objects)
        _, report = clean_bars(
            month_rows(data, traits, month),
            symbol,
            traits.name,
            month=month,
            start=listing.start,
            end=listing.end,
        )
        dropped += report.duplicates
        gaps += report.gaps
    assert dropped == duplicates
    texts = [(minute_text(g.start - MINUTE), minute_text(g.end + MINUTE)) for g in gaps]
    assert [(*text, g.minutes) for text, g in zip(texts, gaps, strict=True)] == [
        ("2020-02-09 01:59", "2020-02-09 03:00", 60),
        ("2020-02-19 11:35", "2020-02-19 17:30", 354),
        ("2020-03-04 09:21", "2020-03-04 11:30", 128),
    ]


def test_cme_bars_bear_the_time_of_their_close() -> None:
    """Trading stops 22:00-23:00 UTC, and figures come out at 13:30: open times must say so."""
    frame = rows_of("futures/6EH4_1m_2024-01.parquet", Month(2024, 1), Month(2024, 1))
    minute = frame["ts"].dt.hour().cast(pl.Int32) * 60 + frame["ts"].dt.minute()
    assert not minute.is_between(22 * 60, 23 * 60 - 1).any()
    assert (minute == 23 * 60).any()
    volume = frame.group_by(minute.alias("minute")).agg(pl.col("volume").sum())
    of = dict(volume.iter_rows())
    assert of[13 * 60 + 30] > 5 * of[13 * 60 + 29]


def test_shares_bear_the_time_of_their_close_too() -> None:
    """The regular session opens at 14:30 UTC, from 2011-03-13 on at 13:30, with its volume."""
    frame = rows_of("equity/nt-spy-minute-2011-03.parquet", Month(2011, 3), Month(2011, 3))
    local = frame["ts"].dt.convert_time_zone("America/New_York")
    minute = local.dt.hour().cast(pl.Int32) * 60 + local.dt.minute()
    volume = frame.group_by(minute.alias("minute")).agg(pl.col("volume").sum())
    of = dict(volume.iter_rows())
    assert of[9 * 60 + 30] > 5 * of[9 * 60 + 29]
    assert of[16 * 60] > 2 * of[16 * 60 + 1]


def test_the_hours_have_one_gap() -> None:
    frame = rows_of("binance/spot/parquet/BTCUSDT_1h.parquet", Month(2023, 3), Month(2023, 3))
    steps = frame["ts"].diff().drop_nulls()
    odd = (steps != pl.Series([Timeframe.H1.micros]).cast(pl.Duration("us"))[0]).arg_true()
    assert [minute_text(frame["ts"].to_physical()[i]) for i in odd] == ["2023-03-24 12:00"]
