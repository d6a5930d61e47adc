"""What of a vendor's rows becomes bars, and what is missing."""

import json
from collections.abc import Callable

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.archive_files import DECODED_SCHEMA
from trading_assets.market.bar_frame import BAR_SCHEMA
from trading_assets.market.quality import (
    QualityReport,
    clean_bars,
    minute_text,
    require_tolerable,
)

BarsAt = Callable[..., pl.DataFrame]
BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
START = MARCH.start


def at(minute: int) -> int:
    return START + minute * MINUTE


def cleaned(
    rows: pl.DataFrame, *, start: int | None = START, end: int = START + 10 * MINUTE
) -> tuple[pl.DataFrame, QualityReport]:
    rows = rows.select(DECODED_SCHEMA.names())
    return clean_bars(rows, BTC, "test", month=MARCH, start=start, end=end)


def test_clean_rows_pass_unchanged(bars_at: BarsAt) -> None:
    frame, report = cleaned(bars_at(range(10)))
    assert frame.schema == BAR_SCHEMA
    assert frame.equals(bars_at(range(10)))
    assert report == QualityReport(received=10, rows=10)


def test_exact_repetitions_are_counted_and_removed_and_order_is_made(bars_at: BarsAt) -> None:
    rows = pl.concat([bars_at(range(5, 10)), bars_at(range(7)), bars_at([3])])
    frame, report = cleaned(rows)
    assert frame.equals(bars_at(range(10)))
    assert report.duplicates == 3


def test_contradictions_stop_everything_and_are_shown(bars_at: BarsAt) -> None:
    other = bars_at([3]).with_columns(pl.col("close") + 0.25)
    with pytest.raises(DataError, match="different values for one open time") as caught:
        cleaned(pl.concat([bars_at(range(10)), other]))
    assert "close 104.0" in caught.value.found
    assert "close 104.25" in caught.value.found


def test_open_times_off_the_grid_are_left_out_and_reported(bars_at: BarsAt) -> None:
    rows = bars_at(range(10)).with_columns(
        pl.when(pl.int_range(pl.len()) == 4)
        .then(pl.col("ts") + pl.duration(seconds=23))
        .otherwise("ts")
        .alias("ts")
    )
    frame, report = cleaned(rows)
    assert frame.height == 9
    assert report.off_grid == (at(4) + 23_000_000,)
    assert report.gaps == (Gap(at(4), at(4), 1),)


def test_unfinished_bars_are_dropped(bars_at: BarsAt) -> None:
    frame, report = cleaned(bars_at(range(10)), end=at(8) + MINUTE - 1)
    assert frame.height == 8
    assert report.unfinished == 2
    assert report.gaps == ()


def test_bars_without_trades_are_bars(bars_at: BarsAt) -> None:
    flat = bars_at(range(10)).with_columns(n_trades=pl.lit(0), volume=pl.lit(0.0))
    _, report = cleaned(flat)
    assert (report.rows, report.silent, report.gaps) == (10, 10, ())


def test_rows_of_another_month_are_refused(bars_at: BarsAt) -> None:
    with pytest.raises(DataError, match="do not belong to 2024-03"):
        cleaned(bars_at([-1, 0, 1]))


def test_impossible_bars_are_refused(bars_at: BarsAt) -> None:
    with pytest.raises(DataError, match="do not enclose"):
        cleaned(bars_at(range(10)).with_columns(high=pl.col("low")))


def test_a_late_listing_is_not_a_gap(bars_at: BarsAt) -> None:
    rows = bars_at(range(4, 10))
    assert cleaned(rows)[1].gaps == (Gap(at(0), at(3), 4),)
    assert cleaned(rows, start=at(3) + 1)[1].gaps == ()
    assert cleaned(rows, start=None)[1].gaps == ()


def test_a_month_without_bars_is_one_gap(bars_at: BarsAt) -> None:
    assert cleaned(bars_at([]))[1].gaps == (Gap(at(0), at(9), 10),)
    assert cleaned(bars_at([]), start=None)[1].gaps == ()


def test_a_long_gap_blocks_unless_it_is_explained() -> None:
    long, short = Gap(at(100), at(199), 100), Gap(at(0), at(4), 5)
    require_tolerable((long, short), 100, BTC, MARCH)
    require_tolerable((Gap(at(100), at(199), 100, "maintenance"),), 5, BTC, MARCH)
    with pytest.raises(DataError, match=r"quality\.max_gap_minutes") as caught:
        require_tolerable((long, short), 99, BTC, MARCH)
    assert caught.value.found == "100 minutes, from 2024-03-01 01:40 to 2024-03-01 03:19"


def test_minutes_are_written_in_utc() -> None:
    assert minute_text(at(61)) == "2024-03-01 01:01"


def test_an_explained_gap_blocks_at_no_length() -> None:
    known = Gap(at(0), at(9999), 10_000, "venue_outage")
    require_tolerable((known,), 1, BTC, MARCH)


def test_the_error_for_impossible_bars_shows_the_rows(bars_at: BarsAt) -> None:
    odd = bars_at(range(10)).with_columns(high=pl.col("low"))
    with pytest.raises(DataError, match="do not enclose") as caught:
        cleaned(odd)
    assert caught.value.found.startswith("10 of 10 rows: ts 2024-03-01 00:00:00+00:00")
    assert caught.value.found.count("; ts ") == 3


def test_the_report_becomes_plain_values_that_count_all_and_name_a_hundred(
    bars_at: BarsAt,
) -> None:
    rows = bars_at(range(400)).with_columns(
        n_trades=pl.when(pl.int_range(pl.len()) % 3 == 0).then(0).otherwise(1)
    )
    _, report = cleaned(rows.filter(pl.int_range(pl.len()) != 310), end=at(400))
    facts = report.facts()
    assert facts["silences"]["count"] == 134
    listed = facts["silences"]["rows"]
    assert len(listed) == 100
    assert [at(309), at(309), 1, True] in listed
    assert json.loads(json.dumps(facts)) == facts
