"""The WebSocket API: its envelope, sessions and user events, over real WebSockets."""

import base64
import hashlib
import hmac
import itertools
import json
from contextlib import contextmanager

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.clock import wall_now
from trading_assets.exchange.config import AccountConfig
from trading_assets.exchange.server import ExchangeConfig, running_exchange

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
ACCOUNTS = (AccountConfig(), AccountConfig("second", "ed-key", "", PUBLIC))


class Api:
    """One connection; events that arrive between answers are kept."""

    def __init__(self, ws):
        self.ws = ws
        self.numbers = itertools.count(1)
        self.events = []

    def frame(self):
        return json.loads(self.ws.recv(timeout=5))

    def raw(self, text):
        self.ws.send(text)
        while "event" in (frame := self.frame()):
            self.events.append(frame)
        return frame

    def call(self, method, *, number=None, **params):
        number = next(self.numbers) if number is None else number
        answer = self.raw(json.dumps({"id": number, "method": method, "params": params}))
        assert answer["id"] == number
        return answer

    def signed(self, method, **params):
        params |= {"apiKey": "demo-key", "timestamp": wall_now() // 1_000}
        payload = "&".join(f"{k}={v}" for k, v in sorted(params.items()))
        signature = hmac.new(b"demo-secret", payload.encode(), hashlib.sha256).hexdigest()
        return self.call(method, **params, signature=signature)

    def signed_by_ed25519(self, method, **params):
        params |= {"apiKey": "ed-key", "timestamp": wall_now() // 1_000}
        payload = "&".join(f"{k}={v}" for k, v in sorted(params.items()))
        signature = base64.b64encode(PRIVATE.sign(payload.encode())).decode()
        return self.call(method, **params, signature=signature)

    def taken(self):
        """Give the events so far, and forget them."""
        self.call("ping")
        events, self.events = self.events, []
        return [event["event"] for event in events]


@contextmanager
def api_of(wire, tail=""):
    url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/") + "/ws-api/v3" + tail
    with connect(url) as ws:
        yield Api(ws)


@pytest.fixture
def venue(wired):
    with wired(accounts=ACCOUNTS) as wire:
        yield wire


@pytest.fixture
def api(venue):
    with api_of(venue) as api:
        yield api


# --- the envelope


def test_public_methods_answer_as_rest_does(venue, api):
    window = {"symbol": "BTCUSDT", "interval": "1m", "limit": 3}
    assert api.call("ping")["result"] == {}
    assert api.call("time")["result"] == venue.get("time").json()
    assert api.call("v3/klines", **window)["result"] == venue.get("klines", **window).json()
    book = api.call("depth", symbol="BTCUSDT", limit=5)["result"]
    assert book == venue.get("depth", symbol="BTCUSDT", limit=5).json()
    price = api.call("ticker.price", symbols=["BTCUSDT", "ETHUSDT"])["result"]
    assert [row["symbol"] for row in price] == ["BTCUSDT", "ETHUSDT"]
    assert len(api.call("exchangeInfo")["result"]["symbols"]) == 3
    for method in ("trades.recent", "trades.aggregate", "ticker.24hr", "ticker.book", "avgPrice"):
        assert api.call(method, symbol="BTCUSDT")["status"] == 200, method


@pytest.mark.parametrize("number", [1, -5, "a b", "", None])
def test_any_id_comes_back_as_it_was(api, number):
    answer = api.raw(json.dumps({"id": number, "method": "ping"}))
    assert (answer["id"], answer["status"]) == (number, 200)


def test_limits_are_shared_with_rest_and_shown_unless_told_otherwise(venue, api):
    before = api.call("ping")["rateLimits"]
    assert [limit["rateLimitType"] for limit in before] == ["REQUEST_WEIGHT"]
    used = venue.get("klines", symbol="BTCUSDT", interval="1m").headers["X-MBX-USED-WEIGHT-1M"]
    assert int(used) >= before[0]["count"] + 2
    assert "rateLimits" not in api.call("time", returnRateLimits=False)
    with api_of(venue, "?returnRateLimits=false") as quiet:
        assert "rateLimits" not in quiet.call("time")
        assert "rateLimits" in quiet.call("time", returnRateLimits=True)


def test_beyond_the_weight_limit_it_says_when_to_come_back(wired):
    with wired(weight_limit=30) as wire, api_of(wire) as api:
        answers = [api.call("exchangeInfo") for _ in range(2)]
    assert (answers[1]["status"], answers[1]["error"]["code"]) == (429, -1003)
    data = answers[1]["error"]["data"]
    assert 0 < data["retryAfter"] - data["serverTime"] <= 61_000


@pytest.mark.parametrize(
    ("text", "number", "code"),
    [
        ("{", None, -1135),
        ("[]", None, -1135),
        ("[" * 60_000, None, -1135),
        ('{"id":7}', 7, -1102),
        ('{"id":7,"method":5}', 7, -1102),
        ('{"id":{},"method":"ping"}', None, -1102),
        ('{"id":7,"method":"ping","params":[]}', 7, -1102),
        ('{"id":7,"method":"klines","params":{"symbol":null}}', 7, -1102),
        ('{"id":7,"method":"klines","params":{"symbol":{}}}', 7, -1102),
        ('{"id":7,"method":"fly"}', 7, -1020),
        ('{"id":7,"method":"ping","params":{"a":1}}', 7, -1104),
        ('{"id":7,"method":"klines","params":{"symbol":"X","interval":"1m"}}', 7, -1121),
        ('{"id":7,"method":"order.place","params":{"symbol":"BTCUSDT"}}', 7, -1102),
        ('{"id":7,"method":"account.status","params":{"apiKey":"no"}}', 7, -2015),
        ('{"id":7,"method":"userDataStream.start","params":{"apiKey":"demo-key"}}', 7, -1016),
    ],
)
def test_a_bad_frame_is_answered_and_the_connection_lives(shared, text, number, code):
    with api_of(shared) as api:
        answer = api.raw(text)
        assert (answer["id"], answer["error"]["code"]) == (number, code)
        assert answer["status"] >= 400
        assert "result" not in answer
        assert api.call("ping")["status"] == 200


def test_a_binary_frame_is_read_too(api):
    assert api.raw(b'{"id":1,"method":"ping"}')["status"] == 200


# --- signatures and sessions


def test_a_wrong_signature_or_time_is_refused(api):
    values = {"apiKey": "demo-key", "timestamp": wall_now() // 1_000, "signature": "0" * 64}
    assert api.call("account.status", **values)["error"]["code"] == -1022
    assert api.signed("account.status", recvWindow=70_000)["error"]["code"] == -1131
    old = hmac.new(b"demo-secret", b"apiKey=demo-key&timestamp=1", hashlib.sha256).hexdigest()
    late = api.call("account.status", apiKey="demo-key", timestamp=1, signature=old)
    assert late["error"]["code"] == -1021


def test_a_number_is_signed_as_it_was_written(api):
    stamp = wall_now() // 1_000
    payload = f"apiKey=demo-key&recvWindow=5000.50&timestamp={stamp}"
    signature = hmac.new(b"demo-secret", payload.encode(), hashlib.sha256).hexdigest()
    text = (
        f'{{"id":1,"method":"account.status","params":{{"apiKey":"demo-key","timestamp":{stamp},'
        f'"recvWindow":5000.50,"signature":"{signature}"}}}}'
    )
    assert api.raw(text)["status"] == 200


def test_only_ed25519_keys_open_a_session(api):
    assert api.signed("session.logon")["error"]["code"] == -4056
    status = api.signed_by_ed25519("session.logon")["result"]
    assert (status["apiKey"], status["userDataStream"]) == ("ed-key", False)
    assert status["authorizedSince"] >= status["connectedSince"]
    account = api.call("account.status", timestamp=wall_now() // 1_000)
    assert account["result"]["balances"][0]["asset"] == "BTC"
    assert api.call("account.status", timestamp=1)["error"]["code"] == -1021
    assert api.call("session.logout")["result"]["apiKey"] is None
    refused = api.call("account.status", timestamp=wall_now() // 1_000)
    assert refused["error"]["code"] == -1102


def test_a_changed_ed25519_signature_is_refused(api):
    params = {"apiKey": "ed-key", "timestamp": wall_now() // 1_000}
    signature = base64.b64encode(PRIVATE.sign(b"something else")).decode()
    for bad in (signature, "no base64", "AAAA"):
        answer = api.call("session.logon", **params, signature=bad)
        assert answer["error"]["code"] == -1022


def test_a_bad_public_key_is_refused_at_the_start():
    config = ExchangeConfig(accounts=(AccountConfig(public_key="-----BEGIN"),))
    with pytest.raises(ConfigurationError, match="public_key"), running_exchange(config):
        pass


# --- orders


def test_an_order_lives_on_both_wires(venue, api):
    wish = venue.limit_buy(newClientOrderId="mine")
    placed = api.signed("order.place", **wish)
    assert placed["result"]["status"] == "NEW"
    assert [limit["rateLimitType"] for limit in placed["rateLimits"]] == [
        "ORDERS",
        "ORDERS",
        "REQUEST_WEIGHT",
    ]
    assert placed["rateLimits"][0]["count"] == 1
    assert venue.signed("GET", "openOrders").json()[0]["clientOrderId"] == "mine"
    name = {"symbol": "SOLUSDT", "origClientOrderId": "mine"}
    assert api.signed("order.status", **name)["result"]["status"] == "NEW"
    assert len(api.signed("openOrders.status", symbol="SOLUSDT")["result"]) == 1
    assert api.signed("order.cancel", **name)["result"]["status"] == "CANCELED"
    assert api.signed("order.cancel", **name)["error"]["code"] == -2011
    assert api.signed("order.test", **wish)["result"] == {}
    assert api.signed("allOrders", symbol="SOLUSDT")["result"][0]["status"] == "CANCELED"
    for method in ("myTrades", "myPreventedMatches", "myAllocations"):
        assert api.signed(method, symbol="SOLUSDT")["result"] == []
    assert len(api.signed("account.rateLimits.orders")["result"]) == 2
    rows = venue.ledger()["requests"]
    assert [(row["method"], row["path"], row["status"]) for row in rows] == [
        ("WS", "order.place", 200),
        ("WS", "order.cancel", 200),
        ("WS", "order.cancel", 400),
    ]


def around(venue, factor, symbol="BTCUSDT"):
    return f"{venue.price(symbol) * factor:.2f}"


def test_lists_live_on_both_wires_and_their_status_is_told_last(venue, api):
    api.signed("userDataStream.subscribe.signature")
    placed = api.signed(
        "orderList.place.oco",
        symbol="BTCUSDT",
        side="SELL",
        quantity="0.01",
        aboveType="LIMIT_MAKER",
        abovePrice=around(venue, 1.1),
        belowType="STOP_LOSS",
        belowStopPrice=around(venue, 0.9),
        listClientOrderId="both",
    )["result"]
    assert (placed["contingencyType"], len(placed["orderReports"])) == ("OCO", 2)
    name = {"orderListId": placed["orderListId"]}
    on_rest = venue.signed("GET", "orderList", **name).json()
    assert api.signed("orderList.status", **name)["result"] == on_rest
    assert api.signed("openOrderLists.status")["result"] == [on_rest]
    cancelled = api.signed("orderList.cancel", symbol="BTCUSDT", **name)["result"]
    assert cancelled["listOrderStatus"] == "ALL_DONE"
    assert api.signed("orderList.cancel", symbol="BTCUSDT", **name)["error"]["code"] == -2011
    events = api.taken()
    told = [
        (e["e"], e.get("x") or e.get("L")) for e in events if e["e"] != "outboundAccountPosition"
    ]
    assert sorted(told[:3]) == [
        ("executionReport", "NEW"),
        ("executionReport", "NEW"),
        ("listStatus", "EXECUTING"),
    ]
    assert told[-1] == ("listStatus", "ALL_DONE")
    assert {e["g"] for e in events if "g" in e} == {placed["orderListId"]}


def test_a_replacement_that_fails_says_what_became_of_each_half(venue, api):
    wish = {"symbol": "SOLUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    wish |= {"quantity": "1", "price": around(venue, 0.9, "SOLUSDT")}
    answer = api.signed(
        "order.cancelReplace",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="never-placed",
        **wish,
    )
    assert (answer["status"], answer["error"]["code"]) == (400, -2022)
    assert answer["error"]["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    api.signed("order.place", newClientOrderId="old", **wish)
    done = api.signed(
        "order.cancelReplace",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="old",
        newClientOrderId="new",
        **wish,
    )
    assert done["result"]["newOrderResponse"]["clientOrderId"] == "new"
    open_orders = api.signed("openOrders.status", symbol="SOLUSDT")["result"]
    assert [order["clientOrderId"] for order in open_orders] == ["new"]


def test_commissions_are_those_of_rest(venue, api):
    on_rest = venue.signed("GET", "account/commission", symbol="SOLUSDT").json()
    assert api.signed("account.commission", symbol="SOLUSDT")["result"] == on_rest


# --- user events


def test_a_user_stream_tells_of_an_order_in_order(venue, api):
    assert api.signed("userDataStream.subscribe.signature")["result"] == {"subscriptionId": 0}
    price = venue.price()
    venue.order(
        symbol="SOLUSDT", side="BUY", type="MARKET", quantity="1", newClientOrderId="at-once"
    )
    venue.order(**venue.limit_buy(newClientOrderId="rests"))
    venue.signed("DELETE", "order", symbol="SOLUSDT", origClientOrderId="rests")
    events = api.taken()
    words = [(e["e"], e.get("x"), e.get("X")) for e in events]
    assert words[:3] == [
        ("executionReport", "NEW", "NEW"),
        ("executionReport", "TRADE", "FILLED"),
        ("outboundAccountPosition", None, None),
    ]
    trade = events[1]
    assert abs(float(trade["L"]) / price - 1) < 0.01
    assert (trade["c"], trade["C"], trade["l"], trade["N"]) == ("at-once", "", "1.00000000", "SOL")
    balance = {b["a"]: b for b in events[2]["B"]}
    account = venue.signed("GET", "account").json()["balances"]
    assert balance["SOL"]["f"] in {b["free"] for b in account if b["asset"] == "SOL"}
    cancel = next(e for e in events if e.get("x") == "CANCELED")
    assert (cancel["C"], cancel["X"], cancel["t"]) == ("rests", "CANCELED", -1)
    numbers = [e["I"] for e in events if e["e"] == "executionReport"]
    assert numbers == sorted(set(numbers))


def test_a_fill_by_the_path_is_told_with_its_market_time(venue, api):
    api.signed("userDataStream.subscribe.signature")
    venue.order(**venue.limit_buy(0.9995, newClientOrderId="waits"))
    api.taken()
    venue.sim("step", seconds=6 * 3_600)
    events = api.taken()
    fills = [e for e in events if e.get("x") == "TRADE"]
    assert fills, "the price has not come by in six hours"
    trade = venue.signed("GET", "myTrades", symbol="SOLUSDT").json()[0]
    assert (fills[0]["T"], fills[0]["t"]) == (trade["time"], trade["id"])
    assert fills[0]["m"] is True
    assert [e["E"] for e in events] == sorted(e["E"] for e in events)


def test_market_and_user_events_of_a_step_come_in_order_of_time(venue):
    with api_of(venue) as api:
        api.signed("userDataStream.subscribe.signature")
        venue.order(**venue.limit_buy(0.9995))
        url = str(venue.http.base_url).replace("http:", "ws:").rstrip("/")
        with connect(url + "/ws/solusdt@kline_1m", max_queue=None) as market:
            venue.sim("step", seconds=6 * 3_600)
            filled = next(e for e in api.taken() if e.get("x") == "TRADE")
            closed = json.loads(market.recv(timeout=5))
            while closed["E"] < filled["E"]:
                closed = json.loads(market.recv(timeout=5))
    assert float(closed["k"]["l"]) <= float(filled["p"])


def test_a_fill_is_told_when_the_market_trades_even_if_nobody_asks(wired):
    with wired(stepped=False, warp=600.0) as wire, api_of(wire) as api:
        api.signed("userDataStream.subscribe.signature")
        wire.sim("clock", paused=True)  # or the price has moved before the order is there
        wire.order(**wire.limit_buy(0.9999))
        wire.sim("clock", paused=False)
        while (event := api.frame()["event"]).get("x") != "TRADE":
            assert event["e"] in {"executionReport", "outboundAccountPosition"}
        late = wire.get("time").json()["serverTime"] - event["E"]
    assert event["m"] is True
    assert 0 <= late < 600_000  # a second of ours, on a busy machine


def run_of_everything(wired, path):
    """Trade in a stepped exchange with all streams on; give all frames and the ledger's bytes."""
    names = ["solusdt@kline_1m", "solusdt@trade", "solusdt@depth@100ms", "btcusdt@bookTicker"]
    with wired(ledger=path, accounts=ACCOUNTS) as wire, api_of(wire) as api:
        url = str(wire.http.base_url).replace("http:", "ws:").rstrip("/")
        with connect(f"{url}/stream?streams={'/'.join(names)}", max_queue=None) as market:
            frames = [api.signed("userDataStream.subscribe.signature")["result"]]
            for number in range(4):
                wire.order(**wire.limit_buy(0.9995, newClientOrderId=f"rests-{number}"))
                market_order = {"symbol": "SOLUSDT", "side": "SELL", "type": "MARKET"}
                wire.order(**market_order, quantity="0.5", newClientOrderId=f"takes-{number}")
                wire.sim("step", seconds=900 + number)
            frames += api.taken()
            market.send('{"method":"LIST_SUBSCRIPTIONS","id":0}')
            while "stream" in (frame := json.loads(market.recv(timeout=5))):
                frames.append(frame)
    return frames, path.read_bytes()


def test_the_same_steps_and_calls_give_the_same_events_and_ledger(wired, tmp_path):
    (tmp_path / "again").mkdir()
    first, ledger = run_of_everything(wired, tmp_path / "ledger.sqlite")
    assert len(first) > 5_000
    assert any(frame.get("x") == "TRADE" and frame["m"] for frame in first)
    second, again = run_of_everything(wired, tmp_path / "again" / "ledger.sqlite")
    assert second == first
    assert again == ledger


def test_one_subscription_of_an_account_on_a_connection(venue, api):
    api.signed("userDataStream.subscribe.signature")
    again = api.signed("userDataStream.subscribe.signature")
    assert again["error"] == {
        "code": -2035,
        "msg": "User Data Stream subscription already active.",
    }
    other = api.signed_by_ed25519("userDataStream.subscribe.signature")
    assert other["result"] == {"subscriptionId": 1}
    listed = api.call("session.subscriptions")["result"]
    assert listed == [{"subscriptionId": 0}, {"subscriptionId": 1}]
    with api_of(venue) as second:
        assert second.signed("userDataStream.subscribe.signature")["status"] == 200


def test_a_session_subscribes_and_its_end_is_told(api):
    assert api.call("userDataStream.subscribe")["error"]["code"] == -1002
    api.signed_by_ed25519("session.logon")
    assert api.call("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert api.call("session.status")["result"]["userDataStream"] is True
    api.call("session.logout")
    assert [(e["subscriptionId"], e["event"]["e"]) for e in api.events] == [
        (0, "eventStreamTerminated")
    ]
    assert api.call("session.subscriptions")["result"] == []


def test_an_unsubscribed_account_is_silent(venue, api):
    api.signed("userDataStream.subscribe.signature")
    assert api.call("userDataStream.unsubscribe", subscriptionId=9)["error"]["code"] == -2036
    assert api.call("userDataStream.unsubscribe", subscriptionId=0)["result"] == {}
    assert [e["e"] for e in api.taken()] == ["eventStreamTerminated"]
    venue.order(**venue.limit_buy())
    assert api.taken() == []


def test_answers_and_events_come_in_microseconds_when_the_address_says_so(venue):
    with api_of(venue, "?timeUnit=MICROSECOND") as api, api_of(venue) as coarse:
        now = venue.get("time").json()["serverTime"]
        assert api.call("time")["result"] == {"serverTime": now * 1_000}
        assert api.call("session.status")["result"]["connectedSince"] == now * 1_000
        for one in (api, coarse):
            one.signed("userDataStream.subscribe.signature")
        placed = api.signed("order.place", **venue.limit_buy())["result"]
        assert placed["transactTime"] == placed["workingTime"] == now * 1_000
        api.call("userDataStream.unsubscribe")
        fine, plain = api.taken(), coarse.taken()
    report, position, ended = fine
    assert [report[name] for name in "ETOW"] == [plain[0][name] * 1_000 for name in "ETOW"]
    assert report["i"] == plain[0]["i"]
    assert (position["E"], position["u"]) == (now * 1_000, now * 1_000)
    assert ended == {"e": "eventStreamTerminated", "E": now * 1_000}


def test_other_accounts_hear_nothing(venue, api):
    api.signed_by_ed25519("userDataStream.subscribe.signature")
    venue.order(**venue.limit_buy())
    assert api.taken() == []


def test_a_stop_is_announced(wired):
    with wired() as wire:
        opened = api_of(wire)
        api = opened.__enter__()
    assert api.frame() == {"event": {"e": "serverShutdown", "E": 1_709_294_400_000}}
    with pytest.raises(ConnectionClosed):
        api.frame()
    opened.__exit__(None, None, None)


def test_whether_limits_are_shown_is_signed_like_all_else(wire):
    with api_of(wire) as api:
        params = {"apiKey": "demo-key", "returnRateLimits": False, "timestamp": wall_now() // 1_000}
        payload = "&".join(f"{k}={json.dumps(v).strip(chr(34))}" for k, v in sorted(params.items()))
        signature = hmac.new(b"demo-secret", payload.encode(), hashlib.sha256).hexdigest()
        answer = api.call("account.status", **params, signature=signature)
    assert answer["status"] == 200
    assert "rateLimits" not in answer
