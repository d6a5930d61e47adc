"""ccxt, unmodified but for its addresses: `python ccxt_rest.py URL` inside its environment."""

import sys
from decimal import Decimal

import ccxt
from harness import Exchange, main, raises

PAIR = "SOL/USDT"
MINUTE_MS = 60_000


def client_of(url, **change):
    client = ccxt.binance({"apiKey": "demo-key", "secret": "demo-secret", **change})
    for name in ("public", "private"):
        client.urls["api"][name] = f"{url}/api/v3"
    client.urls["api"]["sapi"] = f"{url}/sapi/v1"
    client.options["fetchMarkets"] = {"types": ["spot"]}
    client.load_markets()
    return client


def exact(number):
    return Decimal(str(number))


# --- market data


def check_markets_precision_and_limits(client, exchange):
    assert set(client.markets) == {"BTC/USDT", "ETH/USDT", "SOL/USDT"}
    market = client.market(PAIR)
    assert market["spot"]
    assert market["active"]
    assert market["precision"]["price"] == 0.01
    assert market["precision"]["amount"] == 0.001
    assert market["limits"]["cost"]["min"] == 5
    assert market["limits"]["amount"]["min"] == 0.001
    assert client.price_to_precision(PAIR, 123.45678) == "123.46"
    assert client.amount_to_precision(PAIR, 1.23456) == "1.234"


def check_time_and_status(client, exchange):
    assert client.fetch_time() == exchange.get("/api/v3/time")["serverTime"]
    assert client.fetch_status()["status"] == "ok"


def check_bars_and_their_window(client, exchange):
    bars = client.fetch_ohlcv(PAIR, "1m", limit=7)
    assert len(bars) == 7
    times = [bar[0] for bar in bars]
    assert times == list(range(times[0], times[0] + 7 * MINUTE_MS, MINUTE_MS))
    assert all(low <= min(o, c) <= max(o, c) <= high for _, o, high, low, c, _ in bars)
    since = times[0] - 600 * MINUTE_MS
    assert [bar[0] for bar in client.fetch_ohlcv(PAIR, "1m", since=since, limit=3)] == [
        since,
        since + MINUTE_MS,
        since + 2 * MINUTE_MS,
    ]


def check_five_minutes_are_built_of_one_minute(client, exchange):
    five = client.fetch_ohlcv(PAIR, "5m", limit=3)[0]
    ones = client.fetch_ohlcv(PAIR, "1m", since=five[0], limit=5)
    assert five[1:5] == [
        ones[0][1],
        max(bar[2] for bar in ones),
        min(bar[3] for bar in ones),
        ones[-1][4],
    ]
    assert exact(five[5]) == sum(exact(bar[5]) for bar in ones)


def check_order_book(client, exchange):
    book = client.fetch_order_book(PAIR, 10)
    bids, asks = ([level[0] for level in book[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 10
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]


def check_best_prices(client, exchange):
    best = client.fetch_bids_asks([PAIR])[PAIR]
    book = client.fetch_order_book(PAIR, 5)
    assert (best["bid"], best["ask"]) == (book["bids"][0][0], book["asks"][0][0])


def check_tickers(client, exchange):
    ticker = client.fetch_ticker(PAIR)
    assert ticker["low"] <= ticker["vwap"] <= ticker["high"]
    assert ticker["bid"] < ticker["ask"]
    assert ticker["baseVolume"] > 0
    assert set(client.fetch_tickers()) == set(client.markets)
    last = client.fetch_last_prices([PAIR])[PAIR]
    assert last["price"] == ticker["last"]


def check_public_trades(client, exchange):
    trades = client.fetch_trades(PAIR, limit=20)
    assert len(trades) == 20
    ids = [int(trade["id"]) for trade in trades]
    assert ids == list(range(ids[0], ids[0] + 20))
    assert [t["timestamp"] for t in trades] == sorted(t["timestamp"] for t in trades)
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}


# --- money


def check_balances(client, exchange):
    balance = client.fetch_balance()
    for asset in ("BTC", "USDT"):
        row = balance[asset]
        assert exact(row["free"]) + exact(row["used"]) == exact(row["total"])
    assert balance["USDT"]["total"] > 0


def check_fees(client, exchange):
    fees = client.fetch_trading_fees()
    assert fees[PAIR]["taker"] == 0.001


def check_a_limit_order_rests_and_is_cancelled(client, exchange):
    used = exact(client.fetch_balance()["USDT"]["used"])
    price = exchange.away("0.9")
    order = client.create_order(PAIR, "limit", "buy", 1, float(price))
    assert order["status"] == "open"
    assert order["remaining"] == 1
    assert [o["id"] for o in client.fetch_open_orders(PAIR)] == [order["id"]]
    assert exact(client.fetch_balance()["USDT"]["used"]) == used + Decimal(price)
    assert client.fetch_order(order["id"], PAIR)["price"] == float(price)
    assert client.cancel_order(order["id"], PAIR)["status"] == "canceled"
    assert client.fetch_order(order["id"], PAIR)["status"] == "canceled"
    assert exact(client.fetch_balance()["USDT"]["used"]) == used


def check_a_partial_fill_and_the_cancel_of_the_rest(client, exchange):
    exchange.sim("fault", kind="partial_fill", quantity="0.4")
    order = client.create_order(PAIR, "limit", "buy", 1, float(exchange.away("0.95")))
    assert order["status"] == "open"
    assert (order["filled"], order["remaining"]) == (0.4, 0.6)
    cancelled = client.cancel_order(order["id"], PAIR)
    assert (cancelled["status"], cancelled["filled"]) == ("canceled", 0.4)


def check_a_market_order_its_fees_and_trades(client, exchange):
    before = exact(client.fetch_balance()["SOL"]["total"] if "SOL" in client.fetch_balance() else 0)
    order = client.create_order(PAIR, "market", "buy", 2)
    assert order["status"] == "closed"
    assert order["filled"] == 2
    trades = client.fetch_my_trades(PAIR, params={"orderId": order["id"]})
    assert sum(exact(t["amount"]) for t in trades) == 2
    assert sum(exact(t["cost"]) for t in trades) == exact(order["cost"])
    assert {t["fee"]["currency"] for t in trades} == {"SOL"}
    fees = sum(exact(t["fee"]["cost"]) for t in trades)
    assert 0 < fees < Decimal("0.01")
    assert exact(client.fetch_balance()["SOL"]["total"]) == before + 2 - fees


def check_a_market_order_by_cost(client, exchange):
    order = client.create_market_buy_order_with_cost(PAIR, 100)
    assert order["status"] == "closed"
    assert 99 < order["cost"] <= 100


def check_a_sale(client, exchange):
    client.create_order(PAIR, "market", "buy", 1)
    order = client.create_order(PAIR, "market", "sell", 0.5)
    assert (order["status"], order["filled"]) == ("closed", 0.5)
    trade = client.fetch_my_trades(PAIR, params={"orderId": order["id"]})[0]
    assert trade["side"] == "sell"
    assert trade["fee"]["currency"] == "USDT"


def check_time_in_force(client, exchange):
    far = float(exchange.away("0.9"))
    for tif in ("IOC", "FOK"):
        order = client.create_order(PAIR, "limit", "buy", 1, far, {"timeInForce": tif})
        assert order["status"] == "expired"
    near = float(exchange.away("1.05"))
    error = raises(
        ccxt.OrderImmediatelyFillable,
        client.create_order,
        PAIR,
        "limit",
        "buy",
        1,
        near,
        {"postOnly": True},
    )
    assert "immediately match" in str(error)
    maker = client.create_order(PAIR, "limit", "buy", 1, far, {"postOnly": True})
    assert client.fetch_order(maker["id"], PAIR)["postOnly"]
    client.cancel_order(maker["id"], PAIR)


def check_a_client_id_twice(client, exchange):
    far = float(exchange.away("0.9"))
    named = {"clientOrderId": "mine-1"}
    client.create_order(PAIR, "limit", "buy", 1, far, named)
    error = raises(ccxt.BaseError, client.create_order, PAIR, "limit", "buy", 1, far, named)
    assert "-2010" in str(error)
    assert "Duplicate order sent." in str(error)
    found = client.fetch_order(None, PAIR, named)
    assert found["clientOrderId"] == "mine-1"
    client.cancel_order(None, PAIR, named)


def check_stops_and_lists(client, exchange):
    client.create_order(PAIR, "market", "buy", 2)
    stop, low, high = (exchange.away(factor) for factor in ("0.9", "0.89", "1.1"))
    order = client.create_order(
        PAIR, "limit", "sell", 0.5, float(low), {"stopLossPrice": float(stop)}
    )
    found = client.fetch_order(order["id"], PAIR)
    assert (found["status"], found["triggerPrice"]) == ("open", float(stop))
    client.cancel_order(order["id"], PAIR)
    wish = {"symbol": "SOLUSDT", "side": "SELL", "quantity": "0.5", "aboveType": "LIMIT_MAKER"}
    below = {"belowType": "STOP_LOSS_LIMIT", "belowTimeInForce": "GTC", "belowStopPrice": stop}
    oco = client.private_post_orderlist_oco(
        {**wish, **below, "abovePrice": high, "belowPrice": low}
    )
    assert len(oco["orders"]) == 2
    legs = {leg["orderId"] for leg in oco["orders"]}
    assert {o["info"]["orderId"] for o in client.fetch_open_orders(PAIR)} == legs
    client.private_delete_orderlist({"symbol": "SOLUSDT", "orderListId": oco["orderListId"]})
    assert client.fetch_open_orders(PAIR) == []


def check_an_edit_replaces_the_order(client, exchange):
    order = client.create_order(PAIR, "limit", "buy", 1, float(exchange.away("0.9")))
    price = float(exchange.away("0.88"))
    new = client.edit_order(order["id"], PAIR, "limit", "buy", 1, price)
    assert client.fetch_order(order["id"], PAIR)["status"] == "canceled"
    assert client.fetch_order(new["id"], PAIR)["price"] == price
    client.cancel_order(new["id"], PAIR)


def check_cancel_all(client, exchange):
    far = float(exchange.away("0.9"))
    ids = {client.create_order(PAIR, "limit", "buy", 1, far)["id"] for _ in range(3)}
    cancelled = client.cancel_all_orders(PAIR)
    assert {order["id"] for order in cancelled} == ids
    assert client.fetch_open_orders(PAIR) == []
    assert "-2011" in str(raises(ccxt.OrderNotFound, client.cancel_all_orders, PAIR))


def check_lists_of_orders(client, exchange):
    order = client.create_order(PAIR, "market", "buy", 1)
    assert order["id"] in {o["id"] for o in client.fetch_orders(PAIR)}
    assert order["id"] in {o["id"] for o in client.fetch_closed_orders(PAIR)}
    assert [o["id"] for o in client.fetch_orders(PAIR, limit=1)] == [order["id"]]


# --- refusals


def check_refusals_by_class(client, exchange):
    order = client.create_order
    raises(ccxt.InsufficientFunds, order, "BTC/USDT", "market", "sell", 50)
    raises(ccxt.OrderNotFound, client.fetch_order, "999999", PAIR)
    raises(ccxt.OrderNotFound, client.cancel_order, "999999", PAIR)
    raises(ccxt.BadSymbol, client.public_get_klines, {"symbol": "NOPEUSDT", "interval": "1m"})
    raises(ccxt.BadRequest, client.public_get_klines, {"symbol": "SOLUSDT", "interval": "7m"})
    raises(ccxt.BadRequest, client.public_get_depth, {})
    wish = {"symbol": "SOLUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    # ccxt files this one filter under bad requests.
    for change, filter_name, kind in (
        ({"price": "100.001", "quantity": "1"}, "PRICE_FILTER", ccxt.InvalidOrder),
        ({"price": exchange.away("0.9"), "quantity": "1.0001"}, "LOT_SIZE", ccxt.InvalidOrder),
        ({"price": exchange.away("0.9"), "quantity": "0.001"}, "NOTIONAL", ccxt.BadRequest),
        ({"price": "1.00", "quantity": "10"}, "PERCENT_PRICE_BY_SIDE", ccxt.InvalidOrder),
    ):
        error = raises(kind, client.private_post_order, {**wish, **change})
        assert filter_name in str(error)


def check_wrong_keys_and_clocks(client, exchange):
    stranger = client_of(exchange.url)
    stranger.secret = "wrong"
    raises(ccxt.AuthenticationError, stranger.private_get_account)
    stranger.apiKey = "stranger"
    raises(ccxt.AuthenticationError, stranger.private_get_account)
    late = client_of(exchange.url)
    late.options["timeDifference"] = 120_000
    error = raises(ccxt.InvalidNonce, late.private_get_account)
    assert "-1021" in str(error)


def check_headers_of_the_limits(client, exchange):
    client.create_order(PAIR, "market", "buy", 1)
    headers = {name.lower(): value for name, value in client.last_response_headers.items()}
    assert int(headers["x-mbx-used-weight-1m"]) > 0
    assert int(headers["x-mbx-order-count-10s"]) >= 0
    assert int(headers["x-mbx-order-count-1d"]) >= 0
    exchange.sim("fault", kind="status", status=429, retry_after_s=3)
    raises(ccxt.DDoSProtection, client.fetch_time)


if __name__ == "__main__":
    main(dict(globals()), client_of(sys.argv[1]), Exchange(sys.argv[1]))
