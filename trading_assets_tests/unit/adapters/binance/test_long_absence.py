"""What happened in an absence of days is read, though a venue lets nobody look through two."""

import pytest

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.client import make_client
from trading_assets.domain.errors import VenueError

NOW = 1_700_000_000_000  # ms
HOUR = 3_600_000
DAY = 24 * HOUR


def an_order(number, ts):
    return {
        "symbol": "BTCUSDT", "orderId": number, "clientOrderId": f"c{number}", "side": "BUY",
        "status": "FILLED", "origQty": "1", "executedQty": "1", "cummulativeQuoteQty": "2",
        "time": ts, "updateTime": ts,
    }  # fmt: skip


def a_trade(number, ts):
    return {
        "symbol": "BTCUSDT", "id": number, "orderId": number, "price": "2", "qty": "1",
        "commission": "0", "commissionAsset": "BNB", "time": ts, "isBuyer": True, "isMaker": False,
    }  # fmt: skip


class Wall:
    def now(self):
        return NOW * 1000


@pytest.fixture
def account(server):
    """A venue that refuses more than 24 hours, be the end said or meant."""
    rows = {
        "/api/v3/allOrders": ("orderId", [an_order(n, NOW - age) for n, age in AGES]),
        "/api/v3/myTrades": ("id", [a_trade(n, NOW - age) for n, age in AGES]),
    }

    def answer(asked):
        if asked.path == "/api/v3/order":
            wanted = int(asked.query["orderId"])
            return server.json(
                next(o for o in rows["/api/v3/allOrders"][1] if o["orderId"] == wanted)
            )
        key, known = rows[asked.path]
        cursor = asked.query.get("fromId") or asked.query.get("orderId")
        if cursor is not None:
            assert "startTime" not in asked.query
            found = [row for row in known if row[key] >= int(cursor)]
        else:
            start = int(asked.query["startTime"])
            end = int(asked.query.get("endTime", NOW))
            if end - start > DAY:
                return server.json({"code": -1127, "msg": "More than 24 hours."}, status=400)
            found = [row for row in known if start <= row["time"] <= end]
        return server.json(found[: int(asked.query["limit"])])

    server.answer = answer
    client = make_client(f"{server.url}/api", "key", "secret", timeout_s=5.0, recv_window_ms=5000)
    return BinanceBroker(client, Wall(), recv_window_ms=5000)


AGES = ((1, 6 * DAY), (2, 4 * DAY + HOUR), (3, 2 * DAY), (4, HOUR))


@pytest.mark.parametrize(
    ("age", "expected"),
    [(7 * DAY, [1, 2, 3, 4]), (5 * DAY, [2, 3, 4]), (2 * DAY, [3, 4]), (DAY, [4]), (0, [])],
)
def test_all_since_an_instant_is_found(account, age, expected):
    since = (NOW - age) * 1000
    assert [int(r.venue_order_id) for r in account.orders_since("BTCUSDT", since)] == expected
    assert [int(f.trade_id) for f in account.fills_since("BTCUSDT", since)] == expected


def test_a_recent_instant_takes_one_request(account, server):
    account.orders_since("BTCUSDT", (NOW - HOUR) * 1000)
    assert [asked.path for asked in server.asked if asked.path != "/api/v3/time"] == [
        "/api/v3/allOrders"
    ]


def test_the_venue_of_this_test_refuses_longer_spans(account):
    with pytest.raises(VenueError, match="24 hours"):
        list(
            account._pages(
                account._client.get_all_orders,
                "BTCUSDT",
                {"startTime": NOW - 2 * DAY},
                "orderId",
                "orderId",
                "orders",
            )
        )
