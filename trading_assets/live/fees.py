"""Who pays the fee of an execution: the engine out of what it holds, or the account beside it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from trading_assets.domain.account import Fill
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderSide
from trading_assets.live.book_state import BookState, add_fill


def engine_pays(fill: Fill, instrument: Instrument) -> bool:
    """Tell whether a fee is taken from what the engine counts: what a buy brings, or the quote.

    A fee may be paid in an asset of its own, such as BNB, also where a book trades that asset, and
    when it sells it: then it comes from what the account holds besides.
    """
    if fill.fee_asset == instrument.base:
        return fill.side is OrderSide.BUY
    return fill.fee_asset == instrument.quote


def book_fill(state: BookState, fill: Fill, instrument: Instrument) -> None:
    """Count an execution of ours; a fee that the engine does not know of as the account's own."""
    if fill.fee_asset in state.funds and not engine_pays(fill, instrument):
        others = state.foreign_flows
        others[fill.fee_asset] = others.get(fill.fee_asset, Decimal(0)) - fill.fee
        fill = replace(fill, fee=Decimal(0))
    add_fill(state.flows, fill, instrument)
