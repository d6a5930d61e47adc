"""The parts of a strategy spec: sizing, costs, limits, fill rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    model_validator,
)

from trading_assets.domain.ids import Micros

BarSize = Literal["1m", "5m", "15m", "1h", "1d"]
"""Sizes of bars, by their names in `domain.bar.Timeframe`."""

_MINUTES_PER_YEAR = 525_600


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("a number")  # noqa: TRY004 - pydantic reports ValueErrors
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise ValueError("a number") from None
    if not number.is_finite():
        raise ValueError("a finite number")
    return number


def decimal_text(value: Decimal) -> str:
    """Write a decimal so that equal values have equal text: `10.0` and `10` are `10`."""
    return format(value.normalize(), "f")


Number = Annotated[Decimal, BeforeValidator(_decimal), PlainSerializer(decimal_text)]
Amount = Annotated[Number, Field(ge=0)]
"""A number declared in YAML; it enters as its decimal text, never as a binary fraction."""


class Section(BaseModel):
    """A part of a spec: frozen, and no key but its own."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, defer_build=True
    )


USED_BY = {
    "qty": ("fixed",),
    "pos_pct": ("pct_of_equity", "risk_parity"),
    "risk_pct": ("risk", "atr"),
    "target_vol_pct": ("vol_target",),
    "win_rate_pct": ("kelly",),
    "payoff": ("kelly",),
}
"""Numbers of the sizing that some modes need, and no other reads."""

MAY_BE_SAID = {
    "atr_bars": ("atr",),
    "stop_mult": ("atr",),
    "half_life_bars": ("vol_target", "risk_parity"),
    "bars_per_year": ("vol_target",),
    "kelly_pct": ("kelly",),
    "kelly_min_trips": ("kelly",),
}
"""Numbers with a default, of some modes only."""

Positive = Annotated[int, Field(ge=1)]


class SizingSpec(Section):
    """How large a position is; meaning of the fields: `domain.setup.Sizing`."""

    mode: Literal["fixed", "pct_of_equity", "risk", "atr", "vol_target", "kelly", "risk_parity"]
    qty: Amount = Decimal(0)
    pos_pct: Amount = Decimal(0)
    risk_pct: Amount = Decimal(0)
    max_pos_pct: Amount = Decimal(100)
    min_qty: Amount = Decimal(0)
    cash_buffer_pct: Amount = Decimal(0)
    rebalance_pct: Amount = Decimal(0)
    atr_bars: Positive = 14
    stop_mult: Annotated[Number, Field(gt=0)] = Decimal("1.5")
    target_vol_pct: Amount = Decimal(0)
    half_life_bars: Positive = 288
    bars_per_year: Positive = 105_120
    win_rate_pct: Annotated[Number, Field(ge=0, le=100)] = Decimal(0)
    payoff: Amount = Decimal(0)
    kelly_pct: Annotated[Number, Field(gt=0, le=100)] = Decimal(50)
    kelly_min_trips: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _mode_has_its_number(self) -> Self:
        for key, modes in (USED_BY | MAY_BE_SAID).items():
            if self.mode in modes and getattr(self, key) <= 0 and key in USED_BY:
                raise ValueError(f"{key} above 0, since mode is {self.mode}")
            if self.mode not in modes and key in self.model_fields_set:
                owner = " or ".join(modes)
                raise ValueError(f"no {key}, which belongs to mode {owner}; mode is {self.mode}")
        return self

    def with_bars_of(self, minutes: int) -> SizingSpec:
        """Count the bars of a year by their size, unless it is said; a market never closes here."""
        bars = _MINUTES_PER_YEAR // minutes
        is_said = "bars_per_year" in self.model_fields_set
        if is_said or "bars_per_year" in self.unread or bars == self.bars_per_year:
            return self
        keys = {**dict(self), "bars_per_year": bars}
        return SizingSpec.model_construct(_fields_set=self.model_fields_set, **keys)

    @property
    def unread(self) -> set[str]:
        """Keys that this mode does not read."""
        return {key for key, modes in (USED_BY | MAY_BE_SAID).items() if self.mode not in modes}


Part = Annotated[Number, Field(ge=0, le=1)]


class RiskFactorSpec(Section):
    """What makes entries smaller; meaning: `domain.setup.RiskFactor`."""

    min_confidence: Part = Decimal("0.6")
    confidence_factor: Part = Decimal("0.8")
    max_drawdown_pct: Amount = Decimal(5)
    drawdown_factor: Part = Decimal("0.5")
    volatility_multiple: Amount = Decimal(2)
    volatility_factor: Part = Decimal("0.6")
    half_life_bars: Positive = 288


class CostsSpec(Section):
    """Costs of trading: `fees_bps` for all fills, or `maker_bps` and `taker_bps`.

    Meaning of the others: `domain.setup.Costs`, and the models of price in `engine.costs`.

    Attributes:
        measured: a book, by whose fills these costs are replaced from the bar on at which something
            was known of them; "" for none. What is declared holds until then, and wherever there is
            no desk.
    """

    fees_bps: Amount | None = None
    maker_bps: Amount | None = None
    taker_bps: Amount | None = None
    per_share: Amount = Decimal(0)
    slippage_bps: Amount = Decimal(0)
    fee_asset: Literal["quote", "received"] = "quote"
    minimum_fee: Amount = Decimal(0)
    half_spread_bps: Amount = Decimal(0)
    impact_bps: Amount = Decimal(0)
    sqrt_impact: Amount = Decimal(0)
    swap_long_bps: Number = Decimal(0)
    swap_short_bps: Number = Decimal(0)
    borrow_bps: Amount = Decimal(0)
    per_fill: Amount = Decimal(0)
    measured: str = Field(default="", pattern=r"^[a-z0-9_]{0,40}$")
    _later: tuple[tuple[Micros, CostsSpec], ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _what_is_measured_is_one_model(self) -> Self:
        if not self.measured:
            return self
        if any((self.per_share, self.minimum_fee, self.per_fill)):
            raise ValueError(
                "no per_share, minimum_fee or per_fill with measured: fees are measured as a share "
                "of the notional, with all that was paid in them"
            )
        if self.impact_bps and self.sqrt_impact:
            raise ValueError(
                "either impact_bps or sqrt_impact with measured, the model that is measured"
            )
        return self

    @property
    def later(self) -> tuple[tuple[Micros, CostsSpec], ...]:
        """Costs that replace these, each from the bar on that opens then, ascending.

        They come from elsewhere, and are no part of what a spec says: neither of its file nor of
        its hash.
        """
        return self._later

    @property
    def at_first(self) -> CostsSpec:
        """The costs of the first bar: these, unless others replace them from ever on."""
        return self._later[0][1] if self._later and self._later[0][0] <= 0 else self

    def always(self, costs: CostsSpec) -> CostsSpec:
        """Give the same costs with others that replace them from ever on."""
        return self.with_later(((0, costs),))

    def with_later(self, later: tuple[tuple[Micros, CostsSpec], ...]) -> CostsSpec:
        """Give the same costs with others that replace them."""
        found = self.model_copy()
        found._later = later  # noqa: SLF001 - of its own kind
        return found

    @model_validator(mode="after")
    def _fees_are_said_once(self) -> Self:
        if self.fees_bps is not None and (self.maker_bps, self.taker_bps) != (None, None):
            raise ValueError("either fees_bps, or maker_bps and taker_bps")
        return self

    @property
    def maker(self) -> Decimal:
        """Fee of a resting order, in basis points."""
        return self.maker_bps if self.maker_bps is not None else self.fees_bps or Decimal(0)

    @property
    def taker(self) -> Decimal:
        """Fee of an order that takes, in basis points."""
        return self.taker_bps if self.taker_bps is not None else self.fees_bps or Decimal(0)


class LimitsSpec(Section):
    """Hard limits before any order; 0 means none. Meaning: `domain.setup.Limits`."""

    max_order_notional: Amount = Decimal(0)
    max_position_pct: Amount = Decimal(0)
    max_orders_per_day: int = Field(default=0, ge=0)
    daily_loss_bps: Amount = Decimal(0)
    max_drawdown_pct: Amount = Decimal(0)
    max_gross_pct: Amount = Decimal(0)
    max_net_pct: Amount = Decimal(0)
    max_leverage: Amount = Decimal(0)
    max_symbol_notional: Amount = Decimal(0)
    max_orders_per_minute: int = Field(default=0, ge=0)
    moc_guard_minutes: int = Field(default=0, ge=0)
    max_var_pct: Amount = Decimal(0)
    var_confidence_pct: Annotated[Number, Field(gt=50, lt=100)] = Decimal(99)
    var_half_life_days: Positive = 20


class MarginSpec(Section):
    """What a margin account asks for; meaning: `domain.setup.Account`."""

    leverage: Annotated[Number, Field(ge=0, le=1000)] = Decimal(0)
    maintenance_pct: Annotated[Number, Field(ge=0, lt=100)] = Decimal(0)


class RulesSpec(Section):
    """Where inside a bar things happen; meaning: `domain.setup.FillRules`."""

    fill_at: Literal["next_open", "bar_close"] = "next_open"
    size_at: Literal["close", "fill"] = "close"
    exits_in_entry_bar: bool = False
    limit_needs_through: bool = False
    withdraw_past_stop: bool = True
    exit_at_valid_to: bool = True
    participation_pct: Annotated[Number, Field(ge=0, le=100)] = Decimal(0)
    trailing_stop: Literal["nothing", "close", "extreme"] = "nothing"


HASHED_WHEN_SAID: dict[str, frozenset[str]] = {
    "sizing": frozenset(
        {
            "atr_bars",
            "stop_mult",
            "target_vol_pct",
            "half_life_bars",
            "bars_per_year",
            "win_rate_pct",
            "payoff",
            "kelly_pct",
            "kelly_min_trips",
        }
    ),
    "costs": frozenset(
        {
            "minimum_fee",
            "half_spread_bps",
            "impact_bps",
            "sqrt_impact",
            "swap_long_bps",
            "swap_short_bps",
            "borrow_bps",
            "per_fill",
            "measured",
        }
    ),
    "limits": frozenset(
        {
            "max_gross_pct",
            "max_net_pct",
            "max_leverage",
            "max_symbol_notional",
            "max_orders_per_minute",
            "moc_guard_minutes",
            "max_var_pct",
            "var_confidence_pct",
            "var_half_life_days",
        }
    ),
    "rules": frozenset({"participation_pct", "trailing_stop"}),
}
"""Keys that came later: a spec that leaves them at their defaults keeps the hash it had before."""


def unsaid(name: str, section: Section) -> set[str]:
    """Give the later keys of a section that stand at their defaults."""
    fields = type(section).model_fields
    later = HASHED_WHEN_SAID[name]
    return {key for key in later if getattr(section, key) == fields[key].default}
