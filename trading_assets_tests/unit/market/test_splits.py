"""Splits: the same history in today's shares."""

from datetime import UTC, date, datetime
from fractions import Fraction

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.domain.errors import ConfigurationError
from trading_assets.market.splits import Split, adjust_for_splits, split_factors

NEW_YORK = "America/New_York"
SEVEN = Split(date(2014, 6, 9), 7)
FOUR = Split(date(2020, 8, 31), 4)


def bars(*moments: datetime, price: float = 700.0) -> pl.DataFrame:
    rows = len(moments)
    return pl.DataFrame(
        {
            "ts": moments,
            **{name: [price] * rows for name in ("open", "high", "low", "close")},
            "volume": [10.0] * rows,
            "quote_volume": [7000.0] * rows,
            "n_trades": [3] * rows,
        },
        schema_overrides={"ts": pl.Datetime("us", "UTC")},
    )


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_prices_before_the_ex_date_are_divided_and_volumes_multiplied() -> None:
    adjusted = adjust_for_splits(
        bars(utc(2014, 6, 6, 15), utc(2014, 6, 9, 15)), [SEVEN], time_zone=NEW_YORK
    )
    assert adjusted["close"].to_list() == [100.0, 700.0]
    assert adjusted["volume"].to_list() == [70.0, 10.0]
    assert adjusted["quote_volume"].to_list() == [7000.0, 7000.0]
    assert adjusted["n_trades"].to_list() == [3, 3]


def test_the_ex_date_begins_at_midnight_where_the_share_is_listed() -> None:
    """After hours of the evening before lie after midnight in UTC, and are in old shares."""
    evening, night = utc(2014, 6, 9, 3, 59), utc(2014, 6, 9, 4, 0)
    adjusted = adjust_for_splits(bars(evening, night), [SEVEN], time_zone=NEW_YORK)
    assert adjusted["close"].to_list() == [100.0, 700.0]


def test_later_splits_multiply_and_their_order_does_not_matter() -> None:
    frame = bars(utc(2014, 1, 2), utc(2019, 1, 2), utc(2021, 1, 4), price=2800.0)
    adjusted = adjust_for_splits(frame, [FOUR, SEVEN], time_zone=NEW_YORK)
    assert adjusted["close"].to_list() == [100.0, 700.0, 2800.0]
    assert split_factors([FOUR, SEVEN]) == (
        (SEVEN.ex_date, Fraction(1, 28)),
        (FOUR.ex_date, Fraction(1, 4)),
    )
    assert_frame_equal(
        adjusted, adjust_for_splits(frame, [SEVEN, FOUR], time_zone=NEW_YORK), check_exact=True
    )


def test_a_reverse_split_raises_old_prices() -> None:
    adjusted = adjust_for_splits(
        bars(utc(2009, 6, 30, 15), price=1.5), [Split(date(2009, 7, 1), 1, 20)], time_zone=NEW_YORK
    )
    assert (adjusted["close"].item(), adjusted["volume"].item()) == (30.0, 0.5)


def test_without_splits_bars_are_what_they_were() -> None:
    frame = bars(utc(2014, 6, 6))
    assert_frame_equal(adjust_for_splits(frame, [], time_zone="UTC"), frame, check_exact=True)


@pytest.mark.parametrize(("new", "old"), [(0, 1), (1, 0), (3, 3), (-7, 1)])
def test_a_ratio_without_meaning_is_refused(new: int, old: int) -> None:
    with pytest.raises(ConfigurationError, match="no meaning"):
        Split(date(2014, 6, 9), new, old)


def test_two_splits_on_one_day_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="Two splits"):
        split_factors([SEVEN, Split(SEVEN.ex_date, 2)])
