"""Grids from what the venue says about a symbol."""

from decimal import Decimal

import pytest

from trading_assets.adapters.binance.instruments import instrument_from_entry
from trading_assets.domain.errors import DataError


def entry(tick, digits):
    return {
        "symbol": "SOLUSDT", "baseAsset": "SOL", "quoteAsset": "USDT", "quotePrecision": digits,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9", "stepSize": "0.00100000"},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(("said", "tick"), [("0.01000000", "0.01"), ("0.00000000", "0.00000001")])
def test_a_step_of_zero_leaves_the_digits_of_the_quote(said, tick):
    instrument = instrument_from_entry(entry(said, 8))

    assert (instrument.tick, instrument.lot) == (Decimal(tick), Decimal("0.001"))


def test_digits_that_are_no_number_are_an_error_of_the_description():
    with pytest.raises(DataError, match="cannot be read"):
        instrument_from_entry(entry("0.00000000", "eight"))
