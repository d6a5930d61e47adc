"""What a run has paid, to the unit, from its logs alone."""

import numpy as np

from trading_assets.evaluation.performance import performance
from trading_assets.evaluation.run_tables import run_tables


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
