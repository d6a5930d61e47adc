"""What accounts are told of their orders as it happens, over real WebSockets."""

import json

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from trading_assets_tests.stand_ins.exchange_sockets import ACCOUNTS, api_of


@pytest.fixture
def venue(wired):
    with wired(accounts=ACCOUNTS) as wire:
        yield wire


@pytest.fixture
def api(venue):
    with api_of(venue) as api:
        yield api


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
