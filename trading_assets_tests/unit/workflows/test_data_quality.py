"""Gaps as people write them down."""

from collections.abc import Callable
from typing import Any

import pytest

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.workflows.data_quality import GapRow, data_quality
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_month import market_month

BTC = Symbol("BTCUSDT")
MARCH, APRIL = Month(2024, 3), Month(2024, 4)


def test_gaps_are_named_by_the_bars_around_them_and_joined_over_months(
    archive: Any, archive_desk: Desk
) -> None:
    archive.put_month(MARCH, without=[range(10, 12), range(31 * 1440 - 3, 31 * 1440)])
    archive.put_month(APRIL, without=[range(2)])
    for month in (MARCH, APRIL):
        market_month(archive_desk, BTC, month)
    inside = GapRow(BTC, "2024-03-01 00:09", "2024-03-01 00:12", 2)
    assert data_quality(archive_desk) == [
        inside,
        GapRow(BTC, "2024-03-31 23:56", "2024-04-01 00:02", 5),
    ]
    assert data_quality(archive_desk, (BTC,), (MARCH,)) == [
        inside,
        GapRow(BTC, "2024-03-31 23:56", "2024-04-01 00:00", 3),
    ]


def test_months_of_another_source_are_not_mixed_in(
    archive: Any, archive_desk: Desk, make_desk: Callable[..., Desk]
) -> None:
    archive.put_month(MARCH, without=[range(10, 12)])
    market_month(archive_desk, BTC, MARCH)
    other = make_desk(TA_SOURCE="binance")
    assert data_quality(other) == []
    assert len(data_quality(other, (BTC,), (MARCH,))) == 1


def test_a_month_that_was_asked_for_must_be_there(archive_desk: Desk) -> None:
    assert data_quality(archive_desk) == []
    with pytest.raises(MissingPartition, match="bars_1m/BTCUSDT/2024-03"):
        data_quality(archive_desk, (BTC,), (MARCH,))
