"""What the machine of a new release takes over from the one before it on the same account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading_assets.records.state import State, state_from_bytes

if TYPE_CHECKING:
    from trading_assets.engine.fixed import Fixed

_MONEY = (
    "bar", "ts", "day_end", "cash", "fees", "financing", "peak", "max_drawdown", "day_equity",
    "day_low", "next_order_id", "next_fill_id", "next_trip_id", "minute", "entries_minute",
    "risky_days", "unit_variance", "day_gross",
)  # fmt: skip
"""Of the account, whatever is traded on it: its clock, its money, its losses, its counters."""


def can_carry(heir: Fixed, former: Fixed) -> bool:
    """Tell whether positions, lots and working orders of one fit the books of the other."""
    return heir.terms.places == former.terms.places and heir.memory_dtype == former.memory_dtype


def carried(heir: Fixed, former: State) -> State:
    """Give the former state, book by book, under the terms of the heir.

    Positions, lots, working orders and what was measured of symbols go on; sizing, costs, limits
    and rules are the heir's.
    """
    state = state_from_bytes(former.to_bytes(), len(former.books), heir.memory_dtype)
    if state is None:
        raise AssertionError("a state is of its own layout")
    state.account[0]["terms"] = heir.terms.parameters[0]
    state.books["grid"] = heir.terms.grids
    state.books["strategy"] = heir.terms.strategies
    return state


def inherit_money(heir: State, former: State) -> None:
    """Let a new state begin with a former account's money, when nothing was held any more.

    The peak of the equity and the day's losses go on, so that no limit is forgotten by a change of
    release. Gains are counted anew: the opening cash is what is there now.
    """
    own, other = heir.account[0], former.account[0]
    for name in _MONEY:
        own[name] = other[name]
    own["opening_cash"] = other["cash"]
    own["equity"] = int(other["cash"]) / 100_000_000
    own["peak"] = max(float(own["peak"]), float(own["equity"]))
    own["drawdown"] = 1.0 - float(own["equity"]) / float(own["peak"])
