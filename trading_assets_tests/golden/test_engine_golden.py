"""A fixed run, pinned to the last bit: a change here is a change of the engine's semantics.

When such a change is meant, say so in the changelog and write the new values down.
"""

from decimal import Decimal

import numpy as np
import pytest

from trading_assets.backtest.runner import run
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import (
    Account,
    Costs,
    EngineSetup,
    FeeAsset,
    Limits,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.signals import BarMatrix, SignalMatrix

STEP = 300_000_000
LENGTH = 2_000


def bars():
    """A walk of whole ticks from a linear congruence: the same on every platform."""
    x, price, rows = 12345, 10_000, []
    for _ in range(LENGTH):
        steps = []
        for _ in range(4):
            x = (1103515245 * x + 12345) % 2**31
            steps.append(x // 65536 % 61 - 30)
        opened = price + steps[0] // 6
        close = max(opened + steps[1], 2_000)
        rows.append(
            (opened, max(opened, close) + abs(steps[2]), min(opened, close) - abs(steps[3]), close)
        )
        price = close
    prices = np.array(rows).T / 100
    ts = np.arange(1, LENGTH + 1, dtype=np.int64) * STEP
    ts[1_200:] += 100 * STEP  # a hole
    columns = [np.ascontiguousarray(p[None, :]) for p in prices]
    return BarMatrix(ts, *columns, np.ones((1, LENGTH)))


def setup(family, sizing):
    sol = Instrument(
        symbol_from_text("SOLUSDT"), "SOL", "USDT", Decimal("0.01"), Decimal("0.001"),
        min_notional=Decimal(5),
    )  # fmt: skip
    costs = Costs(Decimal(2), Decimal(4), slippage_bps=Decimal(1), fee_asset=FeeAsset.RECEIVED)
    limits = Limits(max_orders_per_day=40, daily_loss_bps=Decimal(500))
    return EngineSetup((sol,), Account("USDT", Decimal(10_000)), family, sizing, costs, limits)


def targets(matrix):
    close = matrix.close[0]
    values = np.full((1, LENGTH, 3), np.nan)
    values[0, 20:, 0] = np.where(close[20:] > close[:-20], 1.0, 0.0)
    values[0, 20:, 0][np.abs(close[20:] - close[:-20]) < 0.5] = np.nan
    return SignalMatrix(SignalFamily.TARGET, values)


def brackets(matrix):
    high, low = matrix.high[0], matrix.low[0]
    inside = np.flatnonzero((high[1:] < high[:-1]) & (low[1:] > low[:-1])) + 1
    entry, stop = high[inside - 1] + 0.01, low[inside - 1] - 0.01
    values = np.full((1, LENGTH, 7), np.nan)
    values[0, inside, 0], values[0, inside, 2] = entry, stop
    values[0, inside, 4] = entry + 2 * (entry - stop)
    values[0, inside, 6] = (matrix.ts[inside] // (48 * STEP) + 1) * 48 * STEP
    return SignalMatrix(SignalFamily.BRACKET, values)


RISK = Sizing(SizingMode.RISK, risk_pct=Decimal(1), max_pos_pct=Decimal(20), min_qty=Decimal(1))
PCT = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(50), rebalance_pct=Decimal(5))


@pytest.mark.parametrize(
    ("family", "sizing", "make", "trips", "final", "result_hash"),
    [
        (
            SignalFamily.TARGET, PCT, targets, 28, 9540.479617078001,
            "e732474147b611991fd35910b8273905d1ed67c1da55c63eaee3b26ff26f92d1",
        ),
        (
            SignalFamily.BRACKET, RISK, brackets, 94, 9405.582096852,
            "d18490f90ea4fe485de736d7d0d0892b72b69441f5d28f4e2dcec6fa98c25469",
        ),
    ],
)  # fmt: skip
def test_a_run_is_what_it_always_was(family, sizing, make, trips, final, result_hash):
    matrix = bars()

    result = run(setup(family, sizing), matrix, make(matrix), max_hole=12 * STEP)

    assert len(result.round_trips) == trips
    assert result.final_equity == final
    assert result.log_hash == result_hash
