"""Live bars and rows of other sizes are those of a backtest over the same minutes."""

from __future__ import annotations

import math
from datetime import timedelta

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE, Bar, Timeframe
from trading_assets.domain.ids import Month
from trading_assets.domain.setup import SignalFamily
from trading_assets.features.anchor import anchor
from trading_assets.live.feed import BarFeed
from trading_assets.live.signal_desk import SignalDesk
from trading_assets.market.bar_frame import BAR_SCHEMA
from trading_assets.market.resample import resample
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.evaluate import month_signals, signal_rows

SYMBOL = "BTCUSDT"
APRIL = Month.from_text("2024-04")
BARS = {Timeframe.M1: 40, Timeframe.M15: 20, Timeframe.H1: 12, Timeframe.D1: 2}


class Source:
    """Minutes of a price that only depends on time; it remembers from when on it was asked."""

    def __init__(self):
        self.first = 0

    def bars(self, symbol, start, end):
        self.first = self.first or start
        return (_minute(symbol, ts) for ts in range(start, end, MINUTE))


def _minute(symbol, ts):
    price = 100 + 10 * math.sin(ts / 7e9) + math.sin(ts / 3e8)
    return Bar(symbol, ts, price, price + 1, price - 1, price + 0.5, 2.0, 2 * price, 3)


def _frame(start, end):
    rows = [_minute(SYMBOL, ts) for ts in range(start, end, MINUTE)]
    columns = {
        name: [getattr(bar, name) for bar in rows]
        for name in BAR_SCHEMA.names()
        if name != "source"
    }
    return pl.DataFrame({**columns, "source": ["venue"] * len(rows)}, schema=BAR_SCHEMA)


@pytest.mark.parametrize("size", BARS, ids=lambda size: size.value)
def test_rows_of_a_feed_are_those_of_a_backtest_on_bars_of_its_size(size):
    strategy = EmaTrend(fast=1, slow=2, bar_size=timedelta(microseconds=size.micros))
    source, first = Source(), APRIL.start + 2 * DAY
    end = first + BARS[size] * size.micros
    feed = BarFeed(source, SignalDesk(strategy), (SYMBOL,), size, grace=0)
    feed.load(first)
    begin = source.first

    events = feed.poll(end)

    bars = resample(_frame(begin, end), size)
    signals = month_signals(strategy, bars, APRIL).tail(len(events))
    again = signal_rows(SYMBOL, SignalFamily.TARGET, signals)
    assert [event.ts for event in events] == list(range(first, end, size.micros))
    assert [e.rows[0].row_hash for e in events] == [row.row_hash for row in again]
    assert any(not math.isnan(row.values[0]) for row in again)
    assert begin == anchor(APRIL, 28 * timedelta(microseconds=size.micros))
