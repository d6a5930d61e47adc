"""Binance's own SDK with its strict models: `python sdk_rest.py URL` inside its environment."""

import logging
import sys
from decimal import Decimal

from binance_common.configuration import ConfigurationRestAPI
from binance_common.errors import (
    BadRequestError,
    RateLimitBanError,
    ServerError,
    TooManyRequestsError,
    UnauthorizedError,
)
from binance_sdk_spot import Spot
from harness import BTC, SOL, Exchange, main, raises

MINUTE_MS = 60_000


class Strict(logging.Handler):
    """The SDK only warns of an answer that does not fit its model; here that is a failure."""

    def emit(self, record):
        raise AssertionError(record.getMessage())


def client_of(url, **change):
    settings = {"api_key": "demo-key", "api_secret": "demo-secret", "retries": 0, **change}
    settings.setdefault("timeout", 10_000)  # ms; its second of default is short on a busy machine
    return Spot(config_rest_api=ConfigurationRestAPI(base_path=url, **settings)).rest_api


def order_of(client, **wish):
    wish = {"symbol": SOL, "side": "BUY", "type": "MARKET", **wish}
    return client.new_order(**wish).data()


def limit_of(client, exchange, factor="0.9", **wish):
    price = exchange.away(factor, wish.get("symbol", SOL))
    wish = {"type": "LIMIT", "time_in_force": "GTC", "quantity": "1", "price": price, **wish}
    return order_of(client, **wish)


# --- market data


def check_ping_and_time(client, exchange):
    client.ping()
    assert client.time().data().server_time == exchange.get("/api/v3/time")["serverTime"]


def check_exchange_info(client, exchange):
    info = client.exchange_info().data()
    assert {each.symbol for each in info.symbols} >= {BTC, SOL}
    assert info.timezone == "UTC"
    assert {limit.rate_limit_type for limit in info.rate_limits} >= {"REQUEST_WEIGHT", "ORDERS"}
    (one,) = client.exchange_info(symbol=SOL).data().symbols
    assert one.base_asset == "SOL"
    kinds = {f.actual_instance.filter_type for f in one.filters}
    assert kinds >= {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL"}


def check_klines(client, exchange):
    rows = client.klines(symbol=SOL, interval="1m", limit=5).data()
    assert len(rows) == 5
    assert all(len(row) == 12 for row in rows)
    assert [type(value) for value in rows[0]] == [
        int, str, str, str, str, str, int, str, int, str, str, str,
    ]  # fmt: skip
    assert rows[0][6] == rows[0][0] + MINUTE_MS - 1
    assert client.ui_klines(symbol=SOL, interval="1m", limit=5).data() == rows


def check_depth(client, exchange):
    depth = client.depth(symbol=SOL, limit=5).data()
    assert len(depth.bids) == len(depth.asks) == 5
    assert Decimal(depth.bids[0][0]) < Decimal(depth.asks[0][0])


def check_trades(client, exchange):
    trades = client.get_trades(symbol=SOL, limit=5).data()
    assert len(trades) == 5
    older = client.historical_trades(symbol=SOL, limit=2, from_id=trades[0].id).data()
    assert [trade.id for trade in older] == [trade.id for trade in trades[:2]]
    many = client.agg_trades(symbol=SOL, limit=5).data()
    assert len(many) == 5
    assert all(each.f <= each.l for each in many)


def check_tickers(client, exchange):
    one = client.ticker24hr(symbol=SOL).data().actual_instance
    assert Decimal(one.low_price) <= Decimal(one.last_price) <= Decimal(one.high_price)
    assert one.close_time > one.open_time
    client.ticker24hr().data()
    client.ticker(symbol=SOL, window_size="1h").data()
    client.ticker_trading_day(symbol=SOL).data()
    price = client.ticker_price(symbol=SOL).data().actual_instance
    assert price.symbol == SOL
    client.ticker_price().data()
    best = client.ticker_book_ticker(symbol=SOL).data().actual_instance
    assert Decimal(best.bid_price) < Decimal(best.ask_price)
    client.ticker_book_ticker().data()
    assert client.avg_price(symbol=SOL).data().mins == 5


# --- account


def check_account(client, exchange):
    account = client.get_account().data()
    assert account.account_type == "SPOT"
    assert account.can_trade
    assert {b.asset for b in account.balances} >= {"BTC", "USDT"}
    assert Decimal(account.commission_rates.maker) >= 0
    held = client.get_account(omit_zero_balances=True).data()
    assert all(Decimal(b.free) + Decimal(b.locked) > 0 for b in held.balances)


def check_commission(client, exchange):
    rates = client.account_commission(symbol=SOL).data()
    assert rates.standard_commission.taker == client.get_account().data().commission_rates.taker
    assert Decimal(rates.special_commission.taker) == Decimal(rates.tax_commission.maker) == 0


def check_order_counts(client, exchange):
    rows = client.rate_limit_order().data()
    assert {(row.interval, row.interval_num) for row in rows} == {("SECOND", 10), ("DAY", 1)}


# --- orders


def check_a_limit_order_rests_and_is_cancelled(client, exchange):
    order = limit_of(client, exchange, new_client_order_id="sdk-1")
    assert order.status == "NEW"
    found = client.get_order(symbol=SOL, orig_client_order_id="sdk-1").data()
    assert found.order_id == order.order_id
    assert found.is_working
    assert [o.order_id for o in client.get_open_orders(symbol=SOL).data()] == [order.order_id]
    assert len(client.get_open_orders().data()) == 1
    cancelled = client.delete_order(symbol=SOL, order_id=order.order_id).data()
    assert cancelled.status == "CANCELED"
    assert cancelled.orig_client_order_id == "sdk-1"
    assert cancelled.client_order_id != "sdk-1"


def check_market_orders_and_their_trades(client, exchange):
    order = order_of(client, quantity="2")
    assert order.status == "FILLED"
    assert sum(Decimal(fill.qty) for fill in order.fills) == 2
    trades = client.my_trades(symbol=SOL, order_id=order.order_id).data()
    assert [t.id for t in trades] == [fill.trade_id for fill in order.fills]
    by_money = order_of(client, quote_order_qty="100")
    assert 99 < Decimal(by_money.cummulative_quote_qty) <= 100
    assert order.order_id in {o.order_id for o in client.all_orders(symbol=SOL).data()}


def check_response_types(client, exchange):
    for kind, filled in (("ACK", None), ("RESULT", "1.00000000"), ("FULL", "1.00000000")):
        order = order_of(client, quantity="1", new_order_resp_type=kind)
        assert order.executed_qty == filled
        assert bool(order.fills) == (kind == "FULL")


def check_test_orders(client, exchange):
    client.order_test(symbol=SOL, side="BUY", type="MARKET", quantity="1")
    client.order_test(
        symbol=SOL, side="BUY", type="MARKET", quantity="1", compute_commission_rates=True
    ).data()


def check_stops_and_lists(client, exchange):
    order_of(client, quantity="2")
    stop, low, high = (exchange.away(factor) for factor in ("0.9", "0.89", "1.1"))
    wish = {"symbol": SOL, "side": "SELL", "quantity": "0.5"}
    limit = {"type": "STOP_LOSS_LIMIT", "time_in_force": "GTC", "price": low, "stop_price": stop}
    order = client.new_order(**wish, **limit).data()
    found = client.get_order(symbol=SOL, order_id=order.order_id).data()
    assert Decimal(found.stop_price) == Decimal(stop)
    client.delete_order(symbol=SOL, order_id=order.order_id)
    below = {"below_type": "STOP_LOSS_LIMIT", "below_time_in_force": "GTC"}
    prices = {"above_price": high, "below_stop_price": stop, "below_price": low}
    oco = client.order_list_oco(**wish, above_type="LIMIT_MAKER", **below, **prices).data()
    assert (oco.contingency_type, oco.list_order_status) == ("OCO", "EXECUTING")
    assert len(oco.order_reports) == 2
    listed = client.get_order_list(order_list_id=oco.order_list_id).data()
    assert {leg.order_id for leg in listed.orders} == {leg.order_id for leg in oco.orders}
    assert [each.order_list_id for each in client.open_order_list().data()] == [oco.order_list_id]
    gone = client.delete_order_list(symbol=SOL, order_list_id=oco.order_list_id).data()
    assert gone.list_order_status == "ALL_DONE"


def check_a_replaced_order(client, exchange):
    order = limit_of(client, exchange)
    answer = client.order_cancel_replace(
        symbol=SOL,
        side="BUY",
        type="LIMIT",
        cancel_replace_mode="STOP_ON_FAILURE",
        time_in_force="GTC",
        quantity="1",
        price=exchange.away("0.88"),
        cancel_order_id=order.order_id,
    ).data()
    assert (answer.cancel_result, answer.new_order_result) == ("SUCCESS", "SUCCESS")
    client.delete_open_orders(symbol=SOL)


def check_a_partial_fill_and_cancel_all(client, exchange):
    exchange.sim("fault", kind="partial_fill", quantity="0.4")
    partial = limit_of(client, exchange)
    assert (partial.status, partial.executed_qty) == ("PARTIALLY_FILLED", "0.40000000")
    limit_of(client, exchange)
    rows = client.delete_open_orders(symbol=SOL).data()
    assert len(rows) == 2


# --- refusals


def code_of(kind, call, **wish):
    return raises(kind, call, **wish).status_code


def check_refusals(client, exchange):
    far = {"side": "BUY", "type": "LIMIT", "time_in_force": "GTC", "price": exchange.away("0.9")}
    new = client.new_order
    assert code_of(BadRequestError, client.klines, symbol="NOPEUSDT", interval="1m") == -1121
    assert code_of(BadRequestError, client.get_order, symbol=SOL, order_id=10**9) == -2013
    assert code_of(BadRequestError, client.delete_order, symbol=SOL, order_id=10**9) == -2011
    assert code_of(BadRequestError, new, symbol=SOL, **far, quantity="1.00001") == -1013
    assert code_of(BadRequestError, new, symbol=BTC, **far, quantity="1.000000001") == -1111
    sale = {"symbol": BTC, "side": "SELL", "type": "MARKET", "quantity": "50"}
    assert code_of(BadRequestError, new, **sale) == -2010
    limit_of(client, exchange, new_client_order_id="sdk-twice")
    twice = {"symbol": SOL, **far, "quantity": "1", "new_client_order_id": "sdk-twice"}
    assert code_of(BadRequestError, new, **twice) == -2010
    client.delete_open_orders(symbol=SOL)
    assert code_of(BadRequestError, client.delete_open_orders, symbol=SOL) == -2011
    assert code_of(BadRequestError, client.get_account, recv_window=60_001) == -1131


def check_wrong_keys(client, exchange):
    wrong = client_of(exchange.url, api_secret="wrong")
    assert code_of(BadRequestError, wrong.get_account) == -1022
    stranger = client_of(exchange.url, api_key="stranger")
    assert code_of(UnauthorizedError, stranger.get_account) == -2015


def check_limits_and_outages(client, exchange):
    exchange.sim("fault", kind="status", status=429, retry_after_s=3)
    assert raises(TooManyRequestsError, client.time).retry_after == 3
    exchange.sim("fault", kind="status", status=418, retry_after_s=120)
    assert raises(RateLimitBanError, client.time).retry_after == 120
    exchange.sim("fault", kind="status", status=503)
    assert raises(ServerError, client.time).status_code == 503
    client.time()


def check_rate_limits_are_read_from_headers(client, exchange):
    answer = client.new_order(symbol=SOL, side="BUY", type="MARKET", quantity="1")
    kinds = {limit.rateLimitType for limit in answer.rate_limits}
    assert kinds == {"REQUEST_WEIGHT", "ORDERS"}


def check_microseconds(client, exchange):
    micro = client_of(exchange.url, time_unit="MICROSECOND")
    now_ms = exchange.get("/api/v3/time")["serverTime"]
    assert micro.time().data().server_time == now_ms * 1_000
    order = order_of(micro, quantity="1")
    assert order.transact_time == now_ms * 1_000
    trades = micro.my_trades(symbol=SOL, start_time=now_ms * 1_000).data()
    assert {trade.time for trade in trades} == {now_ms * 1_000}
    opened = (now_ms - 5 * MINUTE_MS) // MINUTE_MS * MINUTE_MS * 1_000
    (bar,) = micro.klines(symbol=SOL, interval="1m", start_time=opened, limit=1).data()
    assert (bar[0], bar[6]) == (opened, opened + 59_999_999)
    assert micro.get_account().data().account_type == "SPOT"


if __name__ == "__main__":
    logging.getLogger().addHandler(Strict(logging.WARNING))
    main(dict(globals()), client_of(sys.argv[1]), Exchange(sys.argv[1]))
