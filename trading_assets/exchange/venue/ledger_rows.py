"""Orders, order lists and trades as rows of the ledger, and back."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.order import OrderSide
from trading_assets.exchange.venue.orders import Kind, Order, OrderList, Shape, Status, Tif, Trade
from trading_assets.exchange.venue.venue import Venue


def order_row(order: Order) -> tuple[Any, ...]:
    """Give the row of an order."""
    return (
        order.symbol,
        order.order_id,
        order.client_order_id,
        order.account,
        order.side.name,
        order.kind.value,
        order.tif.value,
        order.lots,
        order.ticks,
        order.quote_units,
        order.executed_lots,
        order.executed_units,
        order.locked_units,
        order.status.value,
        order.placed_ts,
        order.updated_ts,
        order.working_ts,
        order.stop_ticks,
        order.list_id,
    )


def order_from_row(venue: Venue, row: tuple[Any, ...]) -> Order:
    """Read an order back; without its trades and list."""
    return Order(
        listing=venue.listings[row[0]],
        order_id=row[1],
        client_order_id=row[2],
        account=row[3],
        side=OrderSide[row[4]],
        kind=Kind(row[5]),
        tif=Tif(row[6]),
        lots=row[7],
        ticks=row[8],
        quote_units=row[9],
        executed_lots=row[10],
        executed_units=row[11],
        locked_units=row[12],
        status=Status(row[13]),
        placed_ts=row[14],
        updated_ts=row[15],
        working_ts=row[16],
        stop_ticks=row[17],
        list_id=row[18],
    )


def trade_row(trade: Trade) -> tuple[Any, ...]:
    """Give the row of one side of a trade."""
    return (
        trade.symbol,
        trade.trade_id,
        trade.order_id,
        trade.account,
        trade.side.name,
        trade.ticks,
        trade.lots,
        trade.value_units,
        trade.fee_units,
        trade.fee_asset,
        trade.ts,
        int(trade.is_maker),
        trade.against,
    )


def trade_from_row(row: tuple[Any, ...]) -> Trade:
    """Read one side of a trade back."""
    return Trade(
        symbol=row[0],
        trade_id=row[1],
        order_id=row[2],
        account=row[3],
        side=OrderSide[row[4]],
        ticks=row[5],
        lots=row[6],
        value_units=row[7],
        fee_units=row[8],
        fee_asset=row[9],
        ts=row[10],
        is_maker=bool(row[11]),
        against=row[12],
    )


def list_row(found: OrderList) -> tuple[Any, ...]:
    """Give the row of an order list."""
    return (
        found.list_id,
        found.client_list_id,
        found.account,
        found.symbol,
        found.shape.value,
        found.placed_ts,
        found.updated_ts,
        int(found.is_done),
    )


def list_from_row(row: tuple[Any, ...]) -> OrderList:
    """Read an order list back; without its orders."""
    return OrderList(
        list_id=row[0],
        client_list_id=row[1],
        account=row[2],
        symbol=row[3],
        shape=Shape(row[4]),
        placed_ts=row[5],
        updated_ts=row[6],
        is_done=bool(row[7]),
    )
