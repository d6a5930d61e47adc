"""Answers as Binance words them: orders, trades, accounts, and what the exchange lists."""

from __future__ import annotations

import json
from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.venue.accounts import UNITS, Accounts
from trading_assets.exchange.venue.fees import Fees
from trading_assets.exchange.venue.filters import describe
from trading_assets.exchange.venue.limits import ORDERS_1D, ORDERS_10S
from trading_assets.exchange.venue.orders import Kind, Order, OrderList, Trade
from trading_assets.exchange.venue.venue import Venue

MEDIA_TYPE = "application/json;charset=UTF-8"
_SELF_TRADE_PREVENTION = "NONE"


def encode(value: Any) -> bytes:
    """Write an answer as compact JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def ms(ts: Micros) -> int:
    """Give an instant in the milliseconds of the wire."""
    return ts // 1_000


def amount(units: int) -> str:
    """Write 1e-8 units with 8 decimals."""
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), UNITS)
    return f"{sign}{whole}.{rest:08d}"


def price(listing: Listing, ticks: int) -> str:
    """Write a price in ticks with 8 decimals."""
    return amount(ticks * listing.tick_units)


def quantity(listing: Listing, lots: int) -> str:
    """Write a quantity in lots with 8 decimals."""
    return amount(lots * listing.instrument.lot_units)


def placed(order: Order, response: str) -> dict[str, Any]:
    """Give the answer to a placement: ACK, RESULT or FULL."""
    answer: dict[str, Any] = {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": ms(order.placed_ts),
    }
    if response == "ACK":
        return answer
    answer |= _state(order)
    answer |= _stop(order)
    answer["workingTime"] = _working_time(order)
    answer["selfTradePreventionMode"] = _SELF_TRADE_PREVENTION
    if response == "FULL":
        answer["fills"] = [_fill(order.listing, trade) for trade in order.trades]
    return answer


def queried(order: Order) -> dict[str, Any]:
    """Give the answer to a query."""
    return {
        "symbol": order.symbol,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": order.client_order_id,
        **_state(order),
        "stopPrice": price(order.listing, order.stop_ticks),
        "icebergQty": amount(0),
        "time": ms(order.placed_ts),
        "updateTime": ms(order.updated_ts),
        "isWorking": order.working_ts > 0,
        "workingTime": _working_time(order),
        "selfTradePreventionMode": _SELF_TRADE_PREVENTION,
    }


def cancelled(order: Order, cancel_id: str) -> dict[str, Any]:
    """Give the answer to a cancel; `clientOrderId` is the cancel's own id."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_order_id,
        "orderId": order.order_id,
        "orderListId": order.list_id,
        "clientOrderId": cancel_id,
        "transactTime": ms(order.updated_ts),
        **_state(order),
        **_stop(order),
        "selfTradePreventionMode": _SELF_TRADE_PREVENTION,
    }


def list_queried(found: OrderList) -> dict[str, Any]:
    """Give an order list as a query shows it."""
    state = "ALL_DONE" if found.is_done else "EXECUTING"
    return {
        "orderListId": found.list_id,
        "contingencyType": found.contingency,
        "listStatusType": "ALL_DONE" if found.is_done else "EXEC_STARTED",
        "listOrderStatus": state,
        "listClientOrderId": found.client_list_id,
        "transactionTime": ms(found.updated_ts),
        "symbol": found.symbol,
        "orders": [
            {
                "symbol": order.symbol,
                "orderId": order.order_id,
                "clientOrderId": order.client_order_id,
            }
            for order in found.orders
        ],
    }


def list_placed(found: OrderList, response: str) -> dict[str, Any]:
    """Give the answer to the placement of an order list."""
    return list_queried(found) | {"orderReports": [placed(o, response) for o in found.orders]}


def list_cancelled(found: OrderList, cancel_id: str) -> dict[str, Any]:
    """Give the answer to the cancel of an order list."""
    return list_queried(found) | {"orderReports": [cancelled(o, cancel_id) for o in found.orders]}


def _working_time(order: Order) -> int:
    return ms(order.working_ts) if order.working_ts else -1


def _stop(order: Order) -> dict[str, Any]:
    return {"stopPrice": price(order.listing, order.stop_ticks)} if order.stop_ticks else {}


def _state(order: Order) -> dict[str, Any]:
    return {
        "price": price(order.listing, order.ticks),
        "origQty": quantity(order.listing, order.lots),
        "executedQty": quantity(order.listing, order.executed_lots),
        "origQuoteOrderQty": amount(order.quote_units),
        "cummulativeQuoteQty": amount(order.executed_units),
        "status": order.status.value,
        "timeInForce": order.tif.value,
        "type": order.kind.value,
        "side": order.side.name,
    }


def _fill(listing: Listing, trade: Trade) -> dict[str, Any]:
    return {
        "price": price(listing, trade.ticks),
        "qty": quantity(listing, trade.lots),
        "commission": amount(trade.fee_units),
        "commissionAsset": trade.fee_asset,
        "tradeId": trade.trade_id,
    }


def my_trade(order: Order, trade: Trade) -> dict[str, Any]:
    """Give one row of myTrades: a trade of an order."""
    listing = order.listing
    return {
        "symbol": trade.symbol,
        "id": trade.trade_id,
        "orderId": trade.order_id,
        "orderListId": order.list_id,
        "price": price(listing, trade.ticks),
        "qty": quantity(listing, trade.lots),
        "quoteQty": amount(trade.value_units),
        "commission": amount(trade.fee_units),
        "commissionAsset": trade.fee_asset,
        "time": ms(trade.ts),
        "isBuyer": trade.side.name == "BUY",
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def account(
    accounts: Accounts, name: str, uid: int, fees: Fees, updated: Micros, *, all_assets: bool
) -> dict[str, Any]:
    """Give the account page; empty balances only when asked for."""
    zero = amount(0)
    return {
        "makerCommission": fees.maker // 10_000,
        "takerCommission": fees.taker // 10_000,
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": amount(fees.maker),
            "taker": amount(fees.taker),
            "buyer": zero,
            "seller": zero,
        },
        "canTrade": True,
        "canWithdraw": False,
        "canDeposit": False,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": ms(updated),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": amount(h.free), "locked": amount(h.locked)}
            for asset, h in accounts.assets(name)
            if all_assets or h.free or h.locked
        ],
        "permissions": ["SPOT"],
        "uid": uid,
    }


def exchange_info(
    venue: Venue, listings: list[Listing], now: Micros, weight_limit: int
) -> dict[str, Any]:
    """Give exchangeInfo for some or all symbols."""
    return {
        "timezone": "UTC",
        "serverTime": ms(now),
        "rateLimits": [
            _rate_limit("REQUEST_WEIGHT", "MINUTE", 1, weight_limit),
            _rate_limit("ORDERS", "SECOND", 10, ORDERS_10S),
            _rate_limit("ORDERS", "DAY", 1, ORDERS_1D),
        ],
        "exchangeFilters": [],
        "symbols": [_symbol(venue, listing, now) for listing in listings],
    }


def _rate_limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
    }


def _symbol(venue: Venue, listing: Listing, now: Micros) -> dict[str, Any]:
    instrument = listing.instrument
    return {
        "symbol": instrument.symbol,
        "status": venue.status(listing, now),
        "baseAsset": instrument.base,
        "baseAssetPrecision": 8,
        "quoteAsset": instrument.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": [kind.value for kind in Kind],
        "icebergAllowed": False,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": False,
        "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": describe(listing),
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": _SELF_TRADE_PREVENTION,
        "allowedSelfTradePreventionModes": [_SELF_TRADE_PREVENTION],
    }
