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
