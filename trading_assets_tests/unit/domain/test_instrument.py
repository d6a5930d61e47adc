from decimal import Decimal

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import (
    Instrument,
    decimal_from_units,
    units_from_decimal,
)


def an_instrument(**changes):
    values = {
        "symbol": symbol_from_text("SOLUSDT"),
        "base": "SOL",
        "quote": "USDT",
        "tick": Decimal("0.01"),
        "lot": Decimal("0.001"),
    }
    return Instrument(**(values | changes))


def test_quantities_round_down_to_lots():
    sol = an_instrument()
    assert sol.lots_from_quantity(Decimal("1.2349")) == 1234
    assert sol.quantity_from_lots(1234) == Decimal("1.234")


def test_a_price_off_the_grid_is_refused():
    sol = an_instrument()
    assert sol.ticks_from_price(Decimal("101.25")) == 10125
    assert sol.price_from_ticks(10125) == Decimal("101.25")
    with pytest.raises(ConfigurationError, match=r"a multiple of 0\.01"):
        sol.ticks_from_price(Decimal("101.255"))


@pytest.mark.parametrize("tick", [Decimal(0), Decimal(-1), Decimal("NaN"), 0.01])
def test_a_grid_needs_a_positive_decimal(tick):
    with pytest.raises(ConfigurationError, match="a positive decimal"):
        an_instrument(tick=tick)


def test_a_lot_finer_than_a_balance_is_refused():
    with pytest.raises(ConfigurationError):
        an_instrument(lot=Decimal("0.000000001"))


def test_units_are_exact():
    assert units_from_decimal(Decimal("0.00000001")) == 1
    assert decimal_from_units(123_456_789) == Decimal("1.23456789")
    with pytest.raises(ConfigurationError, match="8 decimals"):
        units_from_decimal(Decimal("0.000000001"))


GRIDS = [  # symbol, class, quote, tick, lot, point value, calendar, a price on the grid, and off it
    ("BTCUSDT", "crypto_spot", "USDT", "0.01", "0.00001", "1", "24/7", "64250.01", "64250.015"),
    ("BTCUSDTM", "crypto_future", "USDT", "0.1", "0.001", "1", "24/7", "64250.1", "64250.15"),
    ("6E", "future", "USD", "0.00005", "1", "125000", "CME", "1.08515", "1.08517"),
    ("ZN", "fixed_income", "USD", "0.015625", "1", "1000", "CME", "110.515625", "110.52"),
    ("ZB", "fixed_income", "USD", "0.03125", "1", "1000", "CME", "118.21875", "118.22"),
    ("EURUSD", "fx", "USD", "0.00001", "1000", "1", "FX", "1.08512", "1.085125"),
    ("SPY", "equity", "USD", "0.01", "1", "1", "XNYS", "523.17", "523.175"),
    ("BRK.B", "equity", "USD", "0.01", "1", "1", "XNYS", "412.50", "412.505"),
]


@pytest.mark.parametrize("grid", GRIDS, ids=[grid[0] for grid in GRIDS])
def test_each_class_of_assets_has_an_exact_grid(grid):
    symbol, asset_class, quote, tick, lot, point_value, calendar, on, off = grid
    found = an_instrument(
        symbol=symbol_from_text(symbol),
        base=symbol,
        quote=quote,
        tick=Decimal(tick),
        lot=Decimal(lot),
        point_value=Decimal(point_value),
        calendar=calendar,
        asset_class=asset_class,
    )
    assert found.price_from_ticks(found.ticks_from_price(Decimal(on))) == Decimal(on)
    with pytest.raises(ConfigurationError, match="off the grid"):
        found.ticks_from_price(Decimal(off))


def test_a_tick_of_a_contract_is_worth_what_its_exchange_says():
    """Tick times point value, in dollars."""
    worth = {grid[0]: Decimal(grid[3]) * Decimal(grid[5]) for grid in GRIDS}
    assert worth["6E"] == Decimal("6.25")
    assert worth["ZB"] == Decimal("31.25")
    assert worth["ZN"] == Decimal("15.625")


def test_nothing_is_delisted_before_it_was_listed():
    with pytest.raises(ConfigurationError, match="delisted before it was listed"):
        an_instrument(listed=2, delisted=2)
    assert an_instrument(listed=1, delisted=2).delisted == 2
