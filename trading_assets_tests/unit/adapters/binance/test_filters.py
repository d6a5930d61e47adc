"""Filters as the venue words them: steps count from zero, and market orders may have their own."""

from decimal import Decimal

import pytest

from trading_assets.adapters.binance.filters import FilterCache, filters_from_entry
from trading_assets_tests.stand_ins.binance_account import a_limit, a_ticket

ENTRY = {
    "symbol": "SOLUSDT",
    "status": "TRADING",
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.005", "maxPrice": "0", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.0015", "maxQty": "0", "stepSize": "0.001"},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.01", "maxQty": "9", "stepSize": "0.01"},
        {"filterType": "NOT_KNOWN_YET", "limit": 3},
    ],
}


@pytest.mark.parametrize(
    ("ticket", "failed"),
    [
        (a_ticket(quantity="0.02"), ""),
        (a_ticket(quantity="0.015"), "MARKET_LOT_SIZE"),
        (a_limit("ta-one", "110.00", quantity="0.015"), ""),
        (a_limit("ta-one", "110.00", quantity="0.0025"), "LOT_SIZE"),
        (a_limit("ta-one", "110.005", quantity="0.015"), "PRICE_FILTER"),
    ],
)
def test_an_order_fails_what_the_venue_would_fail(ticket, failed):
    assert filters_from_entry(ENTRY).refusal(ticket) == failed


def test_rules_bring_an_order_on_the_steps_of_the_venue():
    rules = FilterCache(lambda _: ENTRY).rules("SOLUSDT")

    assert rules.fitted(a_ticket(quantity="0.0259")).quantity == Decimal("0.02")
