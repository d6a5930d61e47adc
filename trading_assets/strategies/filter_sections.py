"""The `filters:` section of a strategy spec: what has to hold before an entry."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trading_assets.strategies.spec_sections import Amount, Number, Section

PINNED = ("regime",)
"""Filters that look at more than the symbol's own bars, and whose parameters a release pins."""

Flag = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class UniverseFilter(Section):
    """Enter only members of the month's universe, and of them only the first `top` (0: all)."""

    top: int = Field(default=0, ge=0)


class VolumeFilter(Section):
    """Enter only where mean volume of `recent` bars is `min_ratio` times that of `bars` bars."""

    bars: int = Field(default=48, ge=2, le=5000)
    recent: int = Field(default=1, ge=1)
    min_ratio: Annotated[Number, Field(gt=0)] = Decimal(1)

    @model_validator(mode="after")
    def _recent_is_inside(self) -> Self:
        if self.recent >= self.bars:
            raise ValueError(f"recent below bars ({self.bars})")
        return self


class RocFilter(Section):
    """Enter only where the close has changed by `min_pct` to `max_pct` percent over `bars` bars."""

    bars: int = Field(default=12, ge=1, le=5000)
    min_pct: Number | None = None
    max_pct: Number | None = None

    @model_validator(mode="after")
    def _a_bound_is_said(self) -> Self:
        low, high = self.min_pct, self.max_pct
        if low is None and high is None:
            raise ValueError("min_pct, max_pct or both")
        if low is not None and high is not None and low > high:
            raise ValueError("min_pct not above max_pct")
        return self


class NewsFilter(Section):
    """Enter only where no flag of `news_file` covers the bar; `flags` names those that count."""

    flags: tuple[Flag, ...] = ()


class ConfirmationFilter(Section):
    """Enter only on the side where the last `closes` closes lie of their mean of `bars` bars.

    Above their mean they confirm a long entry, below it a short one.
    """

    bars: int = Field(default=96, ge=2, le=5000)
    closes: int = Field(default=3, ge=1, le=1000)


class VolatilityFilter(Section):
    """Enter only where volatility of `recent` bars is within bounds of that of `bars` bars.

    Volatility is the root mean square of log returns; the ratio is 1 in a market as usual.
    """

    bars: int = Field(default=2016, ge=3, le=5000)
    recent: int = Field(default=288, ge=2)
    min_ratio: Amount = Decimal(0)
    max_ratio: Annotated[Number, Field(gt=0)] = Decimal(2)

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if self.recent >= self.bars:
            raise ValueError(f"recent below bars ({self.bars})")
        if self.min_ratio >= self.max_ratio:
            raise ValueError("min_ratio below max_ratio")
        return self


class RegimeFilter(Section):
    """Enter only where the regimes of `allow` have, together, `min_probability` or more."""

    allow: tuple[Literal["calm", "normal", "turbulent"], ...] = Field(
        default=("calm", "normal"), min_length=1
    )
    min_probability: Annotated[Number, Field(gt=0, le=1)] = Decimal("0.5")


class FiltersSpec(Section):
    """Every filter is optional; the order here is the order of the first no."""

    universe: UniverseFilter | None = None
    volume: VolumeFilter | None = None
    roc: RocFilter | None = None
    news: NewsFilter | None = None
    confirmation: ConfirmationFilter | None = None
    volatility: VolatilityFilter | None = None
    regime: RegimeFilter | None = None

    @property
    def unsaid(self) -> set[str]:
        """Filters that came later and are not declared: they are no part of a spec's hash."""
        return {name for name in ("volatility", "regime") if getattr(self, name) is None}

    @property
    def names(self) -> tuple[str, ...]:
        """Filters that are declared, in order."""
        return tuple(name for name in type(self).model_fields if getattr(self, name))

    @property
    def needs(self) -> tuple[str, ...]:
        """Filters that look at more than the symbol's own bars."""
        return tuple(name for name in self.names if name in ("universe", "news", "regime"))
