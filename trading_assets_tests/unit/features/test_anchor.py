from datetime import UTC, datetime, timedelta

import pytest

from trading_assets.domain.ids import Month
from trading_assets.features.anchor import anchor


@pytest.mark.parametrize(
    ("warm_up", "day"),
    [
        (timedelta(0), datetime(2024, 3, 1, tzinfo=UTC)),
        (timedelta(minutes=5), datetime(2024, 2, 29, tzinfo=UTC)),
        (timedelta(days=3), datetime(2024, 2, 27, tzinfo=UTC)),
        (timedelta(days=3, microseconds=1), datetime(2024, 2, 26, tzinfo=UTC)),
    ],
)
def test_the_anchor_is_the_months_start_less_the_warm_up_rounded_out_to_a_day(warm_up, day):
    assert anchor(Month(2024, 3), warm_up) == int(day.timestamp()) * 1_000_000
