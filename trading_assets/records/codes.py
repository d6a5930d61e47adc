"""Small integers that stand in state records and logs, with their names. They never change."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from trading_assets.domain.order import OrderStatus, OrderType, TimeInForce

# Compiled code reads plain integers.
MARKET = int(OrderType.MARKET)
LIMIT = int(OrderType.LIMIT)
STOP = int(OrderType.STOP)
STOP_LIMIT = int(OrderType.STOP_LIMIT)
TRAILING_STOP = int(OrderType.TRAILING_STOP)
GTC = int(TimeInForce.GTC)
IOC = int(TimeInForce.IOC)
FOK = int(TimeInForce.FOK)


class Leg(IntEnum):
    """What an order is for; one symbol has at most one order per leg and bar."""

    OPEN = 0  # opens or enlarges a position towards its target
    REDUCE = 1  # makes a position smaller
    CLOSE = 2  # closes a position whose target is zero or on the other side
    ENTRY_LONG = 3
    STOP_LONG = 4
    TARGET_LONG = 5
    ENTRY_SHORT = 6
    STOP_SHORT = 7
    TARGET_SHORT = 8
    EXPIRY = 9  # to market at the close of `valid_to`
    SEGMENT_END = 10  # the data end here: closed at the last close
    MANUAL = 11  # placed by a caller, not by a signal
    LIQUIDATION = 12  # to market, since the equity of a margin account no longer covers it

    @property
    def reason(self) -> str:
        """The word that exports give for an exit or entry of this kind."""
        return _REASONS[self]


_REASONS = {
    Leg.OPEN: "signal",
    Leg.REDUCE: "resize",
    Leg.CLOSE: "signal",
    Leg.ENTRY_LONG: "entry",
    Leg.STOP_LONG: "stop",
    Leg.TARGET_LONG: "target",
    Leg.ENTRY_SHORT: "entry",
    Leg.STOP_SHORT: "stop",
    Leg.TARGET_SHORT: "target",
    Leg.EXPIRY: "expiry",
    Leg.SEGMENT_END: "segment_end",
    Leg.LIQUIDATION: "liquidation",
    Leg.MANUAL: "manual",
}


class OrderState(IntEnum):
    """Where an order of the engine stands; which may follow which: `records.order_edges`.

    Logs name only how an order ended; one that has not is `WORKING` there, whichever way.
    """

    WORKING = 0
    FILLED = 1
    CANCELED = 2
    REJECTED = 3
    EXPIRED = 4
    ABSENT = 5
    TRIGGERED = 6  # its stop was touched, nothing is filled yet
    PARTIALLY_FILLED = 7
    DORMANT = 8  # waits for its entry

    @property
    def status(self) -> OrderStatus:
        """The same in the vocabulary of venues; a working order counts as accepted."""
        if self in (OrderState.WORKING, OrderState.DORMANT, OrderState.TRIGGERED):
            return OrderStatus.ACCEPTED
        return OrderStatus[self.name]


class Cause(IntEnum):
    """Why an order left the table."""

    FILLED = 0
    OCO = 1  # its sibling filled
    PAST_STOP = 2  # a bar closed beyond the stop of the entry
    VALID_TO = 3
    SEGMENT_END = 4
    NOTHING_TO_REDUCE = 5
    CASH_AT_FILL = 6
    IOC = 7
    PARENT_GONE = 8  # its entry left without a fill
    EXIT_SENT = 9  # another exit takes the whole position
    VENUE = 10  # the venue said so
    CALLER = 11
    FOK = 12  # not all of it could be filled at once
    EXIT_TOUCHED = 13  # an exit of its bracket was reached before it was complete
    REPLACED = 14  # a newer target takes its place
    LIQUIDATED = 15  # a margin call withdraws all orders


class Financing(IntEnum):
    """What a position costs (or brings) for being held."""

    SWAP = 0
    BORROW = 1
    CALLER = 2  # booked by a caller


class FactorReason(IntFlag):
    """Why entries are smaller than their sizing says."""

    LOW_CONFIDENCE = 1
    DRAWDOWN = 2
    HIGH_VOLATILITY = 4
    TURBULENT_REGIME = 8  # of research only, as the next one
    MISCALIBRATED = 16


class Verdict(IntEnum):
    """What became of one decision opportunity: one symbol at one bar close.

    Below `ORDER_WORKING` nothing was refused; from there on it is the first rule that said no.
    """

    ACCEPTED = 0
    NO_SIGNAL = 1
    NO_CHANGE = 2  # the target is the present position, or within the rebalance band
    IN_POSITION = 3  # a bracket is open
    ENTRY_WORKING = 4  # a bracket waits for its entry
    ORDER_WORKING = 10  # an earlier order of the symbol has not ended
    BELOW_LOT = 11
    BELOW_MIN_QTY = 12
    NO_STOP = 13  # risk sizing needs a stop distance
    BAD_BRACKET = 14  # the stop is not on the losing side, or the target not on the winning side
    EXPIRED_SIGNAL = 15  # `valid_to` is not after the bar
    SHORT_NOT_ALLOWED = 16
    DRAWDOWN_HALT = 17
    DAILY_LOSS_HALT = 18
    MAX_ORDERS_PER_DAY = 19
    MAX_ORDER_NOTIONAL = 20
    MAX_POSITION = 21
    MIN_NOTIONAL = 22
    CASH = 23
    CASH_AT_FILL = 24  # accepted, but not affordable when its turn came; not an opportunity
    MAX_GROSS = 25
    MAX_NET = 26
    MAX_LEVERAGE = 27
    MAX_SYMBOL_NOTIONAL = 28
    MAX_ORDERS_PER_MINUTE = 29
    MAX_VAR = 30
    MOC_GUARD = 31  # too little time before what is left goes to market at a close
    INITIAL_MARGIN = 32
    MARGIN_CALL = 33  # the account is below its maintenance margin
    NO_VOLATILITY = 34  # the range or the volatility that sizes it is not known yet
    NO_EDGE = 35  # the Kelly fraction is not above zero
    LOOSER_STOP = 36  # a change would move a trailing stop away from the price
    NOT_CHANGEABLE = 37  # the order is at a venue, or its stop was touched

    @property
    def is_refusal(self) -> bool:
        """Whether a rule said no."""
        return self >= Verdict.ORDER_WORKING


N_VERDICTS = 48
"""Room for verdicts in the account record."""

MOST_WISHES = 8
"""Intents that one symbol may have at one close."""

NO_PRICE = -(2**63)
"""Stands in tick fields of orders that have no such price."""

NEVER = 2**63 - 1
"""Stands in instants that never come."""

# Flags of a working order.
REDUCE_ONLY = 1
DORMANT = 2  # waits for its entry to fill
TRIGGERED = 4  # its stop was touched, and it was not filled whole by that
WOKEN = 8  # its entry filled in this bar
RESTING = 16  # a limit that was in the book before this bar: pays the maker fee
AT_VENUE = 32  # a venue fills it, not the matching
CANCEL_WANTED = 64  # at the venue, to be withdrawn
SIZE_AT_FILL = 128
ENTRY = 256  # makes a position larger
DEAD = 512  # left the table; its row goes at the end of the step
TRIGGERED_INSIDE = 1024  # a stop-limit triggered after the open of this bar
WATCHED = 2048  # the end of a bar may end or move it: not GTC, or trailing
BY_EXTREME = 4096  # it trails highs or lows, not closes
