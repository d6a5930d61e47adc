"""The exchange's state as plain values: what the page and `/_sim/state` show."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.market.listing import Listing
from trading_assets.exchange.venue.filters import text8

_TRADES_SHOWN = 20
_SPARKS_SHOWN = 20
_SPARK_MINUTES = 60


def public_state(exchange: Exchange) -> dict[str, Any]:
    """Give what everyone may see: the clock, the symbols' prices and the request weights."""
    now = exchange.clock.now()
    config = exchange.config
    return {
        "clock": {
            "serverTime": wire.ms(now + exchange.clock_skew),
            "marketTime": wire.ms(now),
            "wallTime": wire.ms(wall_now()),
            "mode": _mode(exchange),
            "warp": exchange.clock.warp,
        },
        "market": {"seed": config.seed, "structure": config.structure},
        "symbols": [
            {
                "symbol": symbol,
                "status": exchange.venue.status(listing, now),
                "price": wire.price(listing, exchange.venue.last_ticks(listing, now)),
                "averagePrice": text8(exchange.venue.average_price(listing, now)),
                "closes": _closes(exchange, listing, now) if number < _SPARKS_SHOWN else [],
            }
            for number, (symbol, listing) in enumerate(exchange.venue.listings.items())
        ],
        "weights": {"used": exchange.weights.used, "limit": exchange.weights.limit},
        "controls": config.sim_controls,
    }


def _closes(exchange: Exchange, listing: Listing, now: Micros) -> list[float]:
    """Give the closes of the last hour's minutes, oldest first, for drawing only."""
    minute = now // 60_000_000
    bars = exchange.klines.minutes_between(listing, minute - _SPARK_MINUTES, minute, now)
    return [round(ticks * float(listing.instrument.tick), 8) for ticks in bars.close.tolist()]


def _mode(exchange: Exchange) -> str:
    clock = exchange.clock
    if clock.is_stepped:
        return "step"
    if clock.is_paused:
        return "paused"
    return "wall" if clock.is_wall else "virtual"


def state_of(exchange: Exchange) -> dict[str, Any]:
    """Give everything, accounts and faults included, settled up to now."""
    exchange.settled_now()
    return {
        **public_state(exchange),
        "accounts": [_account(exchange, account.name) for account in exchange.config.accounts],
        "openOrders": [
            {"account": order.account, **wire.queried(order)}
            for orders in exchange.venue.open.values()
            for order in orders.values()
        ],
        "trades": _recent_trades(exchange),
        "counts": {
            "orders": len(exchange.venue.orders),
            "openOrders": sum(len(orders) for orders in exchange.venue.open.values()),
            "trades": sum(len(trades) for trades in exchange.venue.trades.values()),
        },
        "faults": exchange.faults.listed(),
    }


def _account(exchange: Exchange, name: str) -> dict[str, Any]:
    now = exchange.clock.now()
    ten, day = exchange.venue.order_meter.counts(name, now)
    balances, equity, unpriced = [], 0, []
    for asset, holding in exchange.venue.accounts.assets(name):
        if not holding.free and not holding.locked:
            continue
        balances.append(
            {
                "asset": asset,
                "free": wire.amount(holding.free),
                "locked": wire.amount(holding.locked),
            }
        )
        worth = _worth(exchange, asset, holding.free + holding.locked)
        if worth is None:
            unpriced.append(asset)
        equity += worth or 0
    return {
        "name": name,
        "balances": balances,
        "equity": wire.amount(equity),
        "quote": "USDT",
        "unpriced": unpriced,
        "orders10s": ten,
        "orders1d": day,
    }


def _worth(exchange: Exchange, asset: str, units: int) -> int | None:
    """Give the worth of an amount in 1e-8 USDT at the last price; None without one."""
    if asset == "USDT":
        return units
    listing = exchange.venue.listings.get(f"{asset}USDT")
    if listing is None:
        return None
    ticks = exchange.venue.last_ticks(listing, exchange.clock.now())
    return units * ticks * listing.tick_units // 100_000_000


def _recent_trades(exchange: Exchange) -> list[dict[str, Any]]:
    trades = [t for rows in exchange.venue.trades.values() for t in rows[-_TRADES_SHOWN:]]
    trades.sort(key=lambda t: (t.ts, t.symbol, t.trade_id), reverse=True)
    return [
        {"account": t.account, **wire.my_trade(exchange.venue.orders[t.symbol, t.order_id], t)}
        for t in trades[:_TRADES_SHOWN]
    ]
