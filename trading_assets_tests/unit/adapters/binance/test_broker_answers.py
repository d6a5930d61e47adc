"""Answers that are JSON and not what was asked for, and copies of the venue that do not agree."""

import pytest

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.client import make_client
from trading_assets.domain.errors import (
    OrderArchived,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from trading_assets.domain.order import OrderStatus
from trading_assets_tests.stand_ins.binance_account import a_ticket

NOW = 1_700_000_000_000  # ms
TRADE = {
    "symbol": "SOLUSDT", "id": 2**53 + 1, "orderId": 7, "price": "2", "qty": "1",
    "commission": "0", "commissionAsset": "BNB", "time": NOW, "isBuyer": True, "isMaker": False,
}  # fmt: skip


def an_order(name, status, executed="0"):
    return {
        "symbol": "SOLUSDT", "orderId": 7, "clientOrderId": name, "side": "BUY", "status": status,
        "origQty": "1", "executedQty": executed, "cummulativeQuoteQty": "0", "updateTime": NOW,
    }  # fmt: skip


class Wall:
    def now(self):
        return NOW * 1000


@pytest.fixture
def broker(server):
    client = make_client(f"{server.url}/api", "key", "secret", timeout_s=5.0, recv_window_ms=5000)
    return BinanceBroker(client, Wall(), recv_window_ms=5000)


READS = {
    "time": lambda broker: broker.synchronise(),
    "query": lambda broker: broker.query("SOLUSDT", "ta-one"),
    "open orders": lambda broker: broker.open_orders(),
    "balances": lambda broker: broker.balances(),
    "orders": lambda broker: broker.orders_since("SOLUSDT", NOW * 1000),
    "trades": lambda broker: broker.fills_since("SOLUSDT", NOW * 1000),
    "old trades": lambda broker: broker.fills_since("SOLUSDT", 0),
}


@pytest.mark.parametrize("body", ["null", "[[]]", "[null]", '"busy"', "{}", "1"])
@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("status", [200, 502])
def test_json_of_another_kind_is_no_answer_to_a_read(server, broker, status, read, body):
    server.answer = lambda _: server.raw(body.encode(), status)
    with pytest.raises(VenueUnavailable):
        read(broker)


@pytest.mark.parametrize("body", ["null", "[]", '"busy"', "{}", "1"])
@pytest.mark.parametrize("status", [200, 502])
def test_json_of_another_kind_leaves_the_outcome_of_an_order_unknown(server, broker, status, body):
    server.answer = lambda _: server.raw(body.encode(), status)
    with pytest.raises(OutcomeUnknown):
        broker.submit(a_ticket())
    with pytest.raises(OutcomeUnknown):
        broker.cancel("SOLUSDT", "ta-one")


def test_a_code_that_is_not_known_ends_no_reader(server, broker):
    server.answer = lambda _: server.json({"code": -1016, "msg": "Shutting down."}, status=400)
    with pytest.raises(VenueUnavailable):
        broker.balances()


def test_too_many_orders_hold_back_the_next_entry_and_no_cancel(server, broker):
    too_many = {"code": -1015, "msg": "Too many new orders; current limit is 10 per 1 SECOND."}
    server.answer = lambda _: server.json(too_many, status=429)
    with pytest.raises(RateLimited):
        broker.submit(a_ticket())

    server.answer = lambda _: server.json({"code": -2011, "msg": "Unknown order sent."}, status=400)
    assert broker.cancel("SOLUSDT", "ta-one") is None
    with pytest.raises(RateLimited, match="no more orders"):
        broker.submit(a_ticket())


def test_an_order_that_was_put_away_is_told_from_one_that_never_was(server, broker):
    server.answer = lambda _: server.json({"code": -2026, "msg": "Order was archived."}, status=400)
    with pytest.raises(OrderArchived):
        broker.query("SOLUSDT", "ta-one")
    server.answer = lambda _: server.json({"code": -2013, "msg": "Does not exist."}, status=400)
    assert broker.query("SOLUSDT", "ta-one") is None


def test_a_trade_is_read_again_until_its_order_is_known(server, broker):
    def answer(asked):
        if asked.path.endswith("/myTrades"):
            return server.json([TRADE])
        return server.json(*orders.pop(0))

    server.answer = answer
    orders = [({"code": -2013, "msg": "Order does not exist."}, 400), ({"clientOrderId": "web-1"},)]
    with pytest.raises(VenueUnavailable, match="does not know it yet"):
        broker.fills_since("SOLUSDT", NOW * 1000)
    (fill,) = broker.fills_since("SOLUSDT", NOW * 1000)

    assert (fill.client_order_id, fill.trade_id) == ("web-1", str(2**53 + 1))


def test_a_trade_whose_order_may_not_be_seen_is_a_refusal(server, broker):
    no_key = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
    server.answer = lambda asked: (
        server.json([TRADE]) if asked.path.endswith("/myTrades") else server.json(no_key, 401)
    )
    with pytest.raises(VenueError) as caught:
        broker.fills_since("SOLUSDT", NOW * 1000)
    assert caught.value.code == -2015


def test_a_status_that_is_not_known_counts_for_our_own_orders_only(server, broker):
    server.answer = lambda _: server.json([an_order("web-1", "NEW_KIND"), an_order("ta-1", "NEW")])
    theirs, ours = broker.orders_since("SOLUSDT", NOW * 1000)
    assert (theirs.status, ours.status) == (OrderStatus.UNKNOWN, OrderStatus.ACCEPTED)

    server.answer = lambda _: server.json(an_order("ta-1", "NEW_KIND"))
    with pytest.raises(VenueUnavailable, match="cannot be read"):
        broker.query("SOLUSDT", "ta-1")


@pytest.mark.parametrize("status", ["NEW", "PENDING_CANCEL", "PARTIALLY_FILLED"])
def test_an_order_that_works_and_has_executions_is_filled_in_part(server, broker, status):
    server.answer = lambda _: server.json(an_order("ta-1", status, "0.5"))
    assert broker.query("SOLUSDT", "ta-1").status is OrderStatus.PARTIALLY_FILLED
