"""Grids from what the venue says about a symbol."""

from decimal import Decimal

import pytest

from trading_assets.adapters.binance.instruments import instrument_from_entry


@pytest.mark.parametrize(("said", "tick"), [("0.01000000", "0.01"), ("0.00000000", "0.00000001")])
def test_a_step_of_zero_leaves_the_digits_of_the_quote(said, tick):
    entry = {
        "symbol": "SOLUSDT", "baseAsset": "SOL", "quoteAsset": "USDT", "quotePrecision": 8,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0", "maxPrice": "0", "tickSize": said},
            {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "9", "stepSize": "0.00100000"},
        ],
    }  # fmt: skip
    instrument = instrument_from_entry(entry)

    assert (instrument.tick, instrument.lot) == (Decimal(tick), Decimal("0.001"))
