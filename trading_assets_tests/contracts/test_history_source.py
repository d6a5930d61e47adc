"""What every source of market history does, whatever stands behind it."""

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager, RestHistory
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import DataError, MissingPartition, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.market.bar_frame import validate_bars
from trading_assets.market.decoding import check_container, decode, decode_object, month_rows
from trading_assets.market.history import HistorySource, SourceTraits
from trading_assets.market.oddities import CLOSE_TS
from trading_assets.market.quality import clean_bars
from trading_assets.market.resample import resample
from trading_assets.settings import load_settings
from trading_assets.workflows.history_sources import open_history, traits_of
from trading_assets_tests.stand_ins.eodhd import eodhd
from trading_assets_tests.stand_ins.polygon import polygon

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
TRAITS: dict[str, SourceTraits] = {}


def lay_down_archive(root: Path) -> None:
    """Two months of the archive's layout: February whole, March in days."""
    february = Month(2024, 2)
    put(root / "monthly", "2024-02", february.start, february.end)
    for day in range(31):
        start = MARCH.start + day * 1440 * MINUTE
        put(root / "daily", f"2024-03-{day + 1:02d}", start, start + 1440 * MINUTE)


def put(folder: Path, period: str, start: int, end: int) -> None:
    path = folder / "klines/BTCUSDT/1m" / f"BTCUSDT-1m-{period}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    opens = pl.int_range(start // 1000, end // 1000, 60_000, eager=True)
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


def lay_down_package(root: Path) -> None:
    """A file of all history, in another case than ours, that ends in April."""
    start, end = Month(2024, 2).start, Month(2024, 4).start + 60 * MINUTE
    prices = [
        pl.lit(x).alias(n)
        for n, x in zip(("OPEN", "HIGH", "LOW", "CLOSE"), (2, 4, 1, 3), strict=True)
    ]
    opens = pl.int_range(start // 10**6, end // 10**6, 60, eager=True).alias("Timestamp")
    pl.DataFrame(opens).with_columns(*prices).write_parquet(root / "BTC-USD.parquet")
    (root / "trading_assets.toml").write_text("""
        [sources.package]
        kind = "package"
        root = "."
        pattern = "{symbol}.parquet"
        columns = { ts = "timestamp", open = "open", high = "high", low = "low", close = "close" }
        [instruments.BTCUSDT]
        vendor_symbol = "BTC-USD"
        base = "BTC"
        quote = "USDT"
        tick = "0.01"
        lot = "0.00001"
        """)


def declared_vendor(kind: str, url: str, vendor_symbol: str) -> str:
    return f"""
        [sources.{kind}]
        kind = "{kind}"
        timeframe = "1m"
        url = "{url}"
        requests_per_minute = 10000
        [instruments.BTCUSDT]
        vendor_symbol = "{vendor_symbol}"
        base = "BTC"
        quote = "USDT"
        tick = "0.01"
        lot = "0.00001"
        """


@pytest.fixture(scope="module", params=["embedded", "archive", "eodhd", "polygon", "package"])
def source(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HistorySource]:
    root = tmp_path_factory.mktemp("mirror")
    environ = {"TA_HOME": str(root), "TA_SOURCE": request.param, "TA_ARCHIVE_ROOT": str(root)}
    lay_down_archive(root)
    vendors = {"eodhd": (eodhd, "BTC-USD.CC"), "polygon": (polygon, "BTCUSD")}
    with ExitStack() as opened:
        if request.param in vendors:
            open_vendor, vendor_symbol = vendors[request.param]
            vendor = opened.enter_context(open_vendor())
            text = declared_vendor(request.param, vendor.url, vendor_symbol)
            (root / "trading_assets.toml").write_text(text)
            environ[f"TA_{request.param.upper()}_API_KEY"] = vendor.key
        if request.param == "package":
            lay_down_package(root)
        settings = load_settings(environ).settings
        TRAITS[request.param] = traits_of(settings, request.param)
        yield opened.enter_context(open_history(settings, WallClock())).of(BTC)


def test_objects_cover_a_past_month_without_holes_or_overlap(source: HistorySource) -> None:
    listing = source.listing(BTC, MARCH)
    assert (listing.start, listing.end) == (MARCH.start, MARCH.end)
    borders = [MARCH.start, *(item.end for item in listing.objects)]
    assert borders[:-1] == [item.start for item in listing.objects]
    assert borders[-1] == MARCH.end
    assert all(item.finished for item in listing.objects)
    assert len({item.name for item in listing.objects}) == len(listing.objects)
    assert source.listing(BTC, MARCH) == listing


def test_the_same_bytes_come_twice_and_hold_bars_of_their_span(source: HistorySource) -> None:
    listing = source.listing(BTC, MARCH)
    for item in (listing.objects[0], listing.objects[-1]):
        data = source.fetch(BTC, item)
        assert source.fetch(BTC, item) == data
        assert item.vendor_sha256 in ("", sha256(data).hexdigest())
        check_container(item.kind, data, item.name)
        ts = decode_object(item, data, TRAITS[source.name])["ts"].to_physical()
        assert item.start <= ts[0] <= ts[-1] < item.end


def test_a_month_makes_valid_bars(source: HistorySource) -> None:
    listing = source.listing(BTC, MARCH)
    data = ((item, source.fetch(BTC, item)) for item in listing.objects)
    rows = month_rows(data, TRAITS[source.name], MARCH)
    frame, report = clean_bars(
        rows, BTC, source.name, month=MARCH, start=listing.start, end=listing.end
    )
    validate_bars(frame, BTC)
    assert (report.duplicates, report.off_grid, report.unfinished) == (0, (), 0)
    assert report.rows + report.missing_minutes == 31 * 1440


def test_months_outside_history_and_unknown_symbols_are_refused(source: HistorySource) -> None:
    with pytest.raises(DataError, match="in the future"):
        source.listing(BTC, Month.of(source.now()).shift(1))
    with pytest.raises(DataError, match="2010-01"):
        source.listing(BTC, Month(2010, 1))
    with pytest.raises((UnknownSymbol, MissingPartition), match="NOPEXYZ"):
        source.listing(Symbol("NOPEXYZ"), MARCH)
    with pytest.raises(UnknownSymbol, match="NOPEXYZ"):
        source.instruments((BTC, Symbol("NOPEXYZ")))


def test_instruments_have_grids(source: HistorySource) -> None:
    (instrument,) = source.instruments((BTC,))
    assert (instrument.symbol, instrument.base, instrument.quote) == ("BTCUSDT", "BTC", "USDT")
    assert instrument.tick > 0
    assert instrument.lot > 0


def test_its_raw_bytes_have_a_folder_of_their_own(source: HistorySource) -> None:
    assert source.name in source.store
    assert "/" not in source.store


def test_our_larger_bars_are_those_that_the_embedded_exchange_serves() -> None:
    config = ExchangeConfig(symbols=("BTCUSDT",), port=0)
    with running_exchange(config) as exchange:
        client = make_client(exchange.api_url, timeout_s=5, recv_window_ms=5000)
        history = RestHistory(
            KlinePager(client, WallClock(), max_attempts=2), name="embedded", store="embedded"
        )
        outage = Month(2024, 2)
        listing = history.listing(BTC, outage)
        rows = pl.concat(
            decode(item.kind, history.fetch(BTC, item), item.name) for item in listing.objects
        )
        span = {"startTime": outage.start // 1000, "endTime": outage.end // 1000 - 1}
        hours = client.get_klines(symbol=BTC, interval="1h", limit=1000, **span)
        client.close_connection()
    minutes, _ = clean_bars(rows, BTC, "embedded", month=outage, start=outage.start, end=outage.end)
    theirs = decode("klines_json", json.dumps(hours).encode(), "hours").drop(CLOSE_TS)
    ours = resample(minutes, Timeframe.H1)
    assert_frame_equal(ours.select(theirs.columns), theirs, check_exact=True)
