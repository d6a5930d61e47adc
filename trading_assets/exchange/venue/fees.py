"""Commission rates, per account; what they come to is reckoned in `commissions`."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.exchange.venue.accounts import UNITS

BNB = "BNB"
BNB_SYMBOL = "BNBUSDT"
BNB_DISCOUNT = 25_000_000
"""What paying in BNB saves, in 1e-8 of the commission."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Commission rates in 1e-8 of the received asset (10 bps = 100,000).

    Attributes:
        in_bnb: pay in BNB, at a quarter off, while there is enough of it.
    """

    maker: int
    taker: int
    in_bnb: bool = False

    def of(self, units: int, *, is_maker: bool) -> int:
        """Give the commission on a received amount, rounded down."""
        return units * (self.maker if is_maker else self.taker) // UNITS
