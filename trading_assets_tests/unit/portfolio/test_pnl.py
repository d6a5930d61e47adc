"""Profit and loss of strategy books."""

from decimal import Decimal

import pytest

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.portfolio.book import TaggedFill, VirtualBook
from trading_assets.portfolio.pnl import by_tag, compute_intraday_mtm, rollup_daily_pnl

SOL = symbol_from_text("SOLUSDT")
INSTRUMENTS = (Instrument(SOL, "SOL", "USDT", Decimal("0.01"), Decimal("0.001")),)


def fill(tag, side, price, ts, lots=1000):
    return TaggedFill(tag, SOL, side, lots, price, ts)


def test_a_mark_within_the_day_gives_what_each_tag_has_earned():
    book = VirtualBook(INSTRUMENTS)
    book.apply_fill(fill("a", 1, 100.0, 0))
    book.apply_fill(fill("b", -1, 100.0, 1))

    assert compute_intraday_mtm(book, {SOL: 103.0}) == {"a": Decimal(3), "b": Decimal(-3)}


def test_days_are_marked_to_their_end_and_add_up_to_the_whole():
    fills = [fill("a", 1, 100.0, 5), fill("b", 1, 101.0, DAY + 5), fill("a", -1, 104.0, DAY + 9)]
    marks = {0: {SOL: 102.0}, DAY: {SOL: 105.0}, 2 * DAY: {SOL: 103.0}}

    rows = rollup_daily_pnl(INSTRUMENTS, fills, marks)

    assert [(row.day // DAY, row.tag, row.pnl) for row in rows] == [
        (0, "a", 2),
        (1, "a", 2),
        (1, "b", 4),
        (2, "a", 0),
        (2, "b", -2),
    ]
    assert sum(row.pnl for row in rows) == 4 + 2  # sold 4 higher; held from 101 to 103


def test_costs_beside_fills_belong_to_their_day_and_tag():
    marks = {0: {SOL: 100.0}, DAY: {SOL: 100.0}}

    rows = rollup_daily_pnl(
        INSTRUMENTS, [fill("a", 1, 100.0, 5)], marks, {(DAY, "a"): Decimal("0.25")}
    )

    assert [row.pnl for row in rows] == [0, Decimal("-0.25")]


def test_profits_by_tag_are_series_of_days():
    fills = [fill("b", 1, 100.0, 5), fill("a", 1, 100.0, DAY)]
    marks = {0: {SOL: 101.0}, DAY: {SOL: 102.0}}

    found = by_tag(rollup_daily_pnl(INSTRUMENTS, fills, marks))

    assert list(found) == ["a", "b"]
    assert found["a"][0].tolist() == [DAY]
    assert found["b"][1] == [1, 1]


@pytest.mark.parametrize(
    ("fills", "message"),
    [
        ([fill("a", 1, 100.0, 3 * DAY)], "days without a mark"),
        ([fill("a", 1, 100.0, 9), fill("a", 1, 100.0, 8)], "go back"),
    ],
)
def test_fills_that_no_mark_values_are_refused(fills, message):
    with pytest.raises(DataError, match=message):
        rollup_daily_pnl(INSTRUMENTS, fills, {0: {SOL: 100.0}})
