"""When a source of larger bars owes one: sessions, their short last bars, and what is missing."""

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE, Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import TS
from trading_assets.market.gaps import gaps
from trading_assets.market.native_bars import bars_of_native, clean_native_bars
from trading_assets.market.native_grid import native_grid
from trading_assets.market.sessions import SESSIONS_SCHEMA, Sessions

COIN = Symbol("COIN")
MARCH = Month(2024, 3)
HOUR = Timeframe.H1.micros


def sessions(
    *spans: tuple[int, float, float], pause: tuple[float, float] | None = None
) -> Sessions:
    """Give sessions as (day of March, open, close) in hours after the label's midnight."""
    rows = []
    for day, opens, closes in spans:
        label = MARCH.start + (day - 1) * DAY
        held = [None if pause is None else label + int(hour * HOUR) for hour in pause or (0, 0)]
        rows.append(
            (label // DAY, label + int(opens * HOUR), label + int(closes * HOUR), *held, False)
        )
    frame = pl.DataFrame(rows, schema=list(SESSIONS_SCHEMA), orient="row", infer_schema_length=None)
    cast = frame.with_columns(
        pl.col("session").cast(pl.Int32).cast(pl.Date),
        pl.col("open", "close", "break_start", "break_end").cast(pl.Int64).cast(TS),
    )
    return Sessions("TEST", cast, MARCH.shift(-1).start, MARCH.shift(1).end)


def rows_at(*opens: int) -> pl.DataFrame:
    frame = pl.DataFrame({"ts": opens}, schema={"ts": pl.Int64}).cast(TS)
    return frame.with_columns(
        open=2.0, high=4.0, low=1.0, close=3.0, volume=1.0, quote_volume=None, n_trades=None
    )


def test_a_market_that_never_closes_owes_every_multiple_that_has_ended() -> None:
    grid = native_grid(Timeframe.H1, MARCH.start + MINUTE, MARCH.start + 3 * HOUR + 1, None)
    assert grid.ts.tolist() == [MARCH.start + HOUR, MARCH.start + 2 * HOUR]
    assert grid.minutes.tolist() == [60, 60]
    assert len(native_grid(Timeframe.D1, MARCH.start, MARCH.start, None)) == 0


def test_bars_count_from_the_open_and_after_the_break_and_the_last_may_be_shorter() -> None:
    cut = sessions((4, 14.5, 18.0), pause=(16.0, 17.0))
    label = MARCH.start + 3 * DAY
    grid = native_grid(Timeframe.H1, MARCH.start, MARCH.end, cut)
    starts = [(ts - label) / HOUR for ts in grid.ts.tolist()]
    assert (starts, grid.minutes.tolist()) == ([14.5, 15.5, 17.0], [60, 30, 60])
    days = native_grid(Timeframe.D1, MARCH.start, MARCH.end, cut)
    assert (days.ts.tolist(), days.minutes.tolist()) == ([label], [150])
    assert (days.start.tolist(), days.end.tolist()) == ([label + 14.5 * HOUR], [label + 18 * HOUR])


def test_a_session_that_opens_on_the_evening_before_belongs_to_the_month_of_its_label() -> None:
    cut = sessions((1, -2.0, 21.0), (4, -2.0, 21.0))
    days = native_grid(Timeframe.D1, MARCH.start, MARCH.end, cut)
    assert days.ts.tolist() == [MARCH.start, MARCH.start + 3 * DAY]
    hours = native_grid(Timeframe.H1, MARCH.start, MARCH.end, cut)
    assert (hours.ts[0], len(hours)) == (MARCH.start, 21 + 23)
    with pytest.raises(DataError, match="does not know this span"):
        native_grid(Timeframe.D1, MARCH.shift(-2).start, MARCH.end, cut)


def test_what_is_missing_is_two_gaps_over_a_close_and_one_where_trading_goes_on() -> None:
    cut = sessions((4, 14.0, 16.0), (5, 14.0, 16.0))
    grid = native_grid(Timeframe.H1, MARCH.start, MARCH.end, cut)
    first, last = int(grid.ts[0]), int(grid.ts[3])
    apart = grid.missing(grid.ts[[0, 3]])
    assert apart == (
        Gap(first + HOUR, first + 2 * HOUR - MINUTE, 60),
        Gap(last - HOUR, last - MINUTE, 60),
    )
    assert grid.missing(grid.ts[[0, 3]], longest_silence_minutes=60) == ()
    (together,) = grid.missing(grid.ts[2:])
    assert together == Gap(first, first + 2 * HOUR - MINUTE, 120)
    assert grid.of_gap(together).ts.tolist() == grid.ts[:2].tolist()
    assert grid.around(apart[0]) == (first, last - HOUR)


def test_gaps_of_hours_are_those_of_their_minutes() -> None:
    """The minutes of the hours that are there, and only those, give the same list."""
    cut = sessions((4, 14.5, 21.0), (5, 14.5, 21.0), (6, 14.5, 18.0))
    grid = native_grid(Timeframe.H1, MARCH.start, MARCH.end, cut)
    there = [0, 1, 4, 9, 10, 13, 16]
    spans = [range(int(grid.start[i]), int(grid.end[i]), MINUTE) for i in there]
    minutes = rows_at(*(ts for span in spans for ts in span))
    assert grid.missing(grid.ts[there]) == gaps(minutes, MARCH.start, MARCH.end, sessions=cut)


def test_rows_are_put_in_order_and_counted() -> None:
    rows = rows_at(*(MARCH.start + n * HOUR for n in (3, 0, 1, 1, 4)), MARCH.start + MINUTE)
    frame, report = clean_native_bars(
        rows,
        COIN,
        "files",
        timeframe=Timeframe.H1,
        month=MARCH,
        start=MARCH.start,
        end=MARCH.start + 4 * HOUR + MINUTE,
    )
    assert [(ts - MARCH.start) // HOUR for ts in frame["ts"].to_physical()] == [0, 1, 3]
    assert (report.received, report.rows, report.duplicates) == (6, 3, 1)
    assert (report.unfinished, report.off_grid) == (1, (MARCH.start + MINUTE,))
    hole = MARCH.start + 2 * HOUR
    assert report.gaps == (Gap(hole, hole + HOUR - MINUTE, 60),)


def test_a_bar_that_would_reach_into_the_session_is_off_the_grid_and_an_earlier_one_is_not() -> (
    None
):
    cut = sessions((4, 14.5, 21.0))
    opens = MARCH.start + 3 * DAY + 14 * HOUR + HOUR // 2
    frame, report = clean_native_bars(
        rows_at(opens - 2 * HOUR, opens - HOUR // 2, opens, opens + HOUR // 2),
        COIN,
        "files",
        timeframe=Timeframe.H1,
        month=MARCH,
        start=None,
        end=opens + HOUR,
        sessions=cut,
    )
    assert frame["ts"].to_physical().to_list() == [opens - 2 * HOUR, opens]
    assert report.off_grid == (opens - HOUR // 2, opens + HOUR // 2)


def test_a_larger_bar_is_complete_when_no_native_bar_is_missing_inside() -> None:
    frame, _ = clean_native_bars(
        rows_at(*(MARCH.start + n * HOUR for n in (*range(24), *range(30, 48)))),
        COIN,
        "files",
        timeframe=Timeframe.H1,
        month=MARCH,
        start=MARCH.start,
        end=MARCH.start + 2 * DAY,
    )
    grid = native_grid(Timeframe.H1, MARCH.start, MARCH.start + 2 * DAY, None)
    days = bars_of_native(frame, COIN, Timeframe.H1, Timeframe.D1, grid, end=MARCH.start + 2 * DAY)
    assert days["complete"].to_list() == [True, False]
    assert days["volume"].to_list() == [24.0, 18.0]
    assert days["n_minutes"].null_count() == 2
