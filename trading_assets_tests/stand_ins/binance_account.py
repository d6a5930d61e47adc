"""An account at an embedded exchange, as python-binance trades it, and orders for it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import httpx

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.order import (
    OrderSide,
    OrderTicket,
    OrderType,
    TimeInForce,
)

START = int(datetime(2024, 4, 1, 0, 2, tzinfo=UTC).timestamp()) * 1_000_000
SECRET = "demo-secret"


def broker_at(api_url, secret=SECRET):
    client = make_client(api_url, "demo-key", secret, timeout_s=1.0, recv_window_ms=5000)
    return BinanceBroker(client, WallClock(), recv_window_ms=5000, time_is_auth=False)


def control(exchange, path, wish=None):
    method = "GET" if wish is None else "POST"
    return httpx.request(method, f"{exchange.url}/_sim/{path}", json=wish).json()


def a_ticket(cid="ta-one", quantity="0.100", side=OrderSide.BUY, **changes):
    values = {
        "client_order_id": cid,
        "tag": "test",
        "symbol": "SOLUSDT",
        "side": side,
        "type": OrderType.MARKET,
        "tif": TimeInForce.GTC,
        "quantity": Decimal(quantity),
        "bar_ts": START - 300_000_000,
    }
    return OrderTicket(**{**values, **changes})


def a_limit(cid, price, quantity="1.000", tif=TimeInForce.GTC):
    return a_ticket(cid, quantity, type=OrderType.LIMIT, tif=tif, limit_price=Decimal(price))
