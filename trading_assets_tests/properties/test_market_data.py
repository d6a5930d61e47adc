"""Whatever a vendor sends: no bar is invented, lost or changed, and gaps add up."""

import random

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.archive_files import DECODED_SCHEMA
from trading_assets.market.gaps import gaps, merge_gaps
from trading_assets.market.quality import clean_bars

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
LENGTH = 300  # minutes looked at

minutes = st.sets(st.integers(0, LENGTH - 1), max_size=60)


def rows_at(opens: list[int]) -> pl.DataFrame:
    price = [100.0 + ts // MINUTE % 89 for ts in opens]
    columns = {
        "ts": opens,
        **dict.fromkeys(("open", "high", "low", "close"), price),
        "volume": [1.0] * len(opens),
        "quote_volume": price,
        "n_trades": [1] * len(opens),
    }
    return pl.DataFrame(columns, schema_overrides={"ts": pl.Int64}).cast(dict(DECODED_SCHEMA))


@settings(max_examples=80, deadline=None)
@given(
    minutes,
    st.lists(st.integers(0, 59), max_size=20),
    st.integers(0, 20),
    st.randoms(use_true_random=False),
)
def test_cleaning_keeps_each_minute_once_in_order_and_accounts_for_every_row(
    present: set[int], repeated: list[int], unfinished: int, shuffler: random.Random
) -> None:
    opens = [MARCH.start + minute * MINUTE for minute in sorted(present)]
    again = [opens[i % len(opens)] for i in repeated if opens]
    off_grid = [ts + 1_000_000 for ts in opens[:3]]
    sent = opens + again + off_grid
    shuffler.shuffle(sent)
    end = MARCH.start + LENGTH * MINUTE - unfinished * MINUTE
    opens = [ts for ts in opens if ts < end]
    frame, report = clean_bars(rows_at(sent), BTC, "x", month=MARCH, start=MARCH.start, end=end)
    assert frame["ts"].to_physical().to_list() == opens
    assert frame.select(DECODED_SCHEMA.names()).equals(rows_at(opens))
    assert sorted(report.off_grid) == off_grid
    assert report.duplicates == sum(ts < end for ts in again)
    assert report.unfinished == len(sent) - len(off_grid) - report.duplicates - len(opens)
    left_out = report.duplicates + len(report.off_grid) + report.unfinished
    assert report.received == len(sent) == report.rows + left_out
    assert report.rows + report.missing_minutes == LENGTH - unfinished


@settings(max_examples=100, deadline=None)
@given(minutes, st.integers(1, LENGTH - 1))
def test_gaps_are_exactly_what_is_missing_wherever_a_border_is_drawn(
    present: set[int], border: int
) -> None:
    start, end = MARCH.start, MARCH.start + LENGTH * MINUTE
    frame = rows_at([start + minute * MINUTE for minute in sorted(present)])
    whole = gaps(frame, start, end)
    missing = {
        (ts - start) // MINUTE for gap in whole for ts in range(gap.start, gap.end + MINUTE, MINUTE)
    }
    assert missing == set(range(LENGTH)) - present
    assert sum(gap.minutes for gap in whole) == len(missing)
    cut = start + border * MINUTE
    ts = frame["ts"].to_physical()
    halves = gaps(frame.filter(ts < cut), start, cut) + gaps(frame.filter(ts >= cut), cut, end)
    assert merge_gaps(halves) == whole
