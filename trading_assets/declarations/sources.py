"""Sources of market history that a user declares, by name, as `[sources.<name>]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from trading_assets.declarations.bar_source import BarSource
from trading_assets.declarations.packages import Package
from trading_assets.declarations.rest_vendors import Eodhd, Polygon

BUILT_IN = ("embedded", "binance", "archive")
"""Sources that need no declaration; their settings have sections of their own."""


class BinanceArchive(BarSource):
    """The layout of data.binance.vision, on disk or over HTTP: spot, or USDT-M futures (`um`)."""

    kind: Literal["binance_archive"]
    timeframe: Literal["1m"] = "1m"
    market: Literal["spot", "um"] = "spot"
    root: Path | None = None
    url: str = Field(default="https://data.binance.vision", pattern=r"^https?://\S+$")


SourceDeclaration = Annotated[
    BinanceArchive | Eodhd | Package | Polygon, Field(discriminator="kind")
]
"""Any source that can be declared; `kind` says which."""
