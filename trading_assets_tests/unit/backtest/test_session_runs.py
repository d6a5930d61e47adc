"""Markets that close: a night or a weekend is no hole, a missing session is."""

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.segments import Hole, holes
from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.engine.signals import BarMatrix
from trading_assets.interfaces.python_api import Backtest
from trading_assets.market.calendars import build_sessions
from trading_assets.records.codes import Leg

HOUR = 60 * MINUTE
FIRST, LAST = date(2024, 3, 1), date(2024, 4, 10)
SPEC = """
name: spy
strategy: ema_trend
params: {fast: 3, slow: 9}
symbols: [SPY]
cash: 100000
quote: USD
sizing: {mode: fixed, qty: 10}
"""


@pytest.fixture(scope="module")
def new_york():
    return build_sessions("XNYS", FIRST, LAST)


def instants(*, days, minutes=0):
    """Give a day of March 2024 as microseconds."""
    return int(datetime(2024, 3, days, tzinfo=UTC).timestamp()) * 1_000_000 + minutes * MINUTE


def matrix(ts):
    close = np.full((1, len(ts)), 100.0)
    return BarMatrix(np.array(ts, np.int64), *[close.copy() for _ in range(5)])


def five_minutes(sessions, start, end):
    minutes = sessions.minutes(start, end)
    return minutes[::5]


def test_nights_and_weekends_and_the_change_of_the_clocks_are_no_holes(new_york):
    bars = matrix(five_minutes(new_york, instants(days=4), instants(days=23)))

    assert holes(bars, 0, [new_york]) == ()
    assert len(holes(bars, 12 * HOUR)) == 14  # without its calendar each close is one


def test_what_is_missing_is_counted_in_trading_time_over_a_close(new_york):
    ts = five_minutes(new_york, instants(days=4), instants(days=9))
    opens = instants(days=6, minutes=14 * 60 + 30)
    gone = (ts >= opens - DAY + 5 * HOUR) & (ts < opens + 2 * HOUR)  # 1.5 h and 2 h of trading
    bars = matrix(ts[~gone])

    assert holes(bars, 210 * MINUTE, [new_york]) == ()
    (hole,) = holes(bars, 210 * MINUTE - 1, [new_york])
    assert hole == Hole(0, hole.row, opens - DAY + 5 * HOUR, opens + 2 * HOUR)


def test_daily_bars_miss_the_whole_sessions_between_them(new_york):
    labels = new_york.frame["session"].to_physical().to_numpy().astype(np.int64) * DAY
    missing = {instants(days=12), instants(days=13)}  # a Tuesday and a Wednesday: 13 hours
    bars = matrix([ts for ts in labels if ts not in missing])

    assert holes(bars, 13 * HOUR, [new_york]) == ()
    (hole,) = holes(bars, 13 * HOUR - 1, [new_york])
    assert (hole.start, hole.end) == (instants(days=12), instants(days=14))


def test_each_symbol_has_its_own_calendar(new_york):
    ts = five_minutes(new_york, instants(days=4), instants(days=6))
    close = np.full((2, len(ts)), 100.0)
    bars = BarMatrix(np.array(ts), *[close.copy() for _ in range(5)])

    assert [h.symbol_index for h in holes(bars, 12 * HOUR, [new_york, None])] == [1]


def minutes_of(ts):
    close = 100 + 5 * np.sin(np.arange(len(ts)) / 90.0)
    stamps = pl.Series(ts).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame(
        {"ts": stamps, "open": close, "high": close, "low": close, "close": close, "volume": 1.0}
    )


def test_own_minutes_of_a_session_market_run_through_nights_and_weekends(new_york):
    everything = np.arange(instants(days=4), instants(days=23), MINUTE)  # nights, too
    spy = [
        Instrument(
            symbol_from_text("SPY"), "SPY", "USD", Decimal("0.01"), Decimal(1), calendar=calendar
        )
        for calendar in ("XNYS", "24/7")
    ]
    backtest = Backtest(SPEC, minutes_of(everything), spy[:1])
    inside = new_york.minutes(everything[0], everything[-1])
    alone = Backtest(SPEC, minutes_of(inside), spy[1:])

    traded = backtest.prepared.bars.ts
    assert traded.tolist() == five_minutes(new_york, everything[0], everything[-1]).tolist()
    assert backtest.prepared.holes == ()
    assert len(alone.prepared.holes) == 14
    legs = [one.run().log.fills["leg"] for one in (backtest, alone)]
    assert len(legs[0]) > 10
    assert [(Leg.SEGMENT_END in leg) for leg in legs] == [False, True]


@pytest.mark.parametrize(("size", "bars_of_a_session"), [("1h", 7), ("1d", 1)])
def test_hours_and_days_of_a_session_market_are_whole_sessions_long(
    new_york, size, bars_of_a_session
):
    minutes = minutes_of(new_york.minutes(instants(days=4), instants(days=23)))
    spy = Instrument(
        symbol_from_text("SPY"), "SPY", "USD", Decimal("0.01"), Decimal(1), calendar="XNYS"
    )

    backtest = Backtest(f"{SPEC}bar_size: {size}\n", minutes, [spy])
    log = backtest.run().log

    assert len(log.bars) == 15 * bars_of_a_session
    assert log.holes == ()
    assert len(log.equity) == len(log.bars)
