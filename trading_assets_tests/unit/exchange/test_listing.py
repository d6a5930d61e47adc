"""What is listed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import ConfigurationError, UnknownSymbol
from trading_assets.exchange.listing import listing_of


@pytest.mark.parametrize(
    ("symbol", "tick", "lot"),
    [("BTCUSDT", "0.01", "0.00001"), ("ETHUSDT", "0.01", "0.0001"), ("SOLUSDT", "0.01", "0.001")],
)
def test_the_default_symbols_have_their_grids(symbol, tick, lot):
    instrument = listing_of(symbol).instrument
    assert (instrument.tick, instrument.lot) == (Decimal(tick), Decimal(lot))
    assert instrument.min_notional == 5


@given(st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True))
def test_any_other_symbol_gets_exact_and_stable_numbers(base):
    listing = listing_of(base + "USDT")
    assert listing == listing_of(base + "USDT")
    assert listing.instrument.base == base
    assert listing.tick_units * listing.instrument.lot_units % 10**8 == 0
    assert listing.value_units * 10**8 == listing.tick_units * listing.instrument.lot_units


def test_only_usdt_is_quoted():
    with pytest.raises(ConfigurationError, match="cannot list BTCEUR"):
        listing_of("BTCEUR")
    with pytest.raises(ConfigurationError, match="cannot list USDT"):
        listing_of("USDT")
    with pytest.raises(UnknownSymbol):
        listing_of("btc/usdt")
