"""python-binance's own client, unmodified but for its URL, against the embedded exchange."""

import asyncio
import warnings
from decimal import Decimal

import pytest
import requests

from trading_assets.exchange.server import ExchangeConfig, running_exchange

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from binance import Client
    from binance.exceptions import BinanceAPIException

NOON_MS = 1_709_294_400_000
DAY_MS = 86_400_000
SOL = {"symbol": "SOLUSDT"}


@pytest.fixture(autouse=True)
def event_loop_of_the_library():
    """The client's constructor makes one for the thread when there is none, and leaves it open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


@pytest.fixture
def client():
    config = ExchangeConfig(start=NOON_MS * 1_000, stepped=True, sim_controls=True)
    with running_exchange(config) as running:
        client = Client("demo-key", "demo-secret", ping=False)
        client.API_URL = running.api_url
        yield client
        client.close_connection()


def simulate(client, name, **wish):
    url = client.API_URL.removesuffix("/api") + f"/_sim/{name}"
    return requests.post(url, json=wish, timeout=5).json()


def last_price(client, symbol="SOLUSDT"):
    return Decimal(client.get_symbol_ticker(symbol=symbol)["price"])


def away(client, factor):
    return str((last_price(client) * Decimal(factor)).quantize(Decimal("0.01")))


def test_public_data(client):
    assert client.ping() == {}
    assert client.get_server_time() == {"serverTime": NOON_MS}
    assert len(client.get_exchange_info()["symbols"]) == 3
    assert client.get_symbol_info("BTCUSDT")["filters"][0]["tickSize"] == "0.01000000"
    assert client.get_symbol_info("NOPEUSDT") is None
    assert len(client.get_all_tickers()) == 3
    assert len(client.get_orderbook_tickers()) == 3
    assert client.get_orderbook_ticker(**SOL)["symbol"] == "SOLUSDT"
    assert len(client.get_order_book(**SOL, limit=5)["asks"]) == 5
    assert client.get_avg_price(**SOL)["mins"] == 5


def test_klines_by_every_way_to_ask(client):
    latest = client.get_klines(**SOL, interval=Client.KLINE_INTERVAL_5MINUTE, limit=3)
    assert [row[0] for row in latest] == [NOON_MS - 600_000, NOON_MS - 300_000, NOON_MS]
    history = client.get_historical_klines(
        "SOLUSDT", "1m", NOON_MS - 1_500 * 60_000, NOON_MS - 60_000
    )
    assert len(history) == 1_500
    lazily = client.get_historical_klines_generator("SOLUSDT", "1h", NOON_MS - DAY_MS, NOON_MS)
    assert len(list(lazily)) == 25
    assert client.get_historical_klines("SOLUSDT", "1d", 0, limit=1)[0][0] == 1_502_928_000_000


@pytest.mark.parametrize("interval", ["1m", "5m", "15m", "1h", "4h", "1d"])
def test_every_interval_is_served(client, interval):
    assert len(client.get_klines(**SOL, interval=interval, limit=10)) == 10


def test_a_market_order_end_to_end(client):
    order = client.order_market_buy(**SOL, quantity="20", newClientOrderId="ta-1")
    assert order["status"] == "FILLED"
    assert len(order["fills"]) > 1
    trades = client.get_my_trades(**SOL)
    assert [t["id"] for t in trades] == [f["tradeId"] for f in order["fills"]]
    bought = sum(Decimal(t["qty"]) for t in trades)
    paid = sum(Decimal(t["quoteQty"]) for t in trades)
    fees = sum(Decimal(t["commission"]) for t in trades)
    assert bought == Decimal(20)
    assert Decimal(client.get_asset_balance("SOL")["free"]) == bought - fees
    assert Decimal(client.get_asset_balance("USDT")["free"]) == 100_000 - paid
    assert client.get_order(**SOL, origClientOrderId="ta-1")["executedQty"] == "20.00000000"


def test_a_large_market_order_is_sometimes_only_partly_filled(client):
    outcomes = set()
    for _ in range(30):
        order = client.order_market_buy(**SOL, quoteOrderQty="20000")
        outcomes.add(order["status"])
        simulate(client, "step", seconds=61)
        if outcomes == {"FILLED", "EXPIRED"}:
            break
        sell_what_there_is(client)
        simulate(client, "step", seconds=61)
    assert outcomes == {"FILLED", "EXPIRED"}


def sell_what_there_is(client):
    free = Decimal(client.get_asset_balance("SOL")["free"]).quantize(Decimal("0.001"), "ROUND_DOWN")
    client.order_market_sell(**SOL, quantity=str(free))


def test_a_limit_order_end_to_end(client):
    order = client.order_limit_buy(**SOL, quantity="1", price=away(client, "0.95"))
    assert order["status"] == "NEW"
    assert client.get_open_orders(**SOL) == client.get_open_orders()
    assert client.get_all_orders(**SOL)[0]["orderId"] == order["orderId"]
    cancelled = client.cancel_order(**SOL, orderId=order["orderId"])
    assert cancelled["status"] == "CANCELED"
    assert client.get_open_orders() == []


def test_a_resting_order_is_filled_as_maker_when_the_market_comes(client):
    order = client.order_limit_buy(**SOL, quantity="1", price=away(client, "0.999"))
    for _ in range(48):
        simulate(client, "step", seconds=3_600)
        if client.get_order(**SOL, orderId=order["orderId"])["status"] == "FILLED":
            break
    trades = client.get_my_trades(**SOL, orderId=order["orderId"])
    assert all(t["isMaker"] and t["isBuyer"] and t["price"] == order["price"] for t in trades)
    assert sum(Decimal(t["qty"]) for t in trades) == 1


def test_time_in_force_and_test_orders(client):
    below = {**SOL, "quantity": "1", "price": away(client, "0.9"), "side": "BUY", "type": "LIMIT"}
    assert client.create_order(**below, timeInForce="IOC")["status"] == "EXPIRED"
    assert client.create_order(**below, timeInForce="FOK")["status"] == "EXPIRED"
    assert client.create_test_order(**below, timeInForce="GTC") == {}
    assert client.get_open_orders() == []


def test_order_lists_and_replacements_end_to_end(client):
    client.order_market_buy(**SOL, quantity="3")
    pair = client.create_oco_order(
        **SOL, side="SELL", quantity="2", aboveType="LIMIT_MAKER", abovePrice=away(client, "1.05"),
        belowType="STOP_LOSS_LIMIT", belowPrice=away(client, "0.94"),
        belowStopPrice=away(client, "0.95"), belowTimeInForce="GTC",
    )  # fmt: skip
    assert [report["status"] for report in pair["orderReports"]] == ["NEW", "NEW"]
    found = client.v3_get_order_list(orderListId=pair["orderListId"])
    assert found["listClientOrderId"] == pair["listClientOrderId"]
    assert {order["orderListId"] for order in client.get_open_orders(**SOL)} == {
        pair["orderListId"]
    }
    client.v3_delete_order_list(**SOL, orderListId=pair["orderListId"])
    assert client.get_open_orders(**SOL) == []

    old = client.order_limit_buy(**SOL, quantity="1", price=away(client, "0.98"))
    done = client.cancel_replace_order(
        **SOL, side="BUY", type="LIMIT", timeInForce="GTC", quantity="1",
        price=away(client, "0.97"), cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrderId=old["orderId"],
    )  # fmt: skip
    assert (done["cancelResult"], done["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    (working,) = client.get_open_orders(**SOL)
    assert working["orderId"] == done["newOrderResponse"]["orderId"]


def code_of(call, *arguments, **named):
    with pytest.raises(BinanceAPIException) as caught:
        call(*arguments, **named)
    return caught.value.status_code, caught.value.code


def test_errors_arrive_as_the_library_expects(client):
    assert code_of(client.get_klines, symbol="NOPEUSDT", interval="1m") == (400, -1121)
    assert code_of(client.order_market_buy, **SOL, quantity=0.00001) == (400, -1100)
    assert code_of(client.order_market_sell, symbol="BTCUSDT", quantity="2") == (400, -2010)
    assert code_of(client.order_limit_buy, **SOL, quantity="1", price="1") == (400, -1013)
    assert code_of(client.get_order, **SOL, orderId=77) == (400, -2013)
    assert code_of(client.cancel_order, **SOL, orderId=77) == (400, -2011)
    assert code_of(client.stream_get_listen_key) == (410, -1016)
    client.API_SECRET = "wrong"
    assert code_of(client.get_account) == (400, -1022)


def test_a_wrong_key_is_refused(client):
    stranger = Client("stranger", "secret", ping=False)
    stranger.API_URL = client.API_URL
    assert code_of(stranger.get_account) == (401, -2015)
    stranger.close_connection()


def test_a_clock_that_is_wrong_by_minutes_is_told_so(client):
    client.timestamp_offset = -120_000
    assert code_of(client.get_account) == (400, -1021)


def test_lost_answers_and_gateway_pages_look_like_the_real_thing(client):
    simulate(client, "fault", kind="drop_reply")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.order_market_buy(**SOL, quantity="1", newClientOrderId="lost")
    assert client.get_order(**SOL, origClientOrderId="lost")["status"] == "FILLED"
    simulate(client, "fault", kind="status", status=502)
    assert code_of(client.order_market_buy, **SOL, quantity="1") == (502, 0)
    simulate(client, "fault", kind="delay", after_ms=1_000)
    client.REQUEST_TIMEOUT = 0.2
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.order_market_buy(**SOL, quantity="1", newClientOrderId="slow")
    client.REQUEST_TIMEOUT = 10
    assert client.get_order(**SOL, origClientOrderId="slow")["status"] == "FILLED"


def test_used_weight_is_on_every_answer(client):
    client.get_account()
    used = int(client.response.headers["X-MBX-USED-WEIGHT-1M"])
    client.get_klines(**SOL, interval="1m")
    # Two more, or two alone when a new minute began in between.
    assert int(client.response.headers["X-MBX-USED-WEIGHT-1M"]) in {used + 2, 2}


def test_an_outage_closes_the_market():
    start = 1_708_401_600_000_000  # 2024-02-20T04:00Z, inside the February outage
    with running_exchange(ExchangeConfig(start=start, stepped=True)) as running:
        client = Client("demo-key", "demo-secret", ping=False)
        client.API_URL = running.api_url
        with pytest.raises(BinanceAPIException, match="Market is closed"):
            client.order_market_buy(**SOL, quantity="1")
        assert client.get_symbol_info("SOLUSDT")["status"] == "BREAK"
        newest = client.get_klines(**SOL, interval="1m", limit=1)[0][0]
        assert newest < start // 1_000 - 1_700_000
        client.close_connection()
