"""Marking to the latest close."""

import pytest


def test_equity_is_cash_and_inventory_at_the_close(trade):
    machine = trade((1000, 100.0), (-2000, 110.0), (1, 120.0))

    assert machine.equity_curve.tolist() == [100_000, 100_000, 100_010, pytest.approx(100_000)]


def test_the_drawdown_is_measured_from_the_peak(trade):
    machine = trade((1000, 100.0), (1, 1100.0), (1, 600.0), (1, 1000.0))

    assert machine.max_drawdown == pytest.approx(500.5 / 101_000, rel=1e-3)
    assert machine.drawdown < machine.max_drawdown


def test_a_position_is_marked_after_its_entry_fees(trade):
    machine = trade((1000, 100.0), (1000, 110.0))

    position = machine.positions()[0]
    assert position.average_price == pytest.approx(105.0)
    assert position.unrealised_pnl == pytest.approx(10.0)
    assert position.price == 110.0
