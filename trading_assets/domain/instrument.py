"""Instruments: what can be traded, and its grid of prices and quantities."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, Symbol

UNITS_PER_ASSET = 100_000_000
"""Balances are whole multiples of 1e-8 of an asset."""

AssetClass = Literal["crypto_spot", "crypto_future", "future", "equity", "fixed_income", "fx"]
"""What kind of thing is traded."""


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable symbol; every number is exact.

    Attributes:
        tick: smallest price step, in quote per base.
        lot: smallest quantity step, in base.
        min_notional: smallest order value, in quote.
        point_value: quote value of one price point for one unit (1 for spot).
        calendar: name of the trading calendar; `24/7` for crypto spot.
        listed: first instant of trading, None when it is not known. The same name may have been
            another instrument before.
        delisted: first instant without trading, None while it trades.
    """

    symbol: Symbol
    base: str
    quote: str
    tick: Decimal
    lot: Decimal
    min_notional: Decimal = Decimal(0)
    point_value: Decimal = Decimal(1)
    calendar: str = "24/7"
    asset_class: AssetClass = "crypto_spot"
    listed: Micros | None = None
    delisted: Micros | None = None

    def __post_init__(self) -> None:
        """Refuse a grid that the engine cannot hold exactly."""
        for name in ("tick", "lot", "point_value"):
            value = getattr(self, name)
            if not isinstance(value, Decimal) or not value.is_finite() or value <= 0:
                raise ConfigurationError(
                    f"Instrument {self.symbol}: bad {name}",
                    expected="a positive decimal",
                    found=str(value),
                )
        if units_from_decimal(self.lot) == 0:
            raise ConfigurationError(
                f"Instrument {self.symbol}: lot is finer than a balance can hold",
                expected="a multiple of 0.00000001",
                found=str(self.lot),
            )
        if self.listed is not None and self.delisted is not None and self.listed >= self.delisted:
            raise ConfigurationError(
                f"Instrument {self.symbol}: delisted before it was listed",
                expected="listed before delisted",
                found=f"listed {self.listed}, delisted {self.delisted} (microseconds)",
            )

    @property
    def lot_units(self) -> int:
        """One lot in 1e-8 of the base asset."""
        return units_from_decimal(self.lot)

    def lots_from_quantity(self, quantity: Decimal) -> int:
        """Give the whole lots in `quantity`, rounded down."""
        return int(quantity // self.lot)

    def quantity_from_lots(self, lots: int) -> Decimal:
        """Give the exact quantity of `lots`."""
        return self.lot * lots

    def ticks_from_price(self, price: Decimal) -> int:
        """Give the price in whole ticks.

        Raises:
            ConfigurationError: if the price is not on the grid.
        """
        ticks = price / self.tick
        if ticks != ticks.to_integral_value():
            raise ConfigurationError(
                f"Instrument {self.symbol}: price off the grid",
                expected=f"a multiple of {self.tick}",
                found=str(price),
            )
        return int(ticks)

    def price_from_ticks(self, ticks: int) -> Decimal:
        """Give the exact price of `ticks`."""
        return self.tick * ticks


def units_from_decimal(amount: Decimal) -> int:
    """Convert an amount of an asset to 1e-8 units.

    Raises:
        ConfigurationError: if the amount is finer than 1e-8.
    """
    units = amount * UNITS_PER_ASSET
    if units != units.to_integral_value():
        raise ConfigurationError(
            "Amount is finer than a balance can hold",
            expected="at most 8 decimals",
            found=str(amount),
        )
    return int(units)


def decimal_from_units(units: int) -> Decimal:
    """Convert 1e-8 units to an exact amount of the asset."""
    return Decimal(units).scaleb(-8)
