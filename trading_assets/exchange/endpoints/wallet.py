"""What clients ask before they trade about what this venue has none of: wallet, margin, routing."""

from __future__ import annotations

from typing import Any

from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.protocol.parameters import Parameters
from trading_assets.exchange.venue.accounts import UNITS
from trading_assets.exchange.venue.fees import BNB, BNB_DISCOUNT, Fees


async def status(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET system/status."""
    parameters.refuse_unread()
    return b'{"status":0,"msg":"normal"}'


async def coins(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET capital/config/getall: no coin can be deposited or withdrawn."""
    parameters.refuse_unread()
    return b"[]"


async def margin_pairs(exchange: Exchange, parameters: Parameters) -> bytes:
    """Answer GET margin/allPairs and margin/isolated/allPairs: there is no margin."""
    parameters.allow("symbol", "timestamp", "recvWindow", "signature")
    parameters.refuse_unread()
    return b"[]"


async def trade_fees(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET asset/tradeFee: the account's commission rates, for one symbol or all."""
    symbol = parameters.symbol()
    parameters.refuse_unread()
    fees = exchange.venue.fees_of(account)
    symbols = (
        list(exchange.venue.listings)
        if symbol is None
        else [exchange.listing(symbol).instrument.symbol]
    )
    rates = {
        "makerCommission": wire.amount(fees.maker),
        "takerCommission": wire.amount(fees.taker),
    }
    return wire.encode([{"symbol": name, **rates} for name in symbols])


async def account_status(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET account/status."""
    parameters.refuse_unread()
    return b'{"data":"Normal"}'


async def prevented_matches(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET myPreventedMatches: self-trade prevention is NONE."""
    exchange.listing(parameters.need_symbol())
    parameters.allow("preventedMatchId", "orderId", "fromPreventedMatchId", "limit")
    parameters.refuse_unread()
    return b"[]"


async def allocations(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET myAllocations: no order is routed."""
    exchange.listing(parameters.need_symbol())
    parameters.allow("startTime", "endTime", "fromAllocationId", "limit", "orderId")
    parameters.refuse_unread()
    return b"[]"


async def commission(exchange: Exchange, account: str, parameters: Parameters) -> bytes:
    """Answer GET account/commission: the standard rates, and nothing on top of them."""
    symbol = exchange.listing(parameters.need_symbol()).instrument.symbol
    parameters.refuse_unread()
    fees = exchange.venue.fees_of(account)
    none = dict.fromkeys(("maker", "taker", "buyer", "seller"), wire.amount(0))
    answer = {
        "symbol": symbol,
        "standardCommission": none | _rates(fees),
        "specialCommission": none,
        "taxCommission": none,
        "discount": _discount(fees),
    }
    return wire.encode(answer)


def rates_for_order(fees: Fees) -> dict[str, Any]:
    """Give what order/test says of an order's commission."""
    none = dict.fromkeys(("maker", "taker"), wire.amount(0))
    return {
        "standardCommissionForOrder": _rates(fees),
        "specialCommissionForOrder": none,
        "taxCommissionForOrder": none,
        "discount": _discount(fees),
    }


def _rates(fees: Fees) -> dict[str, str]:
    return {"maker": wire.amount(fees.maker), "taker": wire.amount(fees.taker)}


def _discount(fees: Fees) -> dict[str, Any]:
    return {
        "enabledForAccount": fees.in_bnb,
        "enabledForSymbol": True,
        "discountAsset": BNB,
        "discount": wire.amount(UNITS - BNB_DISCOUNT),
    }
