"""What holds for the trading machine on any bars, any orders, any costs."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FeeAsset,
    FillRules,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.records.codes import Cause, Leg, OrderState, Verdict
from trading_assets.risk import sizing as sizing_room
from trading_assets_tests.properties.costs_of import require_net_is_gross_less_costs
from trading_assets_tests.stand_ins.asked import ACTIONS, Restless

STEP = 300_000_000
BOUNDED = settings(max_examples=60, deadline=None, derandomize=True)

SIDES = st.sampled_from(list(OrderSide))
BPS = st.sampled_from([Decimal(0), Decimal(1), Decimal("7.5"), Decimal(100)])


@st.composite
def bar_rows(draw, low=2, high=40):
    """Bars as ticks: (open, high, low, close) around 100.00, sometimes missing."""
    rows = []
    price = 10_000
    for _ in range(draw(st.integers(low, high))):
        if draw(st.integers(0, 19)) == 0 and rows:
            rows.append(None)
            continue
        opened = max(price + draw(st.integers(-300, 300)), 500)
        close = max(opened + draw(st.integers(-300, 300)), 500)
        top = max(opened, close) + draw(st.integers(0, 200))
        bottom = min(opened, close) - draw(st.integers(0, 200))
        rows.append((opened, top, max(bottom, 1), close))
        price = close
    return rows


def matrix(rows):
    prices = np.array([[np.nan] * 4 if r is None else [x / 100 for x in r] for r in rows])
    columns = [np.ascontiguousarray(prices[None, :, i]) for i in range(4)]
    ts = np.arange(1, len(rows) + 1, dtype=np.int64) * STEP
    return BarMatrix(ts, *columns, np.where(np.isnan(columns[0]), np.nan, 1.0))


@st.composite
def setups(draw, family=SignalFamily.TARGET):
    margin = draw(st.booleans())
    fee_asset = FeeAsset.QUOTE if margin else draw(st.sampled_from(list(FeeAsset)))
    lot = draw(st.sampled_from(["0.00000001", "0.001", "1"]))
    return EngineSetup(
        (Instrument(symbol_from_text("AAAUSDT"), "AAA", "USDT", Decimal("0.01"), Decimal(lot)),),
        Account(
            "USDT",
            Decimal(10_000),
            AccountProfile.MARGIN if margin else AccountProfile.SPOT_LONG_ONLY,
        ),
        family,
        draw(
            st.sampled_from(
                [
                    Sizing(SizingMode.FIXED, qty=Decimal(3)),
                    Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(40)),
                    Sizing(SizingMode.RISK, risk_pct=Decimal(1), max_pos_pct=Decimal(50)),
                ]
            )
        ),
        Costs(draw(BPS), draw(BPS), slippage_bps=draw(BPS), fee_asset=fee_asset),
        decider=Restless() if family is SignalFamily.ON_BAR else None,
        rules=FillRules(
            exits_in_entry_bar=draw(st.booleans()), limit_needs_through=draw(st.booleans())
        ),
    )


TARGETS = st.one_of(st.none(), st.sampled_from([-1.0, -0.3, 0.0, 0.3, 0.7, 1.0]))


@st.composite
def runs(draw):
    """A machine that has run over random bars and signals of any family."""
    family = draw(st.sampled_from(list(SignalFamily)))
    setup = draw(setups(family))
    rows = draw(bar_rows())
    bars = matrix(rows)
    if family is SignalFamily.TARGET:
        values = np.full((1, len(rows), 3), np.nan)
        wishes = draw(st.lists(TARGETS, min_size=len(rows), max_size=len(rows)))
        values[0, :, 0] = [np.nan if w is None else w for w in wishes]
        values[0, :, 1] = 2.0
    elif family is SignalFamily.ON_BAR:
        wishes = draw(
            st.lists(st.integers(-1, ACTIONS - 1), min_size=len(rows), max_size=len(rows))
        )
        values = np.array([[[np.nan if w < 0 else float(w)] for w in wishes]])
    else:
        values = np.full((1, len(rows), 7), np.nan)
        for t, row in enumerate(rows):
            if row is not None and draw(st.booleans()):
                width = draw(st.integers(1, 300))
                close = row[3]
                ticks = [close + width, close - width, close - width, close + width]
                values[0, t, :4] = [max(x, 1) / 100 for x in ticks]
                values[0, t, 4:6] = [(close + 3 * width) / 100, np.nan]
                values[0, t, 6] = bars.ts[t] + draw(st.integers(1, 12)) * STEP
    return setup, bars, SignalMatrix(family, values)


def run(setup, bars, signals):
    machine = Machine(setup)
    machine.run(bars, signals)
    return machine


@BOUNDED
@given(runs())
def test_cash_and_inventory_are_conserved_to_the_unit(world):
    setup, bars, signals = world
    machine = run(setup, bars, signals)
    fills, trips = machine.fills, machine.round_trips
    signed = fills["side"] * fills["notional"]
    quote_fees = np.where(fills["fee_in_base"] == 1, 0, fills["fee"]).sum()
    base_fees = np.where(fills["fee_in_base"] == 1, fills["fee"], 0).sum()
    account, book = machine._state.account[0], machine._state.books[0]
    lots = book["lots"][(book["head"] + np.arange(book["n_lots"])) % machine._state.lots]

    assert account["cash"] == account["opening_cash"] - signed.sum() - quote_fees
    assert book["base"] == (fills["side"] * fills["units"]).sum() - base_fees
    assert book["base"] == lots["units"].sum()
    # What round trips earned and open lots cost is all that cash ever did.
    open_cost = (np.sign(lots["units"]) * lots["cost"] + lots["fee"]).sum()
    assert account["cash"] == account["opening_cash"] + account["realised"] - open_cost
    assert account["realised"] == trips["pnl"].sum()


@BOUNDED
@given(runs())
def test_gross_less_fees_less_slippage_is_net(world):
    """With fees in either asset; `test_order_life` has the other costs."""
    require_net_is_gross_less_costs(run(*world), world[1])


@BOUNDED
@given(runs())
def test_a_spot_account_never_owes(world):
    setup, bars, signals = world
    if setup.account.profile is AccountProfile.MARGIN:
        return
    machine = run(setup, bars, signals)

    assert (machine.fills["cash"] >= 0).all()
    assert (machine.fills["position"] >= 0).all()


@BOUNDED
@given(runs())
def test_fills_lie_inside_their_bar_but_for_slippage(world):
    setup, bars, signals = world
    machine = run(setup, bars, signals)
    slip = float(setup.costs.slippage_bps) / 10_000
    at = np.searchsorted(bars.ts, machine.fills["ts"])
    price = machine.fills["price"]

    assert (price <= bars.high[0, at] * (1 + slip) + 1e-9).all()
    assert (price >= bars.low[0, at] * (1 - slip) - 1e-9).all()
    makers = machine.fills["maker"] == 1
    assert (price[makers] <= bars.high[0, at][makers]).all()


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

    assert orders["id"].tolist() == list(range(1, len(orders) + 1))
    for order in orders:
        own = fills[fills["order_id"] == order["id"]]
        state = OrderState(order["state"])
        assert own["lots"].sum() == order["filled"]
        assert order["filled"] <= order["lots"]
        assert (state is OrderState.FILLED) == (0 < order["filled"] == order["lots"])
        assert (state is OrderState.FILLED) == (
            Cause(order["cause"]) is Cause.FILLED and state is not OrderState.WORKING
        )
        assert (own["side"] == order["side"]).all()
        assert (order["closed_ts"] == 0) == (state is OrderState.WORKING)


@BOUNDED
@given(runs())
def test_never_do_both_exits_of_a_bracket_fill_nor_more_than_the_position(world):
    setup, bars, signals = world
    if signals.family is SignalFamily.TARGET:
        return
    machine = run(setup, bars, signals)
    orders = {int(o["id"]): o for o in machine.orders}
    exits = {Leg.STOP_LONG, Leg.TARGET_LONG, Leg.STOP_SHORT, Leg.TARGET_SHORT}
    filled = [o for o in orders.values() if o["filled"] and Leg(o["leg"]) in exits]
    parents = [int(o["parent"]) for o in filled]

    assert len(parents) == len(set(parents))
    for order in filled:
        entry = orders[int(order["parent"])]
        assert OrderState(entry["state"]) is OrderState.FILLED
        assert order["filled"] <= entry["filled"]
        assert order["closed_ts"] >= entry["closed_ts"]
    if not setup.rules.exits_in_entry_bar:
        assert all(o["closed_ts"] > orders[int(o["parent"])]["closed_ts"] for o in filled)


@BOUNDED
@given(runs())
def test_the_position_only_changes_sign_through_zero(world):
    machine = run(*world)
    held = np.sign(np.concatenate([[0], machine.fills["position"]]))

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

    assert sum(verdicts.values()) - verdicts[Verdict.CASH_AT_FILL] == (~np.isnan(bars.close)).sum()
    logged = len(machine.refusal_log)
    asked = setup.family is SignalFamily.ON_BAR  # may wish for several orders at one close
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
    cash = 10_000 * 10**8 - (fills["side"] * fills["notional"]).sum()
    quote_fees = np.where(fills["fee_in_base"] == 1, 0, fills["fee"]).sum()

    assert machine._state.account[0]["cash"] == cash - quote_fees
    assert (
        machine._state.account[0]["reserved"] == machine._state.books[0]["orders"]["reserve"].sum()
    )
    if setup.account.profile is AccountProfile.SPOT_LONG_ONLY:
        assert (fills["cash"] >= 0).all()
        assert (fills["position"] >= 0).all()
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
