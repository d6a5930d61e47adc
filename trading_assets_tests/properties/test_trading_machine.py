"""What holds for the trading machine on any bars, any orders, any costs."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.order import OrderSide, OrderType, TimeInForce
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import SignalMatrix
from trading_assets.records.codes import Cause, OrderState, Verdict
from trading_assets.risk import sizing as sizing_room
from trading_assets_tests.properties.checks import (
    require_books_to_balance,
    require_edges,
    require_equity_of_the_fills,
    require_exits_within_their_entries,
    require_fills_inside_their_bars,
    require_net_is_gross_less_costs,
)
from trading_assets_tests.properties.worlds import bar_rows, matrix, runs, setups

BOUNDED = settings(max_examples=60, deadline=None, derandomize=True)
SIDES = st.sampled_from(list(OrderSide))


def run(setup, bars, signals):
    machine = Machine(setup)
    machine.run(bars, signals)
    return machine


@BOUNDED
@given(runs())
def test_cash_and_inventory_are_conserved_to_the_unit(world):
    require_books_to_balance(run(*world))


@BOUNDED
@given(runs())
def test_the_equity_of_every_close_follows_from_the_fills(world):
    require_equity_of_the_fills(run(*world), world[1])


@BOUNDED
@given(runs())
def test_gross_less_fees_less_slippage_is_net(world):
    require_net_is_gross_less_costs(run(*world), world[1])


@BOUNDED
@given(runs())
def test_fills_lie_inside_their_bar_but_for_costs_and_inside_its_volume(world):
    require_fills_inside_their_bars(run(*world), world[1])


@BOUNDED
@given(runs())
def test_decisions_are_older_than_their_fills(world):
    machine = run(*world)

    assert (machine.fills["ts"] > machine.fills["bar_ts"]).all()


@BOUNDED
@given(runs())
def test_no_order_leaves_its_edges(world):
    """Every order ends once, filled by as much as its fills say."""
    machine = run(*world)
    orders, fills = machine.orders, machine.fills

    require_edges(machine)
    assert orders["id"].tolist() == list(range(1, len(orders) + 1))
    for order in orders:
        own = fills[fills["order_id"] == order["id"]]
        state = OrderState(order["state"])
        assert own["lots"].sum() == order["filled"]
        assert state is not OrderState.FILLED or 0 < order["filled"] == order["lots"]
        assert (state is OrderState.FILLED) == (
            Cause(order["cause"]) is Cause.FILLED and state is not OrderState.WORKING
        )
        assert (own["side"] == order["side"]).all()
        assert (order["closed_ts"] == 0) == (state is OrderState.WORKING)


@BOUNDED
@given(runs())
def test_the_exits_of_an_entry_never_fill_more_than_it_nor_both_at_once(world):
    require_exits_within_their_entries(run(*world))


@BOUNDED
@given(runs())
def test_the_position_only_changes_sign_through_zero(world):
    """For columns; one entry that a strategy was asked for may turn a position round."""
    machine = run(*world)
    for tag, strategy in enumerate(machine.setup.strategies):
        if strategy.family is SignalFamily.ON_BAR:
            continue
        own = machine.fills["position"][machine.fills["tag"] == tag]
        held = np.sign(np.concatenate([[0], own]))
        assert (held[1:] * held[:-1] >= 0).all()


@BOUNDED
@given(runs(), st.lists(st.integers(0, 40), max_size=6))
def test_any_cut_gives_the_same_bytes(world, cuts):
    setup, bars, signals = world
    whole = run(setup, bars, signals)
    machine, reached = Machine(setup), 0

    for cut in [*sorted(min(c, len(bars)) for c in cuts), len(bars)]:
        machine = Machine.restore(setup, machine.snapshot())
        machine.run(bars, signals, reached, cut)
        reached = cut

    assert machine.snapshot() == whole.snapshot()


@BOUNDED
@given(runs())
def test_every_opportunity_has_one_verdict(world):
    setup, bars, signals = world
    machine = run(setup, bars, signals)
    verdicts = machine.verdicts
    refused = sum(n for v, n in verdicts.items() if v.is_refusal and v is not Verdict.CASH_AT_FILL)

    opportunities = len(setup.strategies) * (~np.isnan(bars.close)).sum()
    assert sum(verdicts.values()) - verdicts[Verdict.CASH_AT_FILL] == opportunities
    logged = len(machine.refusal_log)
    # A strategy that is asked may wish for several orders at one close.
    asked = any(s.family is SignalFamily.ON_BAR for s in setup.strategies)
    assert refused <= logged if asked else refused == logged


ORDERS = st.lists(
    st.tuples(
        SIDES,
        st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT]),
        st.integers(1, 5),
        st.integers(-400, 400),
        st.integers(-400, 400),
        st.booleans(),
    ),
    max_size=4,
)


@BOUNDED
@given(setups(), bar_rows(high=15), st.lists(ORDERS, min_size=15, max_size=15))
def test_any_orders_of_a_caller_keep_the_books(setup, rows, orders_by_bar):
    """All types, IOC and reduce-only, at random prices."""
    bars = matrix(rows)
    signals = SignalMatrix(SignalFamily.TARGET, np.full((1, len(rows), 3), np.nan))
    machine = Machine(setup)
    unit = int(1 / setup.instruments[0].lot)
    for t, row in enumerate(rows):
        machine.run(bars, signals, t, t + 1)
        for side, kind, lots, limit, stop, flag in orders_by_bar[t]:
            if row is None or len(machine.active_orders()) > 6:
                continue
            machine.submit(
                0, side, kind, lots * unit,
                limit_ticks=row[3] + limit if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}
                else None,
                stop_ticks=row[3] + stop if kind in {OrderType.STOP, OrderType.STOP_LIMIT}
                else None,
                tif=TimeInForce.IOC if flag and kind is OrderType.LIMIT else TimeInForce.GTC,
                reduce_only=flag,
            )  # fmt: skip
    fills = machine.fills
    require_books_to_balance(machine)
    require_fills_inside_their_bars(machine, bars)
    limits = machine.orders[machine.orders["type"] == OrderType.LIMIT]
    for order in limits[limits["filled"] > 0]:
        price = fills["price"][fills["order_id"] == order["id"]]
        assert (order["side"] * (order["limit_ticks"] / 100 - price) >= 0).all()


@pytest.mark.parametrize("lot", [1e-8, 1e-5, 0.001, 0.1, 1.0])
@given(st.integers(0, 10**9))
def test_a_quantity_of_whole_lots_is_exactly_that_many(lot, lots):
    whole = sizing_room.whole_lots.py_func

    assert whole(lots * lot, lot) == lots
    assert whole(float(Decimal(lots) * Decimal(repr(lot))), lot) in {lots, lots - 1}


@given(st.floats(0, 1e7), st.sampled_from([1e-8, 1e-5, 0.001, 1.0]))
def test_whole_lots_never_exceed_the_quantity(quantity, lot):
    """For counts that a float64 tells apart (2**50 lots)."""
    lots = sizing_room.whole_lots.py_func(quantity, lot)

    assert lots * lot <= quantity or lots == np.floor(quantity / lot)
    assert (lots + 1) * lot > quantity
