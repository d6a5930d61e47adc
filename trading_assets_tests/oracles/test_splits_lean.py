"""LEAN's factor files: the splits in them, and daily prices across the days they took effect."""

import os
import zipfile
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from trading_assets.market.splits import Split, adjust_for_splits, split_factors

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_USA = _SHARED / "data" / "lean" / "equity" / "usa"

SPLITS = {  # ex-dates and ratios as the companies announced them; all since 1998
    "aapl": [
        Split(date(2000, 6, 21), 2),
        Split(date(2005, 2, 28), 2),
        Split(date(2014, 6, 9), 7),
        Split(date(2020, 8, 31), 4),
    ],
    "ibm": [Split(date(1999, 5, 27), 2)],
    "bac": [Split(date(2004, 8, 30), 2)],
    "aig": [
        Split(date(1998, 8, 3), 3, 2),
        Split(date(1999, 8, 2), 5, 4),
        Split(date(2000, 7, 31), 3, 2),
        Split(date(2009, 7, 1), 1, 20),
    ],
    "spy": [],
}


@pytest.fixture(autouse=True)
def _needs_the_data() -> None:
    if not _USA.is_dir():
        pytest.skip(f"no reference data: {_USA}")


def factor_file(name: str) -> list[tuple[date, float]]:
    """Rows of (last day, split factor up to it)."""
    lines = (_USA / "factor_files" / f"{name}.csv").read_text().split()
    rows = [line.split(",") for line in lines]
    return [(datetime.strptime(r[0], "%Y%m%d").date(), float(r[2])) for r in rows]  # noqa: DTZ007


def daily(name: str) -> pl.DataFrame:
    """Daily bars as traded, at 16:00 UTC of each session."""
    with zipfile.ZipFile(_USA / "daily" / f"{name}.zip") as archive:
        lines = archive.read(archive.namelist()[0]).decode().split("\n")
    rows = [line.strip().split(",") for line in lines if line.strip()]
    columns = dict(zip(("open", "high", "low", "close"), range(1, 5), strict=True))
    return pl.DataFrame(
        {
            "ts": [datetime.strptime(r[0][:8] + "16+0000", "%Y%m%d%H%z") for r in rows],
            **{name: [int(r[i]) / 10_000 for r in rows] for name, i in columns.items()},
            "volume": [float(r[5]) for r in rows],
            "quote_volume": [None] * len(rows),
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC"), "quote_volume": pl.Float64},
    )


@pytest.mark.parametrize("name", SPLITS)
def test_factors_are_those_of_the_factor_file(name: str) -> None:
    factors = split_factors(SPLITS[name])
    for last_day, expected in factor_file(name):
        ours = next((f for ex_date, f in factors if last_day < ex_date), Fraction(1))
        assert float(ours) == pytest.approx(expected, rel=2e-5), last_day


@pytest.mark.parametrize("name", [name for name, splits in SPLITS.items() if splits])
def test_returns_are_continuous_over_an_ex_date(name: str) -> None:
    raw = daily(name)
    adjusted = adjust_for_splits(raw, SPLITS[name], time_zone="America/New_York")
    for split in SPLITS[name]:
        (before, after), (was, is_now) = (_closes_around(f, split.ex_date) for f in (raw, adjusted))
        assert after / before == pytest.approx(float(1 / split.ratio), rel=0.25)
        assert is_now / was == pytest.approx(1.0, abs=0.21)
        assert is_now / was == pytest.approx(after / before * float(split.ratio), rel=1e-12)


def test_apple_trades_seven_for_one_with_seven_times_the_shares() -> None:
    frame = adjust_for_splits(daily("aapl"), SPLITS["aapl"][:3], time_zone="America/New_York")
    friday = frame.filter(pl.col("ts") == datetime(2014, 6, 6, 16, tzinfo=UTC))
    assert friday["close"].item() == pytest.approx(645.57 / 7, rel=1e-12)
    assert friday["volume"].item() == pytest.approx(7 * 12_116_671, rel=1e-12)


def test_no_day_of_apple_halves_once_it_is_adjusted() -> None:
    frame = adjust_for_splits(daily("aapl"), SPLITS["aapl"], time_zone="America/New_York")
    worst = min(b / a for a, b in pairwise(frame["close"].to_list()))
    assert worst > 0.48  # 2000-09-29 lost 51.9 %
    assert min(b / a for a, b in pairwise(daily("aapl")["close"].to_list())) < 0.16


def _closes_around(frame: pl.DataFrame, ex_date: date) -> tuple[float, float]:
    start = datetime(ex_date.year, ex_date.month, ex_date.day, tzinfo=UTC)
    before = frame.filter(pl.col("ts") < start)["close"][-1]
    after = frame.filter(pl.col("ts").is_between(start, start + timedelta(days=1)))["close"][0]
    return before, after
