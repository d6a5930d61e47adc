"""Profit and loss of strategy books: within a day, day by day, and by tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.portfolio.book import TaggedFill, VirtualBook


@dataclass(frozen=True, slots=True)
class DayPnl:
    """What a tag has earned in a UTC day.

    Attributes:
        day: its first instant, microseconds UTC.
        pnl: quote, after fees, what is held marked to the day's mark.
    """

    day: Micros
    tag: str
    pnl: Decimal


def compute_intraday_mtm(book: VirtualBook, prices: Mapping[Symbol, float]) -> dict[str, Decimal]:
    """Mark a book to these prices; give what each tag has earned since its first fill, in quote.

    Raises:
        UnknownSymbol: if the book has no such instrument.
        DataError: if a price is none, or something held has none.
    """
    book.mark_to_market(prices)
    return {tag: book.equity(tag) for tag in book.tags}


def rollup_daily_pnl(
    instruments: Sequence[Instrument],
    fills: Sequence[TaggedFill],
    marks: Mapping[Micros, Mapping[Symbol, float]],
    fees: Mapping[tuple[Micros, str], Decimal] | None = None,
) -> tuple[DayPnl, ...]:
    """Give the profit of every tag in every UTC day that has a mark, by day and tag.

    Args:
        instruments: that are traded.
        fills: in order of time; their own fees are in them.
        marks: first instant of a UTC day to its last prices; symbols that are not given keep their
            latest.
        fees: costs beside those of fills (nights, subscriptions) in quote, by day and tag.

    Raises:
        DataError: if a fill or a fee lies in no marked day, or times go back.
    """
    beside = dict(fees or {})
    days = {fill.ts // DAY * DAY for fill in fills} | {day for day, _ in beside}
    missing = sorted(days - set(marks))
    times = [fill.ts for fill in fills]
    if missing or times != sorted(times):
        raise DataError(
            "Fills and marks do not fit",
            expected="fills in order of time, each in a UTC day that has marks",
            found=f"days without a mark: {missing[:3]}" if missing else "fills that go back",
        )
    book = VirtualBook(instruments)
    before: dict[str, Decimal] = {}
    found: list[DayPnl] = []
    pending = list(reversed(fills))
    for day in sorted(marks):
        while pending and pending[-1].ts < day + DAY:
            book.apply_fill(pending.pop())
        now = compute_intraday_mtm(book, marks[day])
        for tag in sorted({*now, *(name for at, name in beside if at == day)}):
            earned = now.get(tag, Decimal(0)) - before.get(tag, Decimal(0))
            found.append(DayPnl(day, tag, earned - beside.get((day, tag), Decimal(0))))
        before = now
    return tuple(found)


def by_tag(rows: Sequence[DayPnl]) -> dict[str, tuple[NDArray[np.int64], list[Decimal]]]:
    """Give days (int64, microseconds UTC) and profits of each tag; days without a row have none.

    `evaluation.metrics` says how good a series of returns is.
    """
    found: dict[str, list[DayPnl]] = {}
    for row in rows:
        found.setdefault(row.tag, []).append(row)
    return {
        tag: (np.array([row.day for row in own], np.int64), [row.pnl for row in own])
        for tag, own in sorted(found.items())
    }
