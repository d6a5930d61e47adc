"""backtesting.py's own reference run: GOOG daily, SMA 10/30 reversal (its test_compute_stats).

backtesting.py sizes an entry by all equity at the fill price, which is `size_at=fill` here, and at
the end it closes the open trade at the open of the last bar.
"""

import csv
import os
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from trading_assets.backtest.runner import run
from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FillRules,
    SignalFamily,
    SizeAt,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.evaluation import metrics

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[3] / "shared")
_GOOG = _SHARED / "data" / "equity" / "GOOG.csv"


@pytest.fixture(scope="module")
def result():
    if not _GOOG.is_file():
        pytest.skip(f"no reference data: {_GOOG}")
    with _GOOG.open() as file:
        rows = list(csv.reader(file))[1:]
    ts = [int(datetime.fromisoformat(r[0]).replace(tzinfo=UTC).timestamp()) for r in rows]
    columns = np.array([[float(x) for x in r[1:6]] for r in rows]).T
    bars = BarMatrix(np.array(ts, np.int64) * 1_000_000, *(c[None, :].copy() for c in columns))
    goog = Instrument(symbol_from_text("GOOG"), "GOOG", "USD", Decimal("0.01"), Decimal(1))
    setup = EngineSetup(
        (goog,),
        Account("USD", Decimal(10_000), AccountProfile.MARGIN),
        SignalFamily.TARGET,
        Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100)),
        rules=FillRules(size_at=SizeAt.FILL),
    )
    return run(setup, bars, _reversal(bars.close[0]), max_hole=30 * DAY)


def _reversal(close):
    def sma(n):
        sums = np.convolve(close, np.ones(n), "valid") / n
        return np.concatenate([np.full(n - 1, np.nan), sums])

    above = sma(10) > sma(30)
    ready = ~np.isnan(sma(30))
    values = np.full((1, len(close), 3), np.nan)
    crossed = np.zeros(len(close), bool)
    crossed[1:] = ready[1:] & ready[:-1] & (above[1:] != above[:-1])
    values[0, crossed, 0] = np.where(above[crossed], 1.0, -1.0)
    values[0, -2, 0] = 0.0
    return SignalMatrix(SignalFamily.TARGET, values)


def test_equity_final_and_peak(result):
    assert result.final_equity == pytest.approx(51_422.99, abs=0.005)
    assert result.equity.max() == pytest.approx(75_787.44, abs=0.005)


def test_return_and_drawdown(result):
    assert 100 * (result.final_equity / 10_000 - 1) == pytest.approx(414.2299, abs=5e-5)
    assert 100 * result.max_drawdown == pytest.approx(47.98012705007589, rel=1e-12)


def test_trades(result):
    trips = result.round_trips
    wins = (trips["pnl"] > 0).mean()
    pct = trips["side"] * (trips["exit_price"] / trips["entry_price"] - 1) * 100

    assert len(trips) == 66
    assert 100 * wins == pytest.approx(46.96969696969697)
    assert pct.max() == pytest.approx(53.59595229490424)
    assert pct.min() == pytest.approx(-18.39887353835481)


def test_first_trades(result):
    trips = result.round_trips[:3]
    at = np.searchsorted(result.ts, [trips["entry_ts"], trips["exit_ts"]])
    found = [
        (
            int(t["side"] * t["units"] // 10**8),
            int(at[0, i]),
            int(at[1, i]),
            float(t["entry_price"]),
            float(t["exit_price"]),
            t["pnl"] / 1e8,
        )
        for i, t in enumerate(trips)
    ]

    assert found == [
        (-55, 70, 86, 180.36, 186.31, -327.25),
        (51, 86, 113, 186.31, 193.69, 376.38),
        (-51, 113, 119, 193.69, 196.96, -166.77),
    ]


def daily(result):
    """Give the returns of the days; the first day has none."""
    return metrics.simple_returns(result.equity)


def test_figures_that_we_define_as_backtesting_py_does(result):
    """Its profit factor is that of the trades' percentages, its SQN a Sharpe ratio of trades."""
    trips = result.round_trips
    pct = trips["side"] * (trips["exit_price"] / trips["entry_price"] - 1)
    won, payoff = metrics.win_rate(trips["pnl"]), metrics.payoff_ratio(trips["pnl"])

    assert 100 * metrics.annual_return(daily(result), 252) == pytest.approx(21.191099249053224)
    assert metrics.calmar_ratio(daily(result), 252) == pytest.approx(0.44166409202994605)
    assert metrics.profit_factor(pct) == pytest.approx(2.167945974262033)
    assert metrics.sharpe_ratio(trips["pnl"], len(trips)) == pytest.approx(1.0766187356697705)
    assert won - (1 - won) / payoff == pytest.approx(0.1518705127029717)


def test_figures_that_backtesting_py_defines_otherwise(result):
    """Volatility of compounded days, ratios of the geometric return, CAGR by the calendar.

    Ours are of the arithmetic mean and of periods; these come from our equity by its definitions.
    """
    days = daily(result)
    growth = metrics.annual_return(days, 252)
    mean = (1 + growth) ** (1 / 252)
    variance = np.nanvar(days, ddof=1)
    volatility = np.sqrt((variance + mean**2) ** 252 - mean**504)
    downside = np.sqrt(np.nanmean(np.minimum(days, 0) ** 2)) * np.sqrt(252)
    peaks = result.ts[metrics.drawdown_series(result.equity) == 0]
    years = (result.ts[-1] - result.ts[0]) / DAY / 365.25

    assert 100 * volatility == pytest.approx(36.49716090702389)
    assert growth / volatility == pytest.approx(0.5806232244485349)
    assert growth / downside == pytest.approx(1.0853434352488662)
    assert 100 * ((result.final_equity / 10_000) ** (1 / years) - 1) == pytest.approx(
        21.160245705962623
    )
    assert np.diff(np.append(peaks, result.ts[-1])).max() == 584 * DAY


def test_exposure_and_buy_and_hold(result):
    close, trips = result.bars.close[0], result.round_trips
    entered, left = np.searchsorted(result.ts, [trips["entry_ts"], trips["exit_ts"]])
    held = np.zeros(len(close), bool)
    for first, last in zip(entered, left, strict=True):
        held[first : last + 1] = True

    assert 100 * held.mean() == pytest.approx(96.74115456238361)
    assert 100 * (close[-1] / close[29] - 1) == pytest.approx(522.0601851851852)


def test_a_commission_of_a_fixed_and_a_relative_part_is_paid_on_either_side(result):
    """Its test_commissions: 100 bought at 1, sold at 4, 10 and 1 % each time: 25."""
    costs = Costs(maker_bps=Decimal(100), taker_bps=Decimal(100), per_fill=Decimal(10))
    prices = np.array([[1.0, 1.0, 1.0, 2.0, 4.0, 1.0, 2.0]])
    bars = BarMatrix(np.arange(1, 8) * DAY, *[prices] * 5)
    silent = SignalMatrix(SignalFamily.TARGET, np.full((1, 7, 3), np.nan))
    machine = Machine(replace(result.setup, costs=costs))
    machine.run(bars, silent, 0, 1)
    machine.submit(0, OrderSide.BUY, OrderType.MARKET, 100)
    machine.run(bars, silent, 1, 2)
    machine.submit(0, OrderSide.SELL, OrderType.LIMIT, 100, limit_ticks=300, reduce_only=True)
    machine.run(bars, silent, 2)

    assert machine.fills["price"].tolist() == [1.0, 4.0]
    assert machine.fees == 25


def test_a_stop_is_looked_at_before_a_target(result):
    """Its test_sl_always_before_tp: exits set with five bars known; bar 6 opens below the stop."""
    bars, setup = result.bars, result.setup
    machine = Machine(setup)
    silent = SignalMatrix(SignalFamily.TARGET, np.full((1, len(bars), 3), np.nan))
    machine.run(bars, silent, 0, 4)
    machine.submit(0, OrderSide.BUY, OrderType.MARKET, 1)
    machine.run(bars, silent, 4, 5)
    machine.submit(0, OrderSide.SELL, OrderType.LIMIT, 1, limit_ticks=10790, reduce_only=True)
    machine.submit(0, OrderSide.SELL, OrderType.STOP, 1, stop_ticks=10500, reduce_only=True)

    machine.run(bars, silent, 5, 20)

    assert machine.fills["price"][1] == 104.95


def test_a_gap_through_the_stop_fills_at_the_open(result):
    """Its test_gh_521: a stop at 90 on closes of 100, 100, 100, 50, 50."""
    prices = np.array([[100.0, 100.0, 100.0, 50.0, 50.0]])
    bars = BarMatrix(np.arange(1, 6) * DAY, *[prices] * 5)
    silent = SignalMatrix(SignalFamily.TARGET, np.full((1, 5, 3), np.nan))
    machine = Machine(result.setup)
    machine.run(bars, silent, 0, 1)
    machine.submit(0, OrderSide.BUY, OrderType.MARKET, 1)
    machine.run(bars, silent, 1, 2)
    machine.submit(0, OrderSide.SELL, OrderType.STOP, 1, stop_ticks=9000, reduce_only=True)

    machine.run(bars, silent, 2)

    assert machine.fills["price"].tolist() == [100.0, 50.0]
