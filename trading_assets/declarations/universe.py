"""What makes a symbol a member of a month's universe, as `[universe]`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from trading_assets.declarations.declaration import Declaration


class UniverseDeclaration(Declaration):
    """Rules of membership; meaning: `market.universe.UniverseRules`.

    Attributes:
        by: what symbols are ranked by.
        news: CSV or Parquet file with `symbol, from, to, flag`; None when there is none.
    """

    top_n: int = Field(ge=0)
    by: Literal["quote_volume"]
    look_back_days: int = Field(ge=1, le=366)
    min_quote_volume: float = Field(ge=0)
    min_roc_pct: float = Field(ge=-100)
    max_roc_pct: float
    exclude_news: bool
    news: Path | None
