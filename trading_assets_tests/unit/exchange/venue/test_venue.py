"""Placing and cancelling: what a taker gets, what is locked, what is refused."""

import pytest

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.outages import Outages
from trading_assets.exchange.venue.fees import Fees
from trading_assets.exchange.venue.orders import Status

FEE = 100_000  # 10 bps in 1e-8


def refusal(call, *arguments, **named):
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    return caught.value.code, caught.value.text


def cost(levels, lots):
    """Give what `lots` cost in ticks x lots, level by level."""
    total = 0
    for level in levels:
        taken = min(level.lots, lots)
        total += taken * level.ticks
        lots -= taken
    return total


def test_a_market_order_walks_the_book_level_by_level(desk):
    asks = [(level.ticks, level.lots) for level in desk.book("SOLUSDT").asks]
    wanted = asks[0][1] + asks[1][1] + 1
    order = desk.place("SOLUSDT", "BUY", lots=wanted)
    assert order.status is Status.FILLED
    assert [(t.ticks, t.lots) for t in order.trades] == [*asks[:2], (asks[2][0], 1)]
    assert [t.trade_id for t in order.trades] == [1, 2, 3]
    assert desk.book("SOLUSDT").asks[0].lots == 0


def test_the_fee_is_taken_from_what_is_received(desk):
    bought = desk.place("SOLUSDT", "BUY", lots=1_000)
    amount = sum(t.lots for t in bought.trades) * 100_000
    fees = sum(t.fee_units for t in bought.trades)
    assert {t.fee_asset for t in bought.trades} == {"SOL"}
    assert fees == sum(t.lots * 100_000 * FEE // 10**8 for t in bought.trades)
    assert desk.free("SOL") == amount - fees
    assert desk.free("USDT") == 10**13 - bought.executed_units
    sold = desk.place("BTCUSDT", "SELL", lots=1_000)
    assert {t.fee_asset for t in sold.trades} == {"USDT"}
    assert desk.free("BTC") == 10**8 - 1_000 * 1_000


def test_a_market_order_beyond_the_book_expires_partly_filled(make_desk):
    desk = make_desk(deposits={"USDT": 10**16})
    available = sum(level.lots for level in desk.book("SOLUSDT").asks)
    order = desk.place("SOLUSDT", "BUY", lots=available + 1)
    assert order.status is Status.EXPIRED
    assert order.executed_lots == available
    assert not desk.venue.open["SOLUSDT"]
    assert desk.locked("USDT") == 0
    again = desk.place("SOLUSDT", "BUY", lots=1)
    assert (again.status, again.executed_lots) == (Status.EXPIRED, 0)


def test_the_next_cell_brings_new_liquidity(make_desk, cell):
    desk = make_desk(deposits={"USDT": 10**16})
    available = sum(level.lots for level in desk.book("SOLUSDT").asks)
    desk.place("SOLUSDT", "BUY", lots=available)
    desk.step(cell / 1e6)
    assert desk.place("SOLUSDT", "BUY", lots=1).status is Status.FILLED


def test_money_orders_spend_at_most_the_money(desk):
    money = 1_000 * 10**8
    order = desk.place("SOLUSDT", "BUY", quote_units=money)
    assert order.status is Status.FILLED
    worst = max(t.ticks for t in order.trades) * 1_000
    assert money - worst < order.executed_units <= money
    assert order.lots == order.executed_lots


def test_money_orders_that_empty_the_book_expire(make_desk):
    desk = make_desk(deposits={"USDT": 10**16})
    order = desk.place("SOLUSDT", "BUY", quote_units=10**15)
    assert order.status is Status.EXPIRED
    assert order.executed_lots == order.lots > 0


def test_a_marketable_limit_takes_and_rests_the_remainder(desk):
    asks = [(level.ticks, level.lots) for level in desk.book("SOLUSDT").asks]
    limit = asks[1][0]
    crossing = asks[0][1] + asks[1][1]
    order = desk.place("SOLUSDT", "BUY", lots=crossing + 500, ticks=limit)
    assert order.status is Status.PARTIALLY_FILLED
    assert order.executed_lots == crossing
    assert desk.locked("USDT") == 500 * limit * 1_000
    assert desk.free("USDT") == 10**13 - order.executed_units - 500 * limit * 1_000


def test_immediate_or_cancel_expires_the_remainder(desk):
    best = desk.book("SOLUSDT").asks[0]
    order = desk.place("SOLUSDT", "BUY", lots=best.lots + 5, ticks=best.ticks, tif="IOC")
    assert (order.status, order.executed_lots) == (Status.EXPIRED, best.lots + order.executed_lots)
    assert order.open_lots == 5
    assert desk.locked("USDT") == 0
    none = desk.place("SOLUSDT", "BUY", lots=5, ticks=best.ticks - 500, tif="IOC")
    assert (none.status, none.executed_lots) == (Status.EXPIRED, 0)


def test_fill_or_kill_is_all_or_nothing(desk):
    best = desk.book("SOLUSDT").asks[0]
    size, price = best.lots, best.ticks
    killed = desk.place("SOLUSDT", "BUY", lots=size + 1, ticks=price, tif="FOK")
    assert (killed.status, killed.executed_lots) == (Status.EXPIRED, 0)
    assert desk.book("SOLUSDT").asks[0].lots == size
    filled = desk.place("SOLUSDT", "BUY", lots=size, ticks=price, tif="FOK")
    assert (filled.status, filled.executed_lots) == (Status.FILLED, size)


def test_a_maker_only_order_never_takes(desk):
    best = desk.book("SOLUSDT").asks[0]
    code, text = refusal(
        desk.place, "SOLUSDT", "BUY", lots=1_000, ticks=best.ticks, kind="LIMIT_MAKER"
    )
    assert (code, text) == (-2010, "Order would immediately match and take.")
    resting = desk.place("SOLUSDT", "BUY", lots=1_000, ticks=best.ticks - 50, kind="LIMIT_MAKER")
    assert resting.status is Status.NEW


def test_cancelling_gives_the_locked_money_back(desk):
    price = desk.last("BTCUSDT") * 2
    order = desk.place("BTCUSDT", "SELL", lots=50_000, ticks=price)
    assert (desk.free("BTC"), desk.locked("BTC")) == (5 * 10**7, 5 * 10**7)
    desk.step(1)
    desk.cancel(order)
    assert order.status is Status.CANCELED
    assert order.updated_ts == desk.now
    assert (desk.free("BTC"), desk.locked("BTC")) == (10**8, 0)
    assert refusal(desk.cancel, order) == (-2011, "Unknown order sent.")


@pytest.mark.parametrize(
    "wish",
    [
        {"symbol": "BTCUSDT", "side": "SELL", "lots": 100_001},
        {"symbol": "BTCUSDT", "side": "SELL", "lots": 100_001, "ticks": 9_000_000},
        {"symbol": "BTCUSDT", "side": "BUY", "lots": 900_000, "ticks": 4_000_000},
        {"symbol": "BTCUSDT", "side": "BUY", "lots": 1_000_000},
        {"symbol": "SOLUSDT", "side": "SELL", "lots": 1},
        {"symbol": "SOLUSDT", "side": "BUY", "quote_units": 10**13 + 1},
    ],
)
def test_nobody_spends_what_they_do_not_have(desk, wish):
    before = desk.venue.accounts.rows()
    code, text = refusal(desk.place, **wish)
    assert (code, text) == (-2010, "Account has insufficient balance for requested action.")
    assert [row for row in desk.venue.accounts.rows() if row[2] or row[3]] == before
    assert not desk.venue.orders


def test_a_client_id_is_unique_among_open_orders_only(desk):
    price = desk.last("BTCUSDT") // 2
    first = desk.place("BTCUSDT", "BUY", lots=1_000, ticks=price, client_order_id="mine")
    again = refusal(desk.place, "BTCUSDT", "BUY", lots=1, ticks=price, client_order_id="mine")
    assert again == (-2010, "Duplicate order sent.")
    desk.cancel(first)
    second = desk.place("BTCUSDT", "BUY", lots=1_000, client_order_id="mine")
    assert second.status is Status.FILLED
    third = desk.place("BTCUSDT", "BUY", lots=1_000, client_order_id="mine")
    assert third.order_id == second.order_id + 1
    assert desk.venue.find("demo", "BTCUSDT", None, "mine") is third
    assert desk.venue.find("demo", "BTCUSDT", first.order_id, None) is first


def test_accounts_do_not_see_each_other(desk):
    desk.venue.accounts.open("other", {"USDT": 10**12})
    price = desk.last("BTCUSDT") // 2
    order = desk.place("BTCUSDT", "BUY", lots=1_000, ticks=price, client_order_id="mine")
    desk.place("BTCUSDT", "BUY", account="other", lots=1_000, ticks=price, client_order_id="mine")
    assert desk.venue.find("other", "BTCUSDT", order.order_id, None) is None
    assert desk.venue.open_orders("demo", None) == [order]


def test_no_more_than_two_hundred_orders_stay_open(desk):
    price = desk.last("SOLUSDT") // 2
    for number in range(200):
        desk.now += 200_000  # stay below 100 orders in 10 s
        desk.place("SOLUSDT", "BUY", lots=100, ticks=price + number % 7)
    desk.step(10)
    code, text = refusal(desk.place, "SOLUSDT", "BUY", lots=100, ticks=price)
    assert (code, text) == (-1013, "Filter failure: MAX_NUM_ORDERS")


def test_the_market_is_closed_in_an_outage(desk):
    start, _ = Outages(7).of_year(desk.venue.listings["SOLUSDT"], 2024)[0]
    desk.now = start * 60_000_000 - 1
    order = desk.place("SOLUSDT", "BUY", lots=100, ticks=desk.last("SOLUSDT") // 2)
    quoted = desk.last("SOLUSDT")
    desk.step(600)
    assert desk.last("SOLUSDT") == quoted
    assert refusal(desk.place, "SOLUSDT", "BUY", lots=100) == (-2010, "Market is closed.")
    desk.cancel(order)


def test_the_average_price_is_near_the_last(desk):
    listing = desk.venue.listings["BTCUSDT"]
    average = desk.venue.average_price(listing, desk.now)
    assert abs(float(average) * 100 / desk.last("BTCUSDT") - 1) < 0.01


def test_client_fills_do_not_move_the_path(desk, model):
    before = [desk.last(s) for s in ("BTCUSDT", "SOLUSDT")]
    desk.place("SOLUSDT", "BUY", lots=100_000)
    desk.place("BTCUSDT", "SELL", lots=100_000)
    assert [desk.last(s) for s in ("BTCUSDT", "SOLUSDT")] == before


@pytest.mark.parametrize(
    ("received", "fee"), [(0, 0), (999, 0), (1_000, 1), (1_999, 1), (10**15 + 999, 10**12)]
)
def test_fees_are_rounded_down_to_the_unit(received, fee):
    assert Fees(FEE, FEE).of(received, is_maker=False) == fee
    assert Fees(0, FEE).of(received, is_maker=True) == 0
