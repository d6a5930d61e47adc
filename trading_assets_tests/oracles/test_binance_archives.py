"""Real archives: their gaps, their units, and the vendor's own larger bars."""

import os
import re
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.adapters.binance.archive import ArchiveHistory, LocalFiles
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.bar import MINUTE, Timeframe, minute_text
from trading_assets.domain.errors import UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA, between, row_content_hash
from trading_assets.market.decoding import decode, month_rows
from trading_assets.market.oddities import CLOSE_TS
from trading_assets.market.outages import explained, outages_of, shipped_outages
from trading_assets.market.quality import QualityReport, clean_bars
from trading_assets.market.resample import resample
from trading_assets.settings import load_settings
from trading_assets.workflows.history_sources import open_history, traits_of

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_DATA = _SHARED / "data"
_SPOT = _DATA / "binance" / "spot"

BTC = Symbol("BTCUSDT")
MONTHS = tuple(map(Month.from_text, ("2018-02", "2020-02", "2020-03", "2024-12", "2025-01")))
_VALUES = ["open", "high", "low", "close", "volume", "quote_volume", "n_trades"]

_GAP = re.compile(r"\| (\d{4}-\d\d-\d\d \d\d:\d\d) \| (\d{4}-\d\d-\d\d \d\d:\d\d) \| (\d+) \|")


@pytest.fixture(autouse=True)
def _needs_the_archives() -> None:
    if not _SPOT.is_dir():
        pytest.skip(f"no archives at {_SPOT}")


def published_gaps() -> list[tuple[str, str, int]]:
    """The gap table of the data's own description, as printed."""
    rows = _GAP.findall((_DATA / "README.md").read_text())
    return [(before, after, int(minutes)) for before, after, minutes in rows]


def month_of_archive(month: Month) -> tuple[pl.DataFrame, QualityReport]:
    archive = ArchiveHistory(LocalFiles(_SPOT), WallClock())
    listing = archive.listing(BTC, month)
    rows = pl.concat(
        decode(item.kind, archive.fetch(BTC, item), item.name) for item in listing.objects
    )
    return clean_bars(rows, BTC, "archive", month=month, start=listing.start, end=listing.end)


def gap_rows(report: QualityReport) -> list[tuple[str, str, int]]:
    return [
        (minute_text(gap.start - MINUTE), minute_text(gap.end + MINUTE), gap.minutes)
        for gap in report.gaps
    ]


@pytest.mark.parametrize("month", MONTHS, ids=str)
def test_the_gaps_of_a_month_are_those_of_the_table_and_no_others(month: Month) -> None:
    _, report = month_of_archive(month)
    expected = [row for row in published_gaps() if row[0].startswith(str(month))]
    assert gap_rows(report) == expected
    assert (report.duplicates, report.off_grid, report.unfinished) == (0, (), 0)
    missing = (month.end - month.start) // MINUTE - report.rows
    assert report.missing_minutes == missing
    assert report.received == report.rows


def test_every_gap_of_the_table_is_a_known_outage_of_that_symbol_only() -> None:
    known = [o for o in shipped_outages() if o.symbol == BTC]
    told = [
        (
            minute_text(o.start - MINUTE),
            minute_text(o.end + MINUTE),
            (o.end - o.start) // MINUTE + 1,
        )
        for o in known
    ]
    assert told == published_gaps()
    for month in MONTHS:
        _, report = month_of_archive(month)
        own = outages_of(known, ("binance_spot",), BTC, month)
        assert {gap.cause for gap in explained(report.gaps, own)} <= {"venue_outage"}
        other = outages_of(known, ("binance_spot",), Symbol("ETHUSDT"), month)
        assert explained(report.gaps, other) == report.gaps


def test_bars_before_an_outage_end_early_and_are_kept() -> None:
    """Four of the seventeen that eight years have; the months without an outage have none."""
    found = {
        minute_text(close.ts): close.close_ts - close.ts
        for month in MONTHS
        for close in month_of_archive(month)[1].early_closes
    }
    assert found == {
        "2018-02-08 00:28": 14_788_000,
        "2018-02-11 04:00": 999_000,
        "2020-02-19 11:35": 32_286_000,
        "2020-03-04 09:21": 46_694_000,
    }


def test_a_crash_is_listed_and_kept() -> None:
    frame, report = month_of_archive(Month(2020, 3))
    days = {minute_text(jump.ts)[:10] for jump in report.jumps}
    assert {"2020-03-12", "2020-03-13"} <= days
    assert len(report.jumps) < frame.height // 500


def test_an_outage_inside_a_day_of_the_first_weeks() -> None:
    archive = ArchiveHistory(LocalFiles(_SPOT), WallClock())
    (day,) = archive.listing(BTC, Month(2017, 9)).objects
    rows = decode(day.kind, archive.fetch(BTC, day), day.name)
    _, report = clean_bars(rows, BTC, "archive", month=Month(2017, 9), start=day.start, end=day.end)
    assert gap_rows(report) == [("2017-09-06 16:00", "2017-09-06 23:00", 419)]
    assert report.silent == sum(silence.minutes for silence in report.silences) > 0
    (early,) = report.early_closes
    assert (minute_text(early.ts), early.close_ts) == ("2017-09-06 16:00", early.ts)


def test_microseconds_and_milliseconds_meet_without_a_seam() -> None:
    last, _ = month_of_archive(Month(2024, 12))
    first, _ = month_of_archive(Month(2025, 1))
    assert first["ts"].to_physical()[0] - last["ts"].to_physical()[-1] == MINUTE


def test_a_day_is_the_same_in_its_own_zip_and_in_the_months() -> None:
    december, _ = month_of_archive(Month(2024, 12))
    zip_of_day = _SPOT / "daily/klines/BTCUSDT/1m/BTCUSDT-1m-2024-12-31.zip"
    day = decode("zip_csv", zip_of_day.read_bytes(), zip_of_day.name)
    values = day.drop(CLOSE_TS)
    assert december.tail(1440).select(values.columns).equals(values)


def test_futures_files_have_a_header_and_stay_in_milliseconds() -> None:
    (path,) = (_DATA / "binance" / "futures_um" / "monthly").glob("*.zip")
    rows = decode("zip_csv", path.read_bytes(), path.name)
    ts = rows["ts"].to_physical()
    assert rows.height == 40_320
    assert (ts[0], ts[-1]) == (Month(2025, 2).start, Month(2025, 2).end - MINUTE)


def test_a_futures_month_loads_through_the_archives_own_layout(tmp_path: Path) -> None:
    (flat,) = (_DATA / "binance" / "futures_um" / "monthly").glob("*.zip")
    folder = tmp_path / "data/futures/um/monthly/klines/FILUSDT/1m"
    folder.mkdir(parents=True)
    (folder / flat.name).write_bytes(flat.read_bytes())
    checksum = f"{sha256(flat.read_bytes()).hexdigest()}  {flat.name}\n"
    (folder / f"{flat.name}.CHECKSUM").write_text(checksum)
    (tmp_path / "trading_assets.toml").write_text(
        '[sources.um]\nkind = "binance_archive"\nmarket = "um"\nroot = "."\n'
    )
    settings = load_settings({"TA_HOME": str(tmp_path), "TA_SOURCE": "um"}).settings
    symbol, month = Symbol("FILUSDT"), Month(2025, 2)
    with open_history(settings, WallClock()) as sources:
        source = sources.of(symbol)
        listing = source.listing(symbol, month)
        data = ((item, source.fetch(symbol, item)) for item in listing.objects)
        rows = month_rows(data, traits_of(settings, "um"), month)
        with pytest.raises(UnknownSymbol, match="BTCUSDT"):  # a grid of spot is none of futures
            source.instruments((BTC,))
    frame, report = clean_bars(
        rows, symbol, "um", month=month, start=listing.start, end=listing.end
    )
    assert (frame.height, report.gaps) == (40_320, ())


@pytest.mark.parametrize(("month", "rounded"), [("2024-12", 0), ("2025-01", 1)])
def test_resampled_hours_are_the_vendors_own_to_the_last_bit(month: str, rounded: int) -> None:
    """A minute above 9e7 of quote volume has lost its last decimals before it is added."""
    span = Month.from_text(month)
    minutes, _ = month_of_archive(span)
    ours = resample(minutes, Timeframe.H1).select("ts", *_VALUES)
    hours = pl.read_parquet(_SPOT / "parquet/BTCUSDT_1h.parquet")
    theirs = hours.rename({"open_time": "ts", "count": "n_trades"}).select("ts", *_VALUES)
    theirs = theirs.filter(between(span.start, span.end))
    assert_frame_equal(ours.drop("quote_volume"), theirs.drop("quote_volume"), check_exact=True)
    different = ours.filter(ours["quote_volume"] != theirs["quote_volume"])
    assert different.height == rounded
    assert_frame_equal(ours, theirs, rel_tol=2e-16, abs_tol=0)


def test_a_year_with_an_outage_resamples_to_the_vendors_hours() -> None:
    minutes = pl.read_parquet(_SPOT / "parquet/BTCUSDT_1m_2022-10_2023-09.parquet")
    minutes = minutes.rename({"open_time": "ts", "count": "n_trades"}).with_columns(
        symbol=pl.lit("BTCUSDT"), quote_volume=pl.lit(0.0), source=pl.lit("archive")
    )
    minutes = minutes.select(pl.col(name).cast(kind) for name, kind in BAR_SCHEMA.items())
    values = ["open", "high", "low", "close", "volume", "n_trades"]
    ours = resample(minutes, Timeframe.H1)
    assert ours.filter(~pl.col("complete"))["n_minutes"].to_list() == [40]
    hours = pl.read_parquet(_SPOT / "parquet/BTCUSDT_1h.parquet")
    theirs = hours.rename({"open_time": "ts", "count": "n_trades"})
    theirs = theirs.filter(between(Month(2022, 10).start, Month(2023, 10).start))
    assert_frame_equal(ours.select("ts", *values), theirs.select("ts", *values), check_exact=True)


@pytest.mark.parametrize(
    ("name", "duplicates", "gaps"),
    [("BCHBTC", 1, 3), ("LINKBTC", 1, 3), ("NANOBTC", 0, 3), ("NEOBTC", 1, 3)],
)
def test_real_downloads_with_repeated_rows_are_cleaned(
    name: str, duplicates: int, gaps: int
) -> None:
    rows = pl.read_parquet(_SPOT / "dirty" / f"{name}_1m_ohlcv_2020.parquet")
    rows = rows.rename({"open_time": "ts"}).with_columns(quote_volume=0.0, n_trades=1)
    found: list[QualityReport] = []
    for month in (Month(2020, 2), Month(2020, 3)):
        part = rows.filter(between(month.start, month.end))
        ts = part["ts"].to_physical()
        end = int(ts[-1]) + MINUTE
        start = int(ts[0])
        _, report = clean_bars(part, Symbol(name), "x", month=month, start=start, end=end)
        found.append(report)
        known = outages_of(shipped_outages(), ("binance_spot",), Symbol(name), month)
        assert {gap.cause for gap in explained(report.gaps, known)} == {"venue_outage"}
    assert sum(report.duplicates for report in found) == duplicates
    assert sum(len(report.gaps) for report in found) == gaps


def test_rows_have_the_same_hash_on_every_machine() -> None:
    frame, _ = month_of_archive(Month(2020, 2))
    expected = "06b5c9f4c323b94f7e9889f8d52407c6ad2a9aee8a0885f99a5a70593d144f50"
    assert row_content_hash(frame) == expected
