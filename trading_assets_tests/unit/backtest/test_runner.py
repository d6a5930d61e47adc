"""Runs over history, split at holes."""

from dataclasses import replace

import numpy as np
import pytest

from trading_assets.backtest.runner import run
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import DataError
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import SignalMatrix
from trading_assets.records.codes import Cause, Leg, OrderState

WHOLE = list(range(5, 65, 5))
HOLED = [5, 10, 15, 20, 120, 125, 130, 135]
HOUR = 60 * MINUTE


def test_without_holes_it_is_the_machine(setup, bars_at, targets):
    bars = bars_at(WHOLE)
    signals = targets(bars, {5: 1.0, 30: 0.0, 40: 1.0})
    machine = Machine(setup)
    machine.run(bars, signals)

    result = run(setup, bars, signals, max_hole=0)

    assert result.final_state_hash == machine.state_hash()
    assert result.fills.tobytes() == machine.fills.tobytes()
    assert result.holes == ()
    assert result.positions[0].lots == 1000  # what is open at the end stays open


def test_a_hole_closes_the_position_at_the_last_close_before_it(setup, bars_at, targets):
    bars = bars_at(HOLED)

    result = run(setup, bars, targets(bars, {5: 1.0}), max_hole=HOUR)

    last = result.fills[-1]
    assert Leg(last["leg"]) is Leg.SEGMENT_END
    assert last["ts"] == 20 * MINUTE
    assert last["price"] == bars.close[0, 3] * (1 - 0.0005)
    assert result.positions[0].lots == 0
    assert Leg(result.round_trips[0]["leg"]).reason == "segment_end"
    assert result.equity[3] == result.equity[4] == float(result.balances["USDT"])


def test_a_hole_cancels_what_waits_for_a_fill(setup, bars_at, targets):
    bars = bars_at(HOLED)

    result = run(setup, bars, targets(bars, {20: 1.0}), max_hole=HOUR)

    assert len(result.fills) == 0
    assert Cause(result.orders[0]["cause"]) is Cause.SEGMENT_END
    assert OrderState(result.orders[0]["state"]) is OrderState.CANCELED


def test_a_hole_within_bounds_is_bridged(setup, bars_at, targets):
    bars = bars_at(HOLED)

    result = run(setup, bars, targets(bars, {20: 1.0}), max_hole=2 * HOUR)

    assert result.fills["ts"].tolist() == [120 * MINUTE]


def test_segments_share_account_and_logs(setup, bars_at, targets):
    bars = bars_at(HOLED)

    result = run(setup, bars, targets(bars, {5: 1.0, 120: 1.0}), max_hole=HOUR)

    assert result.fills["id"].tolist() == [1, 2, 3]
    assert len(result.equity) == len(HOLED)
    assert result.positions[0].lots == 1000


def test_a_hole_of_one_symbol_leaves_the_other_alone(two_symbols, bars_at, targets):
    bars = bars_at(WHOLE, missing=((), (25, 30, 35, 40)))
    wishes = {5: 1.0}

    result = run(two_symbols, bars, targets(bars, wishes, wishes), max_hole=5 * MINUTE)

    assert [position.lots for position in result.positions] == [1000, 0]
    assert result.holes[0].symbol_index == 1


def test_signals_of_another_length_are_refused(setup, bars_at):
    bars = bars_at(WHOLE)
    signals = SignalMatrix(SignalFamily.TARGET, np.full((1, 3, 3), np.nan))

    with pytest.raises(DataError, match="do not fit"):
        run(setup, bars, signals, max_hole=0)


def test_a_run_without_bars_is_flat(setup, bars_at, targets):
    bars = bars_at([])

    result = run(setup, bars, targets(bars), max_hole=0)

    assert result.final_equity == result.opening_equity == 10_000
    assert len(result.orders) == 0
    assert result.log_hash


def test_the_hash_is_of_what_happened(setup, bars_at, targets):
    bars = bars_at(HOLED)
    signals = targets(bars, {5: 1.0})

    first = run(setup, bars, signals, max_hole=HOUR).log_hash

    assert run(setup, bars, signals, max_hole=HOUR).log_hash == first
    assert run(setup, bars, signals, max_hole=2 * HOUR).log_hash != first
    assert run(setup, bars, targets(bars, {10: 1.0}), max_hole=HOUR).log_hash != first
    dearer = replace(setup, costs=replace(setup.costs, taker_bps=11))
    assert run(dearer, bars, signals, max_hole=HOUR).log_hash != first


def test_the_drawdown_has_the_bits_of_the_engine(setup, bars_at, targets):
    bars = bars_at(list(range(5, 2000, 5)))

    result = run(setup, bars, targets(bars, {5: 1.0}), max_hole=0)

    assert result.drawdown.max() == result.max_drawdown
    assert result.drawdown.min() >= 0
