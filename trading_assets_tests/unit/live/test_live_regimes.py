"""Live regimes are the table's for the same parameters, to the last bit, however bars come."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.features.anchor import anchor
from trading_assets.features.regime import WARM_UP, RegimeParameters, known_regimes, regimes_of
from trading_assets.live.live_regimes import LiveRegimes
from trading_assets.live.signal_desk import SignalDesk
from trading_assets.market.bar_frame import BAR_SCHEMA, between
from trading_assets.market.resample import resample
from trading_assets.strategies.ema_trend import EmaTrend
from trading_assets.strategies.evaluate import month_signals, signal_rows
from trading_assets.strategies.filter_sections import FiltersSpec
from trading_assets.strategies.filtered import Filtered

SOL = Symbol("SOLUSDT")
HOUR = 60 * MINUTE
FEBRUARY, MARCH, APRIL = (Month(2024, n) for n in (2, 3, 4))
PARAMETERS = RegimeParameters((1e-5, 1e-4), ((0.95, 0.05), (0.1, 0.9)))
SLOW = RegimeParameters((4e-5, 4.01e-5), ((0.9999, 0.0001), (0.0002, 0.9998)))
"""States that hardly change and look alike: bits tell for months where the filter has begun."""
CALM = Filtered(
    EmaTrend(fast=3, slow=9), FiltersSpec.model_validate({"regime": {"min_probability": 0.7}})
)


@pytest.fixture(scope="module")
def minutes():
    """Give minutes of quiet and wild days up to the second of April.

    There is a hole before the month begins and one across an hour in it.
    """
    ts = np.arange(FEBRUARY.start - 32 * DAY, APRIL.start + 2 * DAY, MINUTE)
    holes = ((APRIL.start - 5 * HOUR, 100), (APRIL.start + 6 * HOUR + 50 * MINUTE, 15))
    for start, length in holes:
        ts = ts[(ts < start) | (ts >= start + length * MINUTE)]
    rng = np.random.default_rng(5)
    wild = (ts // (7 * HOUR)) % 3 == 0
    close = 100 * np.exp(np.cumsum(rng.normal(0, 1, ts.size) * np.where(wild, 1.5e-3, 4e-4)))
    values = dict.fromkeys(("open", "high", "low", "close"), close)
    values |= {"ts": ts, "symbol": [SOL] * ts.size, "volume": np.ones(ts.size)}
    values |= {"quote_volume": np.ones(ts.size), "n_trades": [1] * ts.size}
    values |= {"source": ["test"] * ts.size}
    return pl.DataFrame({name: values[name] for name in BAR_SCHEMA}, schema=BAR_SCHEMA)


def _tabled(minutes, bars, size, months, parameters=PARAMETERS):
    """Give the bars with what tables of regimes say of their hours, as a run lays them out."""
    hours = resample(minutes, Timeframe.H1)
    rows = [
        regimes_of(hours.filter(between(anchor(m, WARM_UP), m.end)), parameters).filter(
            between(m.start, m.end)
        )
        for m in months
    ]
    return known_regimes(bars, pl.concat(rows), timedelta(minutes=size.minutes))


@pytest.mark.parametrize(
    ("size", "step"), [(Timeframe.M5, 1), (Timeframe.M5, 7), (Timeframe.M1, 11), (Timeframe.H1, 1)]
)
def test_live_rows_across_a_month_are_those_of_the_tables(minutes, size, step):
    bars = resample(minutes, size)
    framed = _tabled(minutes, bars, size, (MARCH, APRIL))
    desk = SignalDesk(CALM, regimes=LiveRegimes({SOL: PARAMETERS}, size, {}))
    first, last = APRIL.start - 4 * HOUR, APRIL.start + 9 * HOUR
    start = desk.history_start(Month.of(first))
    assert start == anchor(FEBRUARY, WARM_UP)
    desk.append(SOL, bars.filter(between(start, first)))
    live = {}
    todo = bars.filter(between(first, last))
    for place in range(0, todo.height, step):
        part = todo.slice(place, step)
        desk.append(SOL, part)
        instants = part["ts"].to_physical().to_list()
        live |= {ts: row for ts, (row,) in desk.rows(SOL, instants).items()}
        desk.forget_before(Month.of(instants[-1]))
    batch = [
        row
        for month in (MARCH, APRIL)
        for row in signal_rows(SOL, CALM.family, month_signals(CALM, framed, month))
        if first <= row.ts < last
    ]
    assert [row.row_hash for row in batch] == [row.row_hash for row in live.values()]
    free = signal_rows(SOL, CALM.family, month_signals(CALM.inner, bars, APRIL))
    entries = [{r.ts for r in rows if r.values[0] > 0} for rows in (free, batch)]
    assert set() < entries[1] & entries[0] < entries[0]


def test_the_probabilities_have_the_bits_of_the_table(minutes):
    bars = resample(minutes, Timeframe.M5)
    regimes = LiveRegimes({SOL: SLOW}, Timeframe.M5, {})
    names = ["ts", "p_calm", "p_normal", "p_turbulent", "regime"]
    table = _tabled(minutes, bars, Timeframe.M5, (MARCH, APRIL), SLOW).select(names)
    seen = []
    for n in range(30):  # so that each hour is looked at before it is whole
        ts = APRIL.start - 70 * MINUTE + n * 5 * MINUTE
        held = bars.filter(between(anchor(FEBRUARY, WARM_UP), ts + 1))
        known = regimes.known(SOL, held, [ts])
        seen.append(known_regimes(held.tail(1), known, regimes.bar_size).select(names))
    live = pl.concat(seen)
    assert live["regime"].null_count() < live.height
    assert live.equals(table.filter(pl.col("ts").is_in(live["ts"].implode())))


def test_bars_of_a_day_show_no_hours():
    with pytest.raises(ConfigurationError, match="cannot see regimes"):
        LiveRegimes({SOL: PARAMETERS}, Timeframe.D1, {})
