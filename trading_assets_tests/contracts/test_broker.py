"""What every broker owes the executor: the adapter, the simulated broker, and the tiny venue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.account import Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.errors import OrderRejected, OutcomeUnknown
from trading_assets.domain.ids import Symbol
from trading_assets.domain.order import (
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderTicket,
    OrderType,
    TimeInForce,
)
from trading_assets.domain.ports import Broker
from trading_assets.domain.setup import (
    Account,
    Costs,
    EngineSetup,
    FeeAsset,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.simulated_broker import SimulatedBroker
from trading_assets.exchange.config import DEMO_KEY, DEMO_SECRET
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets_tests.stand_ins.tiny_venue import BAR, START, TinyVenue
from trading_assets_tests.stand_ins.tiny_venue import SOL as SOL_GRID

SOL = Symbol("SOLUSDT")
BUY = OrderTicket(
    "ta-buy", "test", SOL, OrderSide.BUY, OrderType.MARKET, TimeInForce.GTC, Decimal("2.000"), START
)


@dataclass
class Place:
    """A broker, and what a test can do to its venue."""

    broker: Broker
    pass_seconds: Callable[[int], None]
    arm: Callable[[str], None]  # `lost_answer`, `lost_request` or `refuse`, for the next order


class Bars:
    """A clock for the simulated broker, and the bars that it is shown as time passes."""

    def __init__(self) -> None:
        self.ts = START - BAR
        setup = EngineSetup(
            (SOL_GRID,), Account("USDT", Decimal(10_000)), SignalFamily.TARGET,
            Sizing(SizingMode.FIXED, qty=Decimal(1)),
            Costs(taker_bps=Decimal(10), fee_asset=FeeAsset.RECEIVED),
        )  # fmt: skip
        self.broker = SimulatedBroker(setup, BAR, self)
        self.show()

    def now(self) -> int:
        return self.ts + BAR

    def wait(self, seconds: float) -> None:
        raise AssertionError("it has no network to wait for")

    def show(self) -> None:
        bar = Bar(SOL, self.ts, 100.0, 101.0, 99.0, 100.5, 9.0, 900.0, 3)
        self.broker.see(self.ts, (bar,))

    def pass_seconds(self, _seconds: int) -> None:
        self.ts += BAR
        self.show()


@pytest.fixture(params=["adapter", "tiny", "simulated"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "simulated":
        bars = Bars()
        yield Place(bars.broker, bars.pass_seconds, _no_network)
        return
    if request.param == "tiny":
        venue = TinyVenue()
        yield Place(venue, venue.advance, venue.script.append)
        return
    with running_exchange(ExchangeConfig(start=START, stepped=True, sim_controls=True)) as running:
        client = make_client(
            running.api_url, DEMO_KEY, DEMO_SECRET, timeout_s=2, recv_window_ms=5000
        )
        broker = BinanceBroker(client, WallClock(), recv_window_ms=5000, time_is_auth=False)

        def control(name: str, wish: dict[str, Any]) -> None:
            httpx.post(f"{running.url}/_sim/{name}", json=wish).raise_for_status()

        def arm(what: str) -> None:
            faults: dict[str, dict[str, Any]] = {
                "lost_answer": {"kind": "drop_reply"},
                "lost_request": {"kind": "drop_request"},
                "refuse": {"kind": "status", "status": 400, "code": -2010, "text": "No."},
            }
            match = {"method": "POST", "path": "/api/v3/order"}
            control("fault", {**faults[what], "match": match})

        yield Place(broker, lambda seconds: control("step", {"seconds": seconds}), arm)
        client.close_connection()


def _no_network(what: str) -> None:
    if what != "refuse":
        pytest.skip("a broker without a network loses nothing on it")


def placed(place: Place, ticket: OrderTicket) -> tuple[OrderReport, tuple[Fill, ...]]:
    """Send an order, let it meet the market, and give what became of it."""
    report, fills = place.broker.submit(ticket)
    if report.status is OrderStatus.ACCEPTED:
        place.pass_seconds(300)
        found = place.broker.query(ticket.symbol, ticket.client_order_id)
        assert found is not None
        since = place.broker.fills_since(ticket.symbol, START)
        named = [fill for fill in since if fill.client_order_id == ticket.client_order_id]
        return found, tuple(named)
    return report, fills


def held(broker: Broker) -> dict[str, Decimal]:
    return {balance.asset: balance.total for balance in broker.balances()}


def test_an_order_is_reported_found_listed_and_paid_for(place: Place) -> None:
    before = held(place.broker)
    report, fills = placed(place, BUY)
    assert (report.client_order_id, report.status) == ("ta-buy", OrderStatus.FILLED)
    assert report.executed == BUY.quantity == sum(fill.quantity for fill in fills)
    assert report.quote_executed == sum(fill.price * fill.quantity for fill in fills)
    assert place.broker.query(SOL, "ta-buy") == report
    assert place.broker.orders_since(SOL, START) == (report,)
    assert place.broker.fills_since(SOL, START) == fills
    after = held(place.broker)
    fees = sum(fill.fee for fill in fills if fill.fee_asset == "SOL")
    assert after["SOL"] == before.get("SOL", 0) + report.executed - fees
    assert after["USDT"] == before["USDT"] - report.quote_executed


def test_executions_come_in_order_and_from_an_instant_on(place: Place) -> None:
    instants = []
    for number in range(3):
        report, _ = placed(place, replace(BUY, client_order_id=f"ta-{number}"))
        instants.append(report.updated_ts)
        place.pass_seconds(5)
    fills = place.broker.fills_since(SOL, START)
    numbers = [int(fill.trade_id) for fill in fills]
    assert numbers == sorted(set(numbers))
    names = {fill.client_order_id for fill in place.broker.fills_since(SOL, instants[1])}
    assert names == {"ta-1", "ta-2"}
    listed = [order.client_order_id for order in place.broker.orders_since(SOL, instants[1])]
    assert listed == ["ta-1", "ta-2"]
    assert place.broker.fills_since(SOL, instants[2] + 1_000_000) == ()


def test_what_never_was_is_none_and_nothing_is_there_to_cancel(place: Place) -> None:
    assert place.broker.query(SOL, "ta-never") is None
    assert place.broker.cancel(SOL, "ta-never") is None
    assert place.broker.open_orders() == ()


def test_a_refusal_is_definite_and_leaves_nothing(place: Place) -> None:
    before = held(place.broker)
    place.arm("refuse")
    too_much = replace(BUY, quantity=Decimal("1000.000"))  # more than the account can pay
    with pytest.raises(OrderRejected):
        place.broker.submit(too_much)
    assert place.broker.query(SOL, "ta-buy") is None
    assert held(place.broker) == before


@pytest.mark.parametrize(("fate", "exists"), [("lost_answer", True), ("lost_request", False)])
def test_a_lost_answer_is_unknown_and_only_asking_tells(
    place: Place, fate: str, exists: bool
) -> None:
    place.arm(fate)
    with pytest.raises(OutcomeUnknown):
        place.broker.submit(BUY)
    assert (place.broker.query(SOL, "ta-buy") is not None) is exists
    assert len(place.broker.orders_since(SOL, START)) == exists


def test_the_authentication_clock_does_not_go_back(place: Place) -> None:
    first = place.broker.auth_now()
    place.pass_seconds(1)
    assert place.broker.auth_now() >= first
    assert place.broker.recv_window_ms <= 5000
