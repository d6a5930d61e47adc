"""What has to hold after any run, from its state and its logs alone."""

import numpy as np

from trading_assets.evaluation.performance import performance
from trading_assets.evaluation.run_tables import run_tables
from trading_assets.records.codes import OrderState
from trading_assets.records.order_edges import ALL_EDGES, EDGES, edges_taken


def require_net_is_gross_less_costs(machine, bars, *, point=1):
    """Gross is what the fills would have earned at the prices they touched, marked to the close.

    In hundredths of a unit, since closes are whole cents. Fees in base count at the last close.
    """
    account, fills = machine._state.account[0], machine.fills
    cents = [round(book["price"] * 100) if book["base"] else 0 for book in machine._state.books]
    of_book = [place_of(machine, fill) for fill in fills]
    close = np.array([cents[place] for place in of_book], np.int64) * point
    in_base = fills["fee_in_base"] == 1
    touched = np.rint(fills["units"] * fills["touched"] * point).astype(np.int64)
    slippage = fills["side"] * (fills["notional"] - touched)
    gross = (fills["side"] * (fills["units"] * close - touched * 100)).sum()
    fees = np.where(in_base, fills["fee"] * close, fills["fee"] * 100).sum()
    held = sum(int(b["base"]) * c for b, c in zip(machine._state.books, cents, strict=True)) * point
    net = (account["cash"] - account["opening_cash"]) * 100 + held

    assert net == gross - fees - slippage.sum() * 100 - account["financing"] * 100
    assert (slippage >= 0).all()
    assert not slippage[fills["maker"] == 1].any()
    assert reported(machine, bars)["slippage_cost"] == slippage.sum() / 1e8


def place_of(machine, fill):
    """Give the book of a fill."""
    places = [(place.tag, place.symbol) for place in machine.places]
    return places.index((fill["tag"], fill["symbol"]))


def reported(machine, bars):
    """Give the metrics of a run as its result has them."""
    opening = float(machine._state.account[0]["opening_cash"]) / 1e8
    tables = run_tables(
        tags=[strategy.tag or "mine" for strategy in machine.setup.strategies],
        instruments=machine.setup.instruments,
        bars=bars,
        opening_equity=opening,
        equity=machine.equity_curve,
        orders=machine.orders,
        fills=machine.fills,
        round_trips=machine.round_trips,
        refusals=machine.refusal_log,
        financing=machine.financing_log,
        factors=machine.factor_log,
    )
    return performance(tables, opening_equity=opening, final_cash=0.0, oos_start=None)["all"]


def require_books_to_balance(machine):
    """Cash, inventory and lots follow from the logs, to the unit; FIFO loses and makes nothing."""
    account, books, fills = machine._state.account[0], machine._state.books, machine.fills
    in_base = fills["fee_in_base"] == 1
    paid = (fills["side"] * fills["notional"] + np.where(in_base, 0, fills["fee"])).sum()
    open_cost = reserved = 0
    of_book = np.array([place_of(machine, fill) for fill in fills], np.int64)
    for place, book in enumerate(books):
        lots = machine._state.lots_of(place)
        own = of_book == place
        received = fills["side"] * fills["units"] - np.where(in_base, fills["fee"], 0)
        assert book["base"] == received[own].sum() == lots["units"].sum()
        assert (np.sign(lots["units"]) == np.sign(book["base"])).all()
        open_cost += (np.sign(lots["units"]) * lots["cost"] + lots["fee"]).sum()
        reserved += book["orders"]["reserve"].sum()

    assert account["cash"] == account["opening_cash"] - paid - account["financing"]
    # What round trips earned and open lots cost is all that cash ever did.
    assert account["cash"] == (
        account["opening_cash"] + account["realised"] - open_cost - account["financing"]
    )
    assert account["realised"] == machine.round_trips["pnl"].sum()
    assert account["financing"] == machine.financing_log["amount"].sum()
    assert account["reserved"] == reserved
    if account["terms"]["spot"]:
        assert (fills["cash"] >= 0).all()
        assert (fills["position"] >= 0).all()


def require_equity_of_the_fills(machine, bars):
    """The equity of every close is cash and inventory as the logs leave them by then."""
    fills, nights = machine.fills, machine.financing_log
    in_base = fills["fee_in_base"] == 1
    paid = fills["side"] * fills["notional"] + np.where(in_base, 0, fills["fee"])
    received = fills["side"] * fills["units"] - np.where(in_base, fills["fee"], 0)
    of_book = np.array([place_of(machine, fill) for fill in fills], np.int64)
    opening = int(machine._state.account[0]["opening_cash"])
    price = np.full(len(machine.setup.instruments), np.nan)
    for t, ts in enumerate(bars.ts):
        price = np.where(np.isnan(bars.close[:, t]), price, bars.close[:, t])
        done = fills["ts"] <= ts
        total = float(opening - nights["amount"][nights["ts"] <= ts].sum() - paid[done].sum())
        for place, (_, symbol, _) in enumerate(machine.places):
            base = received[done & (of_book == place)].sum()
            if base:
                total += base * price[symbol]
        assert machine.equity_curve[t] == total / 1e8


def require_fills_inside_their_bars(machine, bars):
    """No fill is outside its bar but for costs, nor takes more than its part of the volume."""
    costs, fills = machine.setup.costs, machine.fills
    at, symbol = np.searchsorted(bars.ts, fills["ts"]), fills["symbol"]
    flat = float(costs.slippage_bps + costs.half_spread_bps) / 1e4
    worse = flat + (0.5 if costs.impact_bps or costs.sqrt_impact else 0.0)
    high, low = bars.high[symbol, at], bars.low[symbol, at]

    for price, most in ((fills["touched"], 0.0), (fills["price"], worse)):
        assert (price <= high * (1 + np.where(fills["side"] > 0, most, 0)) + 1e-9).all()
        assert (price >= low * (1 - np.where(fills["side"] < 0, most, 0)) - 1e-9).all()
    makers = fills["maker"] == 1
    assert (fills["price"][makers] == fills["touched"][makers]).all()
    part = float(machine.setup.rules.participation_pct) / 100
    for place in range(bars.symbols) if part else ():
        own = symbol == place
        lot = float(machine.setup.instruments[place].lot)
        filled = np.bincount(at[own], weights=fills["lots"][own] * lot, minlength=len(bars))
        known = np.nan_to_num(bars.volume[place])
        assert (filled <= known * part + 1e-9).all()


def require_edges(machine):
    """The edges of an order make a walk from its first state to where it stands."""
    assert machine._state.account[0]["faults"] == 0
    for order in machine.orders:
        assert int(order["edges"]) & ~ALL_EDGES == 0
        taken = edges_taken(int(order["edges"]))
        stage = OrderState.DORMANT if order["parent"] else OrderState.WORKING
        steps = [edge for edge in taken if edge[0] is not edge[1]]
        for _ in steps:
            (step,) = [edge for edge in steps if edge[0] is stage]
            stage = step[1]
        end = OrderState(order["state"])
        assert stage is end if end is not OrderState.WORKING else not stage.status.is_final
        assert set(taken) <= set(EDGES)
        assert 0 <= order["filled"] <= order["lots"]


def require_exits_within_their_entries(machine):
    """The exits of one entry together never fill more than it; without parts, one of them does."""
    orders = {int(o["id"]): o for o in machine.orders}
    exits = {}
    for order in orders.values():
        if order["parent"] and order["filled"]:
            exits.setdefault(int(order["parent"]), []).append(order)
    for parent, filled in exits.items():
        assert sum(int(o["filled"]) for o in filled) <= orders[parent]["filled"]
        if not machine.setup.rules.participation_pct:
            assert len(filled) == 1
            assert OrderState(orders[parent]["state"]) is OrderState.FILLED
            first = orders[parent]["closed_ts"]
            later = filled[0]["closed_ts"] - first
            assert later > 0 or (later == 0 and machine.setup.rules.exits_in_entry_bar)
