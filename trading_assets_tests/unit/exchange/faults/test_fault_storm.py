"""A storm of every fault at once: the exchange lives, and its ledger adds up to the last unit."""

import random

import httpx
import pytest

from trading_assets.exchange.faults.armed import Rates
from trading_assets.exchange.faults.kinds import Kind, fault_from
from trading_assets.exchange.venue.audit import audit, totals

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FUNDS = {"BTC": 10**8, "USDT": 10**13}
STORM = (
    (0.03, {"kind": "drop_request"}),
    (0.03, {"kind": "drop_reply"}),
    (0.02, {"kind": "delay", "before_ms": 2, "after_ms": 2}),
    (0.02, {"kind": "status", "status": 502}),
    (0.02, {"kind": "status", "status": 503, "when": "after"}),
    (0.02, {"kind": "garbage_body"}),
    (0.02, {"kind": "reset_mid_body"}),
    (0.01, {"kind": "freeze", "ms": 5}),
    (0.10, {"kind": "partial_fill", "quantity": "0.01"}),
    (0.10, {"kind": "visible_after", "ms": 60_000}),
    (0.01, {"kind": "ws_drop"}),
    (0.03, {"kind": "external_trade", "account": "demo", "symbol": "BTCUSDT", "side": "BUY",
            "quantity": "0.01"}),
    (0.03, {"kind": "external_trade", "account": "demo", "symbol": "BTCUSDT", "side": "SELL",
            "quantity": "0.02"}),
    (0.02, {"kind": "balance_set", "account": "demo", "asset": "USDT", "free": "50000"}),
    (0.02, {"kind": "balance_set", "account": "demo", "asset": "SOL", "free": "3.5"}),
)  # fmt: skip


def some_request(rng, wire, prices):
    """Draw what a busy client does next: method, path and parameters."""
    symbol = rng.choice(SYMBOLS)
    match rng.randrange(6):
        case 0:
            return "POST", "order", market(rng, symbol)
        case 1 | 2:
            return "POST", "order", limit(rng, symbol, prices)
        case 3:
            return "DELETE", "openOrders", {"symbol": symbol}
        case 4:
            return "DELETE", "order", {"symbol": symbol, "orderId": rng.randrange(1, 40)}
        case _:
            return "GET", "allOrders", {"symbol": symbol}


def market(rng, symbol):
    side = rng.choice(("BUY", "SELL"))
    return {"symbol": symbol, "side": side, "type": "MARKET", "quantity": f"{rng.random():.2f}"}


def limit(rng, symbol, prices):
    price = f"{prices[symbol] * rng.uniform(0.995, 1.005):.2f}"
    wish = {"type": "LIMIT", "timeInForce": rng.choice(("GTC", "IOC", "FOK")), "price": price}
    return {**market(rng, symbol), **wish}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_money_is_neither_made_nor_lost_in_a_storm(wired, tmp_path, seed):
    rates = Rates(seed, tuple((chance, fault_from(wish)) for chance, wish in STORM))
    rng = random.Random(seed)
    lost = 0
    with wired(fault_rates=rates, ledger=tmp_path / "ledger.sqlite") as wire:
        wire.http.timeout = 5
        prices = {symbol: price_of(wire, symbol) for symbol in SYMBOLS}
        for number in range(600):
            method, path, wish = some_request(rng, wire, prices)
            try:
                lost += wire.signed(method, path, **wish).status_code >= 500
            except httpx.TransportError:
                lost += 1
            if number % 10 == 0:
                wire.sim("step", seconds=rng.randrange(1, 120))
        tables = wire.ledger()
    assert lost > 20
    struck = {row["kind"] for row in tables["faults"]}
    assert struck == {wish["kind"] for _, wish in STORM}
    assert audit(tables) == []
    sums = totals(tables)
    assert {asset: sums[asset] for asset in FUNDS} == FUNDS
    assert all(units == 0 for asset, units in sums.items() if asset not in FUNDS)


def price_of(wire, symbol):
    """Give a price; the storm may lose the answer."""
    while True:
        try:
            return wire.price(symbol)
        except (httpx.TransportError, KeyError, ValueError):
            continue


def test_every_kind_but_the_lasting_ones_is_in_the_storm():
    lasting = {Kind.SKEW_SERVER_TIME, Kind.HALT_SYMBOL, Kind.FILTER_CHANGE}
    left = {kind for kind in Kind if not kind.value.startswith("ws_")} - lasting
    assert {Kind(wish["kind"]) for _, wish in STORM} >= left
