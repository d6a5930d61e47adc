"""What every declared source says of its bars."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from trading_assets.declarations.declaration import Declaration

Size = Literal["1m", "5m", "15m", "1h", "1d"]
"""Names of bar sizes, as in `domain.bar.Timeframe`."""


class BarSource(Declaration):
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
