"""What is missing between bars."""

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.ids import Month
from trading_assets.market.gaps import gaps, merge_gaps

BarsAt = Callable[..., pl.DataFrame]
START = Month(2024, 3).start


def at(minute: int) -> int:
    return START + minute * MINUTE


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (range(10), ()),
        ([0, 1, 5, 9], (Gap(at(2), at(4), 3), Gap(at(6), at(8), 3))),
        ([3, 4], (Gap(at(0), at(2), 3), Gap(at(5), at(9), 5))),
    ],
)
def test_gaps_name_their_first_and_last_missing_minute(
    bars_at: BarsAt, minutes: Sequence[int], expected: tuple[Gap, ...]
) -> None:
    assert gaps(bars_at(minutes), START, at(10)) == expected
    assert sum(gap.minutes for gap in expected) == 10 - len(minutes)


def test_gaps_that_touch_become_one() -> None:
    split = (Gap(at(7), at(9), 3), Gap(at(2), at(4), 3), Gap(at(5), at(5), 1))
    assert merge_gaps(split) == (Gap(at(2), at(5), 4), Gap(at(7), at(9), 3))
    explained = Gap(at(5), at(5), 1, "maintenance")
    assert len(merge_gaps((Gap(at(2), at(4), 3), explained))) == 2
