"""Symbol filters."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.listing import listing_of
from trading_assets.exchange.venue import filters
from trading_assets.exchange.venue.orders import Kind

BTC, SOL = listing_of("BTCUSDT"), listing_of("SOLUSDT")


def failure(call, *arguments, **named):
    with pytest.raises(Refused) as caught:
        call(*arguments, **named)
    assert caught.value.code == -1013
    assert caught.value.status == 400
    return caught.value.text


@given(st.integers(1, 100_000_000))
def test_prices_on_the_grid_pass_and_others_fail(ticks):
    price = Decimal(ticks) / 100
    assert filters.check_price(BTC, price) == ticks
    assert failure(filters.check_price, BTC, price + Decimal("0.001")) == (
        "Filter failure: PRICE_FILTER"
    )


@pytest.mark.parametrize("price", ["0", "1000000.01"])
def test_prices_have_bounds(price):
    assert failure(filters.check_price, BTC, Decimal(price)).endswith("PRICE_FILTER")


@given(st.integers(1, 90_000_000))
def test_quantities_on_the_grid_pass_and_others_fail(lots):
    quantity = Decimal(lots) / 1000
    assert filters.check_quantity(SOL, quantity, market=False) == lots
    off = quantity + Decimal("0.0001")
    assert failure(filters.check_quantity, SOL, off, market=True).endswith("LOT_SIZE")


@pytest.mark.parametrize("quantity", ["0", "0.000001", "9000.00001", "99999999999999999999"])
def test_quantities_have_bounds(quantity):
    text = failure(filters.check_quantity, BTC, Decimal(quantity), market=False)
    assert text == "Filter failure: LOT_SIZE"


def test_market_orders_have_a_bound_of_their_own():
    filters.check_quantity(BTC, Decimal(121), market=False)
    text = failure(filters.check_quantity, BTC, Decimal(121), market=True)
    assert text == "Filter failure: MARKET_LOT_SIZE"


def test_orders_have_a_least_and_a_greatest_value():
    filters.check_notional(BTC, Decimal(5), market=False)
    assert failure(filters.check_notional, BTC, Decimal("4.99"), market=True).endswith("NOTIONAL")
    big = Decimal(9_000_001)
    filters.check_notional(BTC, big, market=True)
    assert failure(filters.check_notional, BTC, big, market=False) == "Filter failure: NOTIONAL"


def test_prices_stay_near_the_average():
    filters.check_price_band(Decimal(20), Decimal(100))
    filters.check_price_band(Decimal(500), Decimal(100))
    for price in ("19.99", "500.01"):
        text = failure(filters.check_price_band, Decimal(price), Decimal(100))
        assert text == "Filter failure: PERCENT_PRICE_BY_SIDE"


def test_open_orders_are_counted():
    limit, stop = Kind.LIMIT, Kind.STOP_LOSS
    filters.check_open_orders([limit] * 199, [limit])
    full = failure(filters.check_open_orders, [limit] * 199, [limit, limit])
    assert full == "Filter failure: MAX_NUM_ORDERS"
    filters.check_open_orders([stop] * 5, [limit])
    filters.check_open_orders([limit] * 190 + [stop] * 4, [stop])
    algo = failure(filters.check_open_orders, [stop] * 4, [stop, Kind.TAKE_PROFIT_LIMIT])
    assert algo == "Filter failure: MAX_NUM_ALGO_ORDERS"


def test_the_description_says_what_is_checked():
    described = {f["filterType"]: f for f in filters.describe(SOL)}
    assert described["PRICE_FILTER"]["tickSize"] == "0.01000000"
    assert described["LOT_SIZE"]["stepSize"] == "0.00100000"
    assert described["NOTIONAL"]["minNotional"] == "5.00000000"
    assert set(described) == {
        "PRICE_FILTER",
        "LOT_SIZE",
        "ICEBERG_PARTS",
        "TRAILING_DELTA",
        "MARKET_LOT_SIZE",
        "PERCENT_PRICE_BY_SIDE",
        "NOTIONAL",
        "MAX_NUM_ORDERS",
        "MAX_NUM_ALGO_ORDERS",
        "MAX_NUM_ORDER_LISTS",
    }
