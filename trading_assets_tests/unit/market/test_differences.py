"""What two tables say differently."""

from collections.abc import Callable

import polars as pl
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.differences import difference_text, differences, with_repairs

BarsAt = Callable[..., pl.DataFrame]
BTC = Symbol("BTCUSDT")
START = Month(2024, 3).start


def minutes_of(found: pl.DataFrame) -> list[tuple[int, str]]:
    return [
        ((ts - START) // 60_000_000, change)
        for ts, change in found.select(pl.col("ts").to_physical(), "change").iter_rows()
    ]


def changed(bars: pl.DataFrame, row: int, **values: float) -> pl.DataFrame:
    here = pl.int_range(pl.len()) == row
    return bars.with_columns(
        pl.when(here).then(pl.lit(value)).otherwise(name).alias(name)
        for name, value in values.items()
    )


def test_equal_tables_differ_in_nothing(bars_at: BarsAt) -> None:
    assert differences(bars_at(range(5)), bars_at([4, 3, 2, 1, 0])).is_empty()
    assert differences(bars_at([]), bars_at([])).is_empty()


def test_each_minute_is_added_removed_or_changed(bars_at: BarsAt) -> None:
    old = bars_at([0, 1, 2, 3])
    new = changed(bars_at([1, 2, 3, 4]), 1, close=7.5)
    found = differences(old, new)
    assert minutes_of(found) == [(0, "removed"), (2, "changed"), (4, "added")]
    removed, other, added = found.iter_rows(named=True)
    assert (removed["close_old"], removed["close_new"]) == (101.0, None)
    assert (other["close_old"], other["close_new"]) == (103.0, 7.5)
    assert (added["open_old"], added["open_new"]) == (None, 104.0)
    assert difference_text(other) == "2024-03-01 00:02: close 103.0, now 7.5"
    assert difference_text(removed) == "2024-03-01 00:00: removed"


def test_a_column_that_one_side_does_not_give_is_not_compared(bars_at: BarsAt) -> None:
    old = bars_at(range(3))
    for new in (old.drop("volume"), old.with_columns(volume=pl.lit(None, dtype=pl.Float64))):
        found = differences(old, changed(new, 1, close=1.0))
        assert minutes_of(found) == [(1, "changed")]
        assert "volume_old" not in found.columns


def test_the_smallest_difference_counts_unless_a_tolerance_is_given(bars_at: BarsAt) -> None:
    old = bars_at(range(3))
    new = changed(old, 1, close=102.0 * (1 + 1e-12), volume=0.2 * (1 + 1e-6))
    assert minutes_of(differences(old, new)) == [(1, "changed")]
    assert minutes_of(differences(old, new, relative_tolerance=1e-9)) == [(1, "changed")]
    assert differences(old, new, relative_tolerance=1e-5).is_empty()


def test_repairs_give_what_is_lacking_and_nothing_else(bars_at: BarsAt) -> None:
    listed = pl.concat([bars_at([0, 1, 4]), bars_at([1])])
    rows = with_repairs(listed, bars_at([1, 2, 3, 4]), BTC)
    assert rows.equals(pl.concat([listed, bars_at([2, 3])]))


def test_repairs_that_say_something_else_are_refused(bars_at: BarsAt) -> None:
    other = changed(bars_at([1, 2]), 0, volume=9.0)
    with pytest.raises(DataError, match="two files of the vendor disagree") as caught:
        with_repairs(bars_at([0, 1]), other, BTC)
    assert caught.value.found == "1 minutes: 2024-03-01 00:01: volume 0.2, now 9.0"
