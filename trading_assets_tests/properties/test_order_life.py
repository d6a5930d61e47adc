"""What holds for every kind of order, on any bars with any volume, whatever fills cost."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide, OrderType, TimeInForce, TrailBy
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FillRules,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.requests import OrderRequest
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.records.codes import OrderState
from trading_assets_tests.properties.checks import (
    require_books_to_balance,
    require_edges,
    require_equity_of_the_fills,
    require_fills_inside_their_bars,
    require_net_is_gross_less_costs,
)

STEP = DAY // 4
BOUNDED = settings(max_examples=60, deadline=None, derandomize=True)
BUY, SELL = OrderSide.BUY, OrderSide.SELL
S = OrderState


@st.composite
def bar_rows(draw):
    """Bars in cents around 100.00 with volumes that are often too small, and sometimes none."""
    rows, price = [], 10_000
    for _ in range(draw(st.integers(3, 16))):
        opened = max(price + draw(st.integers(-200, 200)), 500)
        close = max(opened + draw(st.integers(-200, 200)), 500)
        top = max(opened, close) + draw(st.integers(0, 150))
        bottom = max(min(opened, close) - draw(st.integers(0, 150)), 1)
        volume = draw(st.sampled_from([0.0, 0.5, 3.0, 8.0, 50.0]))
        rows.append([opened / 100, top / 100, bottom / 100, close / 100, volume])
        price = close
    return np.array(rows)


@st.composite
def setups(draw):
    margin = draw(st.booleans())
    bps = st.sampled_from([Decimal(0), Decimal(3), Decimal(40)])
    costs = Costs(
        draw(bps), draw(bps), slippage_bps=draw(bps), half_spread_bps=draw(bps),
        impact_bps=draw(bps), sqrt_impact=draw(st.sampled_from([Decimal(0), Decimal("0.4")])),
        minimum_fee=draw(st.sampled_from([Decimal(0), Decimal("0.7")])),
        per_share=draw(st.sampled_from([Decimal(0), Decimal("0.03")])),
        per_fill=draw(st.sampled_from([Decimal(0), Decimal("0.2")])),
    )  # fmt: skip
    if margin:
        costs = replace(
            costs, swap_long_bps=draw(bps), swap_short_bps=-draw(bps), borrow_bps=draw(bps)
        )
    profile = AccountProfile.MARGIN if margin else AccountProfile.SPOT_LONG_ONLY
    return EngineSetup(
        (Instrument(symbol_from_text("AAAUSDT"), "AAA", "USDT", Decimal("0.01"), Decimal("0.1")),),
        Account("USDT", Decimal(2_000), profile),
        SignalFamily.TARGET,
        Sizing(SizingMode.FIXED, qty=Decimal(3)),
        costs,
        rules=FillRules(
            exits_in_entry_bar=draw(st.booleans()), limit_needs_through=draw(st.booleans()),
            participation_pct=draw(st.sampled_from([Decimal(0), Decimal(25), Decimal(100)])),
        ),
    )  # fmt: skip


@st.composite
def requests(draw, kinds=tuple(OrderType), sides=(BUY, SELL)):
    """Orders as offsets from a close at 0; `placed` puts them at a price."""
    kind = draw(st.sampled_from(kinds))
    offset = st.integers(-300, 300)
    at_once = kind in {OrderType.MARKET, OrderType.LIMIT}
    tifs = list(TimeInForce) if at_once else [TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD]
    return {
        "side": draw(st.sampled_from(sides)),
        "type": kind,
        "lots": draw(st.integers(1, 60)),
        "limit_ticks": draw(offset) if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT} else None,
        "stop_ticks": draw(offset) if kind in {OrderType.STOP, OrderType.STOP_LIMIT} else None,
        "tif": draw(st.sampled_from(tifs)),
        "bars": draw(st.integers(0, 5)),
        "trail_ticks": draw(st.integers(1, 300)) if kind is OrderType.TRAILING_STOP else None,
        "trail_by": draw(st.sampled_from([TrailBy.CLOSE, TrailBy.EXTREME])),
        "reduce_only": draw(st.booleans()),
    }


def placed(wish, price, ts, **changes):
    values = {**wish, **changes}
    bars = values.pop("bars")
    close = round(price * 100)
    for name in ("limit_ticks", "stop_ticks"):
        if values[name] is not None:
            values[name] = max(close + values[name], 1)
    values["valid_to"] = ts + bars * STEP if values["tif"].has_end else None
    return OrderRequest(**values)


ACTIONS = st.one_of(
    st.tuples(st.just("alone"), requests()),
    st.tuples(st.just("pair"), requests(), requests()),
    st.tuples(
        st.just("bracket"), requests(), requests((OrderType.STOP, OrderType.TRAILING_STOP)),
        requests((OrderType.LIMIT,)),
    ),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
)  # fmt: skip


def act(machine, action, price, ts):
    """Do what a caller wants, when there is room for it."""
    kind, *parts = action
    working = machine.active_orders()
    if kind == "cancel":
        if parts[0] < len(working):
            machine.cancel(working[parts[0]].order_id)
        return ()
    if int(machine._state.books[0]["n_orders"]) > 5:
        return ()
    if kind == "alone":
        found = machine._submit(0, (placed(parts[0], price, ts),), 0)
    elif kind == "pair":
        one = placed(parts[0], price, ts)
        found = machine.submit_oco(
            0, one, placed(parts[1], price, ts, reduce_only=one.reduce_only, lots=one.lots)
        )
    else:
        entry = placed(parts[0], price, ts, reduce_only=False)
        own = {"side": OrderSide(-entry.side), "lots": entry.lots}
        stop, target = (placed(p, price, ts, **own) for p in parts[1:])
        found = machine.submit_bracket(0, entry, stop=stop, target=target)
    return found if isinstance(found, tuple) else ()


@st.composite
def lives(draw):
    """Bars, a setup, and what a caller does at some of the closes."""
    rows = draw(bar_rows())
    actions = draw(st.lists(st.lists(ACTIONS, max_size=2), min_size=len(rows), max_size=len(rows)))
    return draw(setups()), rows, actions


def matrices(rows):
    columns = [np.ascontiguousarray(rows[None, :, i]) for i in range(5)]
    bars = BarMatrix(np.arange(1, len(rows) + 1, dtype=np.int64) * STEP, *columns)
    return bars, SignalMatrix(SignalFamily.TARGET, np.full((1, len(rows), 3), np.nan))


def live(life, *, cut=False):
    """Run a life; give the machines that ran it, in turn, and the groups that were placed."""
    setup, rows, actions = life
    bars, signals = matrices(rows)
    machines, groups = [Machine(setup)], []
    for t in range(len(rows)):
        machines[-1].run(bars, signals, t, t + 1)
        for action in actions[t]:
            group = act(machines[-1], action, float(rows[t, 3]), int(bars.ts[t]))
            if group:
                groups.append((action[0], group))
        if cut:
            machines.append(Machine.restore(setup, machines[-1].snapshot()))
    return machines, groups


@BOUNDED
@given(lives())
def test_no_order_leaves_its_edges(life):
    (machine,), _ = live(life)

    require_edges(machine)


@BOUNDED
@given(lives())
def test_oco_never_fills_twice(life):
    """One of two entries; of two exits together no more than their entry, or than was asked."""
    (machine,), groups = live(life)
    orders = {int(o["id"]): o for o in machine.orders}
    for kind, ids in groups:
        own = [orders[i] for i in ids]
        if kind == "pair":
            filled = [int(o["filled"]) for o in own]
            asked = max(o["lots"] + sum(filled) - o["filled"] for o in own)
            if own[0]["reduce_only"]:
                assert sum(filled) <= asked
            else:
                assert sum(n > 0 for n in filled) <= 1
        if kind == "bracket":
            assert own[1]["filled"] + own[2]["filled"] <= own[0]["filled"]
            if sum(o["filled"] for o in own[1:]) == own[0]["filled"] > 0:
                assert all(o["state"] != S.WORKING for o in own)


@BOUNDED
@given(lives())
def test_no_fill_is_outside_its_bar_nor_above_its_share_of_the_volume(life):
    (machine,), _ = live(life)

    require_fills_inside_their_bars(machine, matrices(life[1])[0])


@BOUNDED
@given(lives())
def test_cash_lots_and_equity_follow_from_the_logs(life):
    (machine,), _ = live(life)

    require_books_to_balance(machine)
    require_equity_of_the_fills(machine, matrices(life[1])[0])


@BOUNDED
@given(lives())
def test_gross_less_fees_less_slippage_is_net(life):
    (machine,), _ = live(life)

    require_net_is_gross_less_costs(machine, matrices(life[1])[0])


@BOUNDED
@given(lives())
def test_cut_at_every_bar_and_restored_gives_the_same_bytes(life):
    (whole,), _ = live(life)
    parts, _ = live(life, cut=True)

    assert parts[-1].snapshot() == whole.snapshot()
    for name in ("fills", "round_trips", "financing_log", "equity_curve"):
        joined = b"".join(getattr(part, name).tobytes() for part in parts)
        assert joined == getattr(whole, name).tobytes()


@BOUNDED
@given(lives())
def test_the_atomic_view_keeps_every_amount(life):
    (machine,), _ = live(life)

    assert len(machine.atomic_fills) == len(set(machine.fills["order_id"].tolist()))
    for name in ("lots", "units", "notional", "fee"):
        assert machine.atomic_fills[name].sum() == machine.fills[name].sum()
    for name in ("units", "cost", "proceeds", "fees", "pnl"):
        assert machine.atomic_round_trips[name].sum() == machine.round_trips[name].sum()
