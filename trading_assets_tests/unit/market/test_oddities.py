"""What is odd about bars, and listed."""

from collections.abc import Callable

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.ids import Month
from trading_assets.market.oddities import (
    CLOSE_TS,
    EarlyClose,
    Silence,
    early_closes,
    jumps,
    silences,
)

BarsAt = Callable[..., pl.DataFrame]
START = Month(2024, 3).start


def at(minute: int) -> int:
    return START + minute * MINUTE


def closing(bars: pl.DataFrame, after_us: list[int]) -> pl.DataFrame:
    return bars.with_columns(
        (pl.col("ts") + pl.Series(after_us).cast(pl.Duration("us"))).alias(CLOSE_TS)
    )


def test_both_units_end_a_bar_on_time_and_everything_else_is_listed(bars_at: BarsAt) -> None:
    rows = closing(bars_at(range(6)), [59_999_000, 59_999_999, 14_788_000, 0, 60_000_000, 1])
    odd = [EarlyClose(at(2), at(2) + 14_788_000), EarlyClose(at(3), at(3))]
    odd += [EarlyClose(at(4), at(5)), EarlyClose(at(5), at(5) + 1)]
    assert early_closes(rows) == tuple(odd)
    assert early_closes(pl.concat([rows, rows])) == tuple(odd)
    assert early_closes(rows.drop(CLOSE_TS)) == ()


def test_a_close_time_that_the_vendor_left_out_is_not_odd(bars_at: BarsAt) -> None:
    rows = bars_at([0]).with_columns(pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias(CLOSE_TS))
    assert early_closes(rows) == ()


def silent(bars: pl.DataFrame, minutes: set[int]) -> pl.DataFrame:
    is_silent = pl.col("ts").is_in(
        pl.Series([at(m) for m in minutes], dtype=pl.Int64).cast(pl.Datetime("us", "UTC")).implode()
    )
    return bars.with_columns(n_trades=pl.when(is_silent).then(0).otherwise("n_trades"))


def test_stretches_without_a_trade_end_at_trades_and_at_gaps(bars_at: BarsAt) -> None:
    bars = silent(bars_at([0, 1, 2, 3, 4, 8, 9, 10]), {1, 2, 4, 8, 10})
    missing = (Gap(at(5), at(7), 3),)
    assert silences(bars, missing) == (
        Silence(at(1), at(2), 2, beside_gap=False),
        Silence(at(4), at(4), 1, beside_gap=True),
        Silence(at(8), at(8), 1, beside_gap=True),
        Silence(at(10), at(10), 1, beside_gap=False),
    )
    assert silences(bars_at(range(5)), ()) == ()


def test_a_vendor_that_counts_no_trades_has_no_silences(bars_at: BarsAt) -> None:
    bars = bars_at(range(5)).with_columns(n_trades=pl.lit(None, dtype=pl.Int64))
    assert silences(bars, ()) == ()


def walk(bars_at: BarsAt, closes: list[float], opens: list[float] | None = None) -> pl.DataFrame:
    opens = opens or [closes[0], *closes[:-1]]
    return bars_at(range(len(closes))).with_columns(
        open=pl.Series(opens),
        close=pl.Series(closes),
        high=pl.max_horizontal(pl.Series(opens), pl.Series(closes)),
        low=pl.min_horizontal(pl.Series(opens), pl.Series(closes)),
    )


def test_a_move_is_a_jump_by_the_median_move_of_the_bars(bars_at: BarsAt) -> None:
    quiet = [100.0 * 1.001 ** (minute % 2) for minute in range(40)]
    quiet[20] = 110.0
    (spike, back) = jumps(walk(bars_at, quiet), 50)
    assert (spike.ts, spike.kind, back.ts) == (at(20), "range", at(21))
    assert spike.move == pytest.approx(110 / 100.1 - 1)
    assert spike.times == pytest.approx(94.36, abs=0.1)
    assert jumps(walk(bars_at, quiet), 96) == ()


def test_the_step_to_an_open_counts_by_itself(bars_at: BarsAt) -> None:
    closes = [100.0 * 1.001 ** (minute % 2) for minute in range(40)]
    opens = [closes[0], *closes[:-1]]
    opens[7] = closes[7] = closes[6] * 0.5
    found = jumps(walk(bars_at, closes, opens), 50)
    assert [(j.ts, j.kind) for j in found] == [(at(7), "close_to_open"), (at(8), "close_to_open")]
    assert [j.move for j in found] == pytest.approx([-0.5, 1.0], abs=0.01)


def test_a_move_over_a_gap_is_no_jump(bars_at: BarsAt) -> None:
    bars = walk(bars_at, [100.0 * 1.001 ** (minute % 2) for minute in range(40)])
    later = pl.col("ts") >= pl.lit(at(20)).cast(pl.Datetime("us", "UTC"))
    prices = pl.col("open", "high", "low", "close")
    moved = bars.with_columns(
        pl.when(later).then(prices * 2).otherwise(prices),
    )
    assert [j.ts for j in jumps(moved, 50)] == [at(20)]
    hole = moved.filter(pl.col("ts") != pl.lit(at(19)).cast(pl.Datetime("us", "UTC")))
    assert jumps(hole, 50) == ()


def test_a_market_that_never_moves_has_no_yardstick(bars_at: BarsAt) -> None:
    assert jumps(walk(bars_at, [100.0] * 10), 50) == ()
    assert jumps(bars_at([]), 50) == ()
