"""Sources of market history that a user declares, by name, as `[sources.<name>]`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from trading_assets.declarations.declaration import Declaration

BUILT_IN = ("embedded", "binance", "archive")
"""Sources that need no declaration; their settings have sections of their own."""

Size = Literal["1m", "5m", "15m", "1h", "1d"]
"""Names of bar sizes, as in `domain.bar.Timeframe`."""


class _Source(Declaration):
    """What is true of all bars of a source.

    Attributes:
        timeframe: size of the bars that it gives.
        silent_minutes: whether a minute without a trade is a bar with volume 0, or absent.
        longest_silence_minutes: a longer absence inside a session is a gap, not silence; only
            where silent minutes are absent.
    """

    timeframe: Size = "1m"
    silent_minutes: Literal["bars", "absent"] = "bars"
    longest_silence_minutes: int = Field(default=0, ge=0)


class BinanceArchive(_Source):
    """The layout of data.binance.vision, on disk or over HTTP: spot, or USDT-M futures (`um`)."""

    kind: Literal["binance_archive"]
    market: Literal["spot", "um"] = "spot"
    root: Path | None = None
    url: str = Field(default="https://data.binance.vision", pattern=r"^https?://\S+$")


SourceDeclaration = Annotated[BinanceArchive, Field(discriminator=None)]
"""Any source that can be declared; `kind` says which."""
