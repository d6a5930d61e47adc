"""What a user declares of an instrument, as `[instruments.<SYMBOL>]`; the source says the rest."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from trading_assets.declarations.declaration import Declaration
from trading_assets.domain.instrument import AssetClass


def _decimal(value: Any) -> Any:
    """Read numbers by their decimal text, never as binary fractions."""
    return Decimal(str(value)) if isinstance(value, int | float | str) else value


Exact = Annotated[Decimal, BeforeValidator(_decimal), Field(gt=0)]


class SplitDeclaration(Declaration):
    """One split: from the session `ex_date` on, a share is `ratio` shares (`7:1`, `1:20`)."""

    ex_date: date
    ratio: str = Field(pattern=r"^[1-9]\d{0,5}:[1-9]\d{0,5}$")


class InstrumentDeclaration(Declaration):
    """Facts of one symbol; what is left out is taken from its source.

    Attributes:
        source: name of its source; empty means the `source` of the settings.
        vendor_symbol: what the source calls it; empty means the symbol itself.
        quote: currency of its prices.
        calendar: name of its trading calendar, such as `24/7` or `XNYS`.
        listed: first day of trading; earlier history belongs to another instrument.
        delisted: first day without trading.
        splits: of a share; bars are stored as traded, and adjusted on request only.
    """

    source: str = ""
    vendor_symbol: str = Field(default="", pattern=r"^[A-Za-z0-9._:/-]{0,40}$")
    asset_class: AssetClass | None = None
    base: str = Field(default="", pattern=r"^[A-Z0-9.]{0,20}$")
    quote: str = Field(default="", pattern=r"^[A-Z0-9]{0,10}$")
    tick: Exact | None = None
    lot: Exact | None = None
    min_notional: Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0)] | None = None
    point_value: Exact | None = None
    calendar: str = Field(default="", pattern=r"^[A-Za-z0-9/_]{0,20}$")
    listed: date | None = None
    delisted: date | None = None
    splits: tuple[SplitDeclaration, ...] = ()
