"""What happened to an account, as values: the events that a user stream is made of.

`Venue.publish` gets every report at once and in order: an order's NEW before its TRADEs, its
terminal report last, the list's report after those of its orders, and the balances after the
reports that moved them. Reports of fills by the path carry the market time of the fill, which may
be long before anyone looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.venue.orders import Kind, Order, Status, Tif, Trade

NO_REASON = "NONE"


class Execution(Enum):
    """What happened to an order (`x` of an executionReport)."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    REPLACED = "REPLACED"
    REJECTED = "REJECTED"
    TRADE = "TRADE"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class OrderReport:
    """One change of an order, with the order as it was right after it.

    Attributes:
        list_id: of the order list, or -1.
        lots: ordered quantity; 0 for a `quoteOrderQty` order before it is matched.
        ticks: limit price; 0 without one.
        stop_ticks: stop price; 0 without one.
        quote_units: money of a `quoteOrderQty` order in 1e-8, else 0.
        executed_lots: filled so far, this trade included.
        executed_units: paid or received so far, in 1e-8 of the quote.
        placed_ts: market time of placement.
        working_ts: when it began to work; 0 for a stop or pending order that does not yet.
        is_resting: whether it stands in the book after this change.
        trade: the execution of a TRADE report, else None.
        cancel_id: of a cancel or replacement, the request's own id; else None.
        reason: why it was rejected, or NONE.
        execution_id: counts the reports of one symbol from 1, across restarts.
        ts: market time of the change.
    """

    account: str
    listing: Listing
    order_id: int
    client_order_id: str
    list_id: int
    side: OrderSide
    kind: Kind
    tif: Tif
    lots: int
    ticks: int
    stop_ticks: int
    quote_units: int
    executed_lots: int
    executed_units: int
    status: Status
    placed_ts: Micros
    working_ts: Micros
    is_resting: bool
    execution: Execution
    trade: Trade | None
    cancel_id: str | None
    reason: str
    execution_id: int
    ts: Micros


@dataclass(frozen=True, slots=True)
class ListReport:
    """One change of an order list (`listStatus`).

    Attributes:
        contingency: OCO or OTO (also of an OTOCO).
        status_type: EXEC_STARTED, UPDATED, ALL_DONE or RESPONSE.
        order_status: EXECUTING, ALL_DONE or REJECT.
        orders: (order id, client order id) of its orders, in order of id.
    """

    account: str
    symbol: str
    list_id: int
    client_list_id: str
    contingency: str
    status_type: str
    order_status: str
    reason: str
    orders: tuple[tuple[int, str], ...]
    ts: Micros


@dataclass(frozen=True, slots=True)
class PositionReport:
    """Balances that may have changed: (asset, free, locked) in 1e-8 units, by asset."""

    account: str
    ts: Micros
    balances: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class BalanceReport:
    """A deposit or withdrawal from outside: the change in 1e-8 units."""

    account: str
    asset: str
    delta_units: int
    ts: Micros


Report = OrderReport | ListReport | PositionReport | BalanceReport


def order_report(
    order: Order,
    execution: Execution,
    execution_id: int,
    ts: Micros,
    *,
    trade: Trade | None = None,
    cancel_id: str | None = None,
    reason: str = NO_REASON,
) -> OrderReport:
    """Report a change of `order` as it stands now."""
    return OrderReport(
        account=order.account,
        listing=order.listing,
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        list_id=order.list_id,
        side=order.side,
        kind=order.kind,
        tif=order.tif,
        lots=order.lots,
        ticks=order.ticks,
        stop_ticks=order.stop_ticks,
        quote_units=order.quote_units,
        executed_lots=order.executed_lots,
        executed_units=order.executed_units,
        status=order.status,
        placed_ts=order.placed_ts,
        working_ts=order.working_ts,
        is_resting=order.is_resting,
        execution=execution,
        trade=trade,
        cancel_id=cancel_id,
        reason=reason,
        execution_id=execution_id,
        ts=ts,
    )
