"""What every broker owes the executor, shown on python-binance against the embedded exchange."""

from __future__ import annotations

from decimal import Decimal

import pytest

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.budget import Use
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.errors import (
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    VenueUnavailable,
)
from trading_assets.domain.order import (
    OrderSide,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets_tests.stand_ins.binance_account import (
    SECRET,
    START,
    a_limit,
    a_ticket,
    broker_at,
    control,
)


def test_a_market_order_is_reported_with_all_its_fills(broker):
    before = {b.asset: b.total for b in broker.balances()}
    report, fills = broker.submit(a_ticket(quantity="3.000"))

    assert report.status is OrderStatus.FILLED
    assert report.client_order_id == "ta-one"
    assert report.executed == Decimal(3) == sum(fill.quantity for fill in fills)
    assert report.quote_executed == sum(fill.price * fill.quantity for fill in fills)
    assert {fill.fee_asset for fill in fills} == {"SOL"}
    assert fills == broker.fills_since("SOLUSDT", START)
    assert broker.query("SOLUSDT", "ta-one").executed == Decimal(3)
    after = {b.asset: b.total for b in broker.balances()}
    assert after["USDT"] == before["USDT"] - report.quote_executed
    assert after["SOL"] == Decimal(3) - sum(fill.fee for fill in fills)


def test_a_market_order_beyond_the_book_is_partly_filled_and_expires(broker):
    report, fills = broker.submit(a_ticket(quantity="450.000"))

    assert report.status is OrderStatus.EXPIRED
    assert Decimal(0) < report.executed < Decimal(450)
    assert report.executed == sum(fill.quantity for fill in fills)


def test_a_resting_order_is_accepted_listed_and_cancelled(broker):
    report, fills = broker.submit(a_limit("ta-rest", "110.00"))

    assert (report.status, fills) == (OrderStatus.ACCEPTED, ())
    assert [order.client_order_id for order in broker.open_orders()] == ["ta-rest"]
    cancelled = broker.cancel("SOLUSDT", "ta-rest")
    assert (cancelled.client_order_id, cancelled.status) == ("ta-rest", OrderStatus.CANCELED)
    assert broker.open_orders() == ()
    assert broker.cancel("SOLUSDT", "ta-rest") is None
    assert broker.query("SOLUSDT", "ta-rest").status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.STOP, "stop_price": Decimal("300.00")},
        {
            "type": OrderType.STOP_LIMIT,
            "stop_price": Decimal("300.00"),
            "limit_price": Decimal("301.00"),
        },
    ],
)
def test_a_stop_waits_at_the_venue_until_it_is_cancelled(broker, changes):
    report, fills = broker.submit(a_ticket("ta-stop", **changes))

    assert (report.status, fills) == (OrderStatus.ACCEPTED, ())
    assert [order.client_order_id for order in broker.open_orders()] == ["ta-stop"]
    assert broker.cancel("SOLUSDT", "ta-stop").status is OrderStatus.CANCELED


def test_an_immediate_order_without_a_counterpart_expires(broker):
    report, fills = broker.submit(a_limit("ta-ioc", "110.00", tif=TimeInForce.IOC))

    assert (report.status, fills) == (OrderStatus.EXPIRED, ())


def test_an_order_that_never_was_is_none(broker):
    assert broker.query("SOLUSDT", "ta-never") is None
    assert broker.cancel("SOLUSDT", "ta-never") is None


def test_orders_and_fills_are_listed_over_pages_from_an_instant(exchange, broker, monkeypatch):
    monkeypatch.setattr("trading_assets.adapters.binance.broker._PAGE", 2)
    for number in range(5):
        broker.submit(a_ticket(f"ta-{number}"))
        control(exchange, "step", {"seconds": 1})

    names = [report.client_order_id for report in broker.orders_since("SOLUSDT", START)]
    assert names == [f"ta-{number}" for number in range(5)]
    fills = broker.fills_since("SOLUSDT", START + 1_500_000)
    assert {fill.client_order_id for fill in fills} == {"ta-2", "ta-3", "ta-4"}
    assert broker.fills_since("SOLUSDT", START + 10_000_000) == ()


def test_trades_name_their_order_also_to_a_process_that_did_not_send_it(exchange, broker):
    broker.submit(a_ticket("ta-first"))

    assert (
        broker_at(exchange.api_url).fills_since("SOLUSDT", START)[0].client_order_id == "ta-first"
    )


@pytest.mark.parametrize(
    ("ticket", "code"),
    [
        (a_ticket(quantity="0.0001"), -1013),
        (a_ticket(quantity="0.001"), -1013),
        (a_limit("ta-one", "110.001"), -1013),
        (a_ticket(quantity="1.000", side=OrderSide.SELL), -2010),
        (a_ticket(symbol="NOSUCHUSDT"), -1121),
        (a_ticket("not.an.id"), -1100),
    ],
)
def test_a_definite_refusal_is_one_and_leaves_nothing_behind(exchange, broker, ticket, code):
    with pytest.raises(OrderRejected) as caught:
        broker.submit(ticket)

    assert caught.value.code == code
    assert control(exchange, "ledger")["orders"] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"type": OrderType.TRAILING_STOP, "stop_price": Decimal(90)},
        {"tif": TimeInForce.FOK},
        {"tif": TimeInForce.GTD, "type": OrderType.LIMIT, "limit_price": Decimal(90)},
        {"tif": TimeInForce.DAY, "type": OrderType.LIMIT, "limit_price": Decimal(90)},
    ],
)
def test_what_the_venue_has_no_equal_of_is_refused_and_never_sent(exchange, broker, changes):
    with pytest.raises(OrderRejected, match="of this kind cannot be sent"):
        broker.submit(a_ticket(**changes))

    assert control(exchange, "ledger")["orders"] == []


def test_small_quantities_go_out_as_plain_decimals(broker):
    report, _ = broker.submit(a_ticket(quantity="0.00090", symbol="BTCUSDT"))

    assert report.executed == Decimal("0.0009")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_reply"},
        {"kind": "status", "status": 502, "when": "after"},
        {"kind": "status", "status": 503, "when": "after"},
        {"kind": "delay", "after_ms": 1500},
        {"kind": "garbage_body"},
        {"kind": "reset_mid_body"},
    ],
)
def test_a_lost_answer_after_execution_is_unknown_and_then_found(exchange, broker, fault):
    control(exchange, "fault", fault | {"match": {"method": "POST"}})
    with pytest.raises(OutcomeUnknown):
        broker.submit(a_ticket())

    assert broker.query("SOLUSDT", "ta-one").status is OrderStatus.FILLED
    assert len(control(exchange, "ledger")["orders"]) == 1


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "drop_request"},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
    ],
)
def test_a_lost_request_is_unknown_too_and_nothing_is_sent_again(exchange, broker, fault):
    control(exchange, "fault", fault | {"match": {"method": "POST"}})
    with pytest.raises(OutcomeUnknown):
        broker.submit(a_ticket())

    assert broker.query("SOLUSDT", "ta-one") is None
    assert control(exchange, "ledger")["orders"] == []


def test_a_limited_request_says_how_long_to_wait(exchange, broker):
    control(
        exchange,
        "fault",
        {"kind": "status", "status": 429, "retry_after_s": 7, "match": {"method": "POST"}},
    )
    with pytest.raises(RateLimited) as caught:
        broker.submit(a_ticket())

    assert caught.value.retry_after_ms == 7000
    asked = len(control(exchange, "ledger")["requests"])
    with pytest.raises(RateLimited) as caught:
        broker.query("SOLUSDT", "ta-one")
    assert 6000 < caught.value.retry_after_ms <= 7000
    assert len(control(exchange, "ledger")["requests"]) == asked
    assert broker_at(exchange.api_url).query("SOLUSDT", "ta-one") is None


def test_the_clock_is_measured_again_every_hour_and_a_jump_is_told(caplog):
    local = [0.0]
    config = ExchangeConfig(sim_controls=True)
    with running_exchange(config) as running:
        client = make_client(running.api_url, "demo-key", SECRET, timeout_s=1, recv_window_ms=5000)
        broker = BinanceBroker(client, WallClock(), recv_window_ms=5000, monotonic=lambda: local[0])
        broker.synchronise()
        control(running, "fault", {"kind": "skew_server_time", "ms": 800})
        local[0] = 3599.0
        broker.open_orders()
        assert abs(broker.offset_ms) < 300
        local[0] = 3601.0
        broker.open_orders()
        assert 500 < broker.offset_ms < 1100

    assert "have moved apart by" in caplog.text


def test_a_submit_refused_for_its_timestamp_is_not_sent_again_but_the_clock_is_measured():
    with running_exchange(ExchangeConfig(sim_controls=True)) as running:
        client = make_client(running.api_url, "demo-key", SECRET, timeout_s=1, recv_window_ms=5000)
        broker = BinanceBroker(client, WallClock(), recv_window_ms=5000)
        client.timestamp_offset = -3_600_000
        with pytest.raises(OrderRejected) as caught:
            broker.submit(a_ticket())
        posts = [r for r in control(running, "ledger")["requests"] if r["method"] == "POST"]
        report, _ = broker.submit(a_ticket("ta-two"))

    assert caught.value.code == -1021
    assert len(posts) == 1
    assert report.client_order_id == "ta-two"


def test_entries_are_refused_before_reads_and_exits_pass(exchange, broker):
    broker._client.budget.admit(4_900, Use.ESSENTIAL)
    with pytest.raises(RateLimited, match="ENTRY"):
        broker.submit(a_ticket("ta-entry"))
    # The venue's own count comes with the next answer.
    assert broker.query("SOLUSDT", "ta-entry") is None
    broker.submit(a_ticket("ta-late"))
    broker._client.budget.admit(5_900, Use.ESSENTIAL)
    broker.submit(a_ticket("ta-exit", side=OrderSide.SELL, quantity="0.050", reduce_only=True))
    names = [order["client_order_id"] for order in control(exchange, "ledger")["orders"]]
    assert names == ["ta-late", "ta-exit"]


def test_the_same_id_while_the_first_order_is_open_is_not_a_refusal(broker):
    broker.submit(a_limit("ta-twice", "110.00"))
    with pytest.raises(OutcomeUnknown, match="Duplicate"):
        broker.submit(a_limit("ta-twice", "110.00"))

    assert broker.query("SOLUSDT", "ta-twice").status is OrderStatus.ACCEPTED


def test_a_lost_cancel_is_unknown(exchange, broker):
    broker.submit(a_limit("ta-rest", "110.00"))
    control(exchange, "fault", {"kind": "drop_reply", "match": {"method": "DELETE"}})
    with pytest.raises(OutcomeUnknown):
        broker.cancel("SOLUSDT", "ta-rest")

    assert broker.query("SOLUSDT", "ta-rest").status is OrderStatus.CANCELED


def test_a_venue_that_is_not_there_executed_nothing():
    broker = broker_at("http://127.0.0.1:9/api")
    with pytest.raises(VenueUnavailable):
        broker.submit(a_ticket())
    with pytest.raises(VenueUnavailable):
        broker.query("SOLUSDT", "ta-one")


def test_a_timestamp_outside_the_window_is_a_definite_refusal(exchange, broker):
    broker._client.timestamp_offset = -3_600_000_000
    with pytest.raises(OrderRejected) as caught:
        broker.submit(a_ticket())

    assert caught.value.code == -1021


def test_errors_carry_neither_secret_nor_signature(exchange):
    broker = broker_at(exchange.api_url, secret="wrong-and-private")
    with pytest.raises(OrderRejected) as caught:
        broker.submit(a_ticket())

    text = f"{caught.value} {caught.value.__dict__} {caught.value.__cause__}"
    assert caught.value.code == -1022
    assert "wrong-and-private" not in text
    assert "signature=" not in text


def test_the_offset_of_a_real_venue_is_measured_and_signed_with():
    config = ExchangeConfig(sim_controls=True)
    with running_exchange(config) as running:
        client = make_client(running.api_url, "demo-key", SECRET, timeout_s=1.0, recv_window_ms=500)
        wall = _Ahead()
        broker = BinanceBroker(client, wall, recv_window_ms=500)
        offset = broker.synchronise()

    assert -7_300_000 < offset < -7_100_000
    assert client.timestamp_offset == offset // 1000
    assert abs(broker.auth_now() - WallClock().now()) < 200_000


class _Ahead:
    """A machine whose clock is 7.2 s ahead."""

    def now(self):
        return WallClock().now() + 7_200_000
