"""What is listed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.domain.errors import ConfigurationError, UnknownSymbol
from trading_assets.exchange.market.listing import legs, listing_of


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


@given(st.from_regex(r"[A-Z0-9]{2,6}", fullmatch=True), st.sampled_from(["BTC", "ETH", "BNB"]))
def test_crosses_keep_exact_units_and_a_fine_grid(base, quote):
    if base == quote or base.endswith("USDT"):
        return
    listing = listing_of(base + quote)
    instrument = listing.instrument
    assert (instrument.base, instrument.quote) == (base, quote)
    assert listing.value_units == 1
    assert listing.value_units * 10**8 == listing.tick_units * instrument.lot_units
    over, under = (listing_of(asset + "USDT").start_price for asset in (base, quote))
    assert listing.start_price == over / under
    assert 1_000 <= listing.start_price / instrument.tick <= 100_000
    assert instrument.min_notional > 0


@pytest.mark.parametrize("symbol", ["ETHBTC", "BNBETH", "SOLBNB"])
def test_a_cross_is_the_ratio_of_its_pairs_all_day(model, symbol):
    listing = listing_of(symbol)
    over, under = legs(listing)
    path = model.day(listing, 19_800)
    ratio = [model.day(leg, 19_800).ticks * float(leg.instrument.tick) for leg in (over, under)]
    error = path.ticks * float(listing.instrument.tick) - ratio[0] / ratio[1]
    assert abs(error).max() <= float(listing.instrument.tick) * 0.500001
    assert path.lots.min() >= 1
    assert ((path.trades >= 1) & (path.trades <= path.lots)).all()


def test_other_quotes_are_refused():
    for symbol in ("BTCEUR", "USDT", "BTC", "BTCBTC"):
        with pytest.raises(ConfigurationError, match=f"cannot list {symbol}"):
            listing_of(symbol)
    with pytest.raises(UnknownSymbol):
        listing_of("btc/usdt")
