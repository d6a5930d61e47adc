"""What clients ask of Binance's wallet before they trade: nothing can be moved or borrowed here."""

from __future__ import annotations

from trading_assets.exchange.application import Exchange
from trading_assets.exchange.parameters import Parameters


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
