"""A decision is made to fit the venue's present rules, downwards only, or dropped by name."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.order import OrderSide, OrderTicket, OrderType, TimeInForce
from trading_assets.domain.trading_rules import (
    TradingRules,
    difference,
    rules_from_json,
    rules_to_json,
)

D = Decimal
RULES = TradingRules(
    "SOLUSDT", tick=D("0.05"), least_price=D("0.01"), most_price=D(1000), lot=D("0.01"),
    least=D("0.02"), most=D(50), market_most=D(20), least_notional=D(5), most_notional=D(4000),
    market_lot=D("0.01"),
)  # fmt: skip


def _ticket(quantity="1", limit=None, side=OrderSide.BUY):
    kind = OrderType.MARKET if limit is None else OrderType.LIMIT
    price = None if limit is None else D(limit)
    return OrderTicket(
        "ta-1", "t", "SOLUSDT", side, kind, TimeInForce.GTC, D(quantity), 0, limit_price=price
    )


@pytest.mark.parametrize(
    ("ticket", "quantity", "price"),
    [
        (_ticket("1.2399"), "1.23", None),
        (_ticket("30"), "20", None),
        (_ticket("60", "20.01"), "50", "20.00"),
        (_ticket("1", "100.04"), "1", "100.00"),
        (_ticket("1", "100.04", OrderSide.SELL), "1", "100.05"),
        (_ticket("1", "100.05", OrderSide.SELL), "1", "100.05"),
    ],
)
def test_quantities_become_smaller_and_prices_less_aggressive(ticket, quantity, price):
    fitted = RULES.fitted(ticket)

    assert fitted.quantity == D(quantity)
    assert fitted.limit_price == (None if price is None else D(price))
    assert fitted.client_order_id == ticket.client_order_id


@pytest.mark.parametrize(
    ("ticket", "rule"),
    [
        (_ticket("0.019"), "below_least_quantity_of_venue"),
        (_ticket("1", "0.001"), "price_outside_bounds_of_venue"),
        (_ticket("1", "1000.06", OrderSide.SELL), "price_outside_bounds_of_venue"),
        (_ticket("0.02", "100.05"), "below_least_notional_of_venue"),
        (_ticket("50", "100.05"), "above_most_notional_of_venue"),
    ],
)
def test_what_cannot_be_made_to_fit_is_named(ticket, rule):
    assert RULES.fitted(ticket) == rule


def test_what_fits_is_left_alone_and_what_changed_is_said():
    fitting, other = _ticket("1.23", "100.00"), _ticket("1.239", "100.04")

    assert RULES.fitted(fitting) == fitting
    assert difference(fitting, RULES.fitted(fitting)) == ""
    said = difference(other, RULES.fitted(other))
    assert said == "quantity 1.239 -> 1.23, limit_price 100.04 -> 100.00"
    assert TradingRules("SOLUSDT").fitted(other) == other


def test_steps_count_from_zero_wherever_the_least_lies():
    rules = TradingRules("SOLUSDT", lot=D("0.1"), least=D("0.15"), tick=D(1), least_price=D("0.5"))

    assert rules.fitted(_ticket("1.27", "100.9")) == _ticket("1.2", "100")
    assert rules.fitted(_ticket("0.19")) == "below_least_quantity_of_venue"


@pytest.mark.parametrize(
    ("market_lot", "quantity"), [("1", "12"), ("0.05", "12.50"), ("0.3", "12.3"), ("0", "12.5")]
)
def test_a_step_of_its_own_holds_at_market_besides_that_of_all_orders(market_lot, quantity):
    rules = TradingRules("SOLUSDT", lot=D("0.1"), market_lot=D(market_lot))

    assert rules.fitted(_ticket("12.59")).quantity == D(quantity)
    assert rules.fitted(_ticket("12.59", "100")).quantity == D("12.5")


@given(
    st.decimals("0.001", "100", places=3),
    st.none() | st.decimals("0.01", "1100", places=4),
    st.sampled_from(OrderSide),
)
def test_what_leaves_is_never_more_than_what_was_decided_and_fits_for_good(quantity, limit, side):
    ticket = _ticket(str(quantity), None if limit is None else str(limit), side)
    fitted = RULES.fitted(ticket)
    if isinstance(fitted, str):
        return
    assert 0 < fitted.quantity <= ticket.quantity
    assert fitted.quantity % RULES.lot == 0
    if limit is not None:
        worse = fitted.limit_price - ticket.limit_price
        assert worse <= 0 if side is OrderSide.BUY else worse >= 0
        assert abs(worse) < RULES.tick
    assert RULES.fitted(fitted) == fitted


def test_rules_go_through_text():
    assert rules_from_json(rules_to_json(RULES)) == RULES
    assert not TradingRules("SOLUSDT", status="BREAK").is_trading
