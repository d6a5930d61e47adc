"""Limits that people have tightened while a book trades: the last rules before an intent.

The engine's own door (`risk.pre_trade`) has let the order pass already. These hold for entries
only, so that no limit can lock a position in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trading_assets.domain.bar import DAY
from trading_assets.domain.control import TightLimits
from trading_assets.domain.order import OrderTicket
from trading_assets.live.book_state import BookState
from trading_assets.live.ports import DecisionMachine
from trading_assets.live.strategy_stance import SILENT

RISK = "risk"
"""Source of a halt that a loss has caused."""

_BASIS_POINTS = 10_000
_DAILY_LOSS = "daily_loss_halt"
_NONE = TightLimits()


def tightened_refusal(ticket: OrderTicket, state: BookState, machine: DecisionMachine) -> str:
    """Give the first tightened limit that an order would break, "" when none."""
    if ticket.reduce_only or state.tightened == _NONE:
        return ""
    return next(_broken(ticket, state, machine), "")


def loss_rule(state: BookState, machine: DecisionMachine) -> str:
    """Name the loss limit that is passed, the engine's own or a tightened one; "" for none."""
    most = state.tightened.daily_loss_bps
    if most is not None and machine.day_loss * _BASIS_POINTS >= most:
        return _DAILY_LOSS
    return machine.halting_rule


def sizes_of_strategies(
    state: BookState, machine: DecisionMachine, tags: Sequence[str]
) -> tuple[list[float], list[float]] | None:
    """Give how large each strategy may be, for `DecisionMachine.scale`; None when nobody says.

    Of what its release gives it: the smaller of what people leave all strategies and of what the
    leave to trade real money covers, times the weight that people leave this one. Of what it may
    risk per trade: what people say.
    """
    share = _share_of_equity(state, machine)
    if share is None and not state.strategies:
        return None
    whole = 1.0 if share is None else share
    limits = [state.strategies.get(tag, SILENT).limits for tag in tags]
    return (
        [whole if of.weight is None else whole * float(of.weight) for of in limits],
        [math.inf if of.risk_bps is None else float(of.risk_bps / _BASIS_POINTS) for of in limits],
    )


def _share_of_equity(state: BookState, machine: DecisionMachine) -> float | None:
    """Give the share of the equity that strategies are given, above 0 to 1; None for no say in it.

    The smaller of what people have tightened and of what the leave to trade real money covers.
    """
    shares = []
    if state.tightened.risk_multiplier is not None:
        shares.append(float(state.tightened.risk_multiplier))
    if state.capital is not None:
        equity = float(machine.equity)
        shares.append(min(1.0, float(state.capital) / equity) if equity > 0.0 else 1.0)
    return min(shares, default=None)


def note_entry(state: BookState, ticket: OrderTicket) -> None:
    """Count an entry that was decided in its UTC day."""
    if ticket.reduce_only:
        return
    day = ticket.bar_ts // DAY
    state.entries = state.entries + 1 if day == state.entry_day else 1
    state.entry_day = day


def _broken(ticket: OrderTicket, state: BookState, machine: DecisionMachine) -> Iterator[str]:
    limits = state.tightened
    of_symbol = [p for p in machine.positions() if p.symbol == ticket.symbol]
    price = float(ticket.limit_price or ticket.stop_price or of_symbol[0].price)
    value = float(ticket.quantity) * price
    if limits.max_order_notional is not None and value > limits.max_order_notional:
        yield "tightened_max_order_notional"
    held = sum(abs(float(position.quantity)) for position in of_symbol) * price
    most = limits.max_position_pct
    if most is not None and held + value > float(most) / 100 * machine.equity:
        yield "tightened_max_position"
    today = state.entries if ticket.bar_ts // DAY == state.entry_day else 0
    if limits.max_orders_per_day is not None and today >= limits.max_orders_per_day:
        yield "tightened_max_orders_per_day"
    if limits.max_open_orders is not None and len(state.orders) >= limits.max_open_orders:
        yield "tightened_max_open_orders"
    if loss_rule(state, machine) == _DAILY_LOSS:
        yield _DAILY_LOSS
