"""Sections of the settings that have one table each: quality, exchange, model, gate, live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator, model_validator

from trading_assets.declarations.declaration import Declaration
from trading_assets.domain.ids import Month, months_between


class Storage(Declaration):
    """What becomes of versions that are no longer current, and the cache of what engines read."""

    gc_grace_days: int = Field(ge=1)
    cache: bool
    cache_max_gb: float = Field(ge=0)


class Quality(Declaration):
    """When data are too bad to go on."""

    max_gap_minutes: int = Field(ge=0)
    jump_factor: float = Field(gt=0)
    outages: Path | None
    cross_check: str
    cross_check_amounts: bool


class Server(Declaration):
    """Where a local server listens; loopback only."""

    host: Literal["127.0.0.1", "localhost", "::1"]
    port: int = Field(ge=1, le=65535)

    @property
    def url(self) -> str:
        """Its address."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class Exchange(Server):
    """The embedded exchange."""

    seed: int = Field(ge=0)
    structure: float = Field(ge=0, le=1)


class Binance(Declaration):
    """The real venue, and how patient we are with any venue."""

    api_url: str = Field(pattern=r"^https?://\S+/api$")
    recv_window_ms: int = Field(ge=500, le=5000)
    timeout_s: float = Field(gt=0, le=10)
    max_attempts: int = Field(ge=1, le=20)
    bars: Literal["polled", "streamed"]
    account: Literal["polled", "streamed"]


class Model(Declaration):
    """Training of the forecast model."""

    feature_set: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    horizons: tuple[Literal["1h", "4h", "1d"], ...] = Field(min_length=1)
    label: Literal["volatility_scaled", "triple_barrier"]
    barrier_upper: float = Field(gt=0)
    barrier_lower: float = Field(gt=0)
    calibration: Literal["auto", "platt", "isotonic"]
    rounds: int = Field(ge=1)
    num_leaves: int = Field(ge=2)
    learning_rate: float = Field(gt=0, le=1)
    min_data_in_leaf: int = Field(ge=1)
    seed: int = Field(ge=0)
    threads: int = Field(ge=0)


class Tuning(Declaration):
    """The search for parameters of the model; no part of what a model is."""

    trials: int = Field(ge=0, le=10_000)
    groups: int = Field(ge=2, le=50)
    tested: int = Field(ge=1)
    seed: int = Field(ge=0)

    @model_validator(mode="after")
    def _some_groups_are_learned_from(self) -> Self:
        if self.tested >= self.groups:
            raise ValueError("tested below groups")
        return self


class Regimes(Declaration):
    """Volatility regimes: their number, and the past that their parameters come from."""

    states: Literal[2, 3]
    look_back_days: int = Field(ge=30, le=1000)  # the graph's reach covers the filter's warm-up
    min_days: int = Field(ge=7, le=1000)

    @model_validator(mode="after")
    def _the_past_is_long_enough(self) -> Self:
        if self.min_days > self.look_back_days:
            raise ValueError(f"min_days of at most look_back_days ({self.look_back_days})")
        return self


class RiskFactorRules(Declaration):
    """Thresholds of the research's risk factor; what they mean: `risk.factor`."""

    horizon: Literal["1h", "4h", "1d"]
    min_confidence: float = Field(ge=0, le=1)
    max_calibration_error: float = Field(ge=0, le=1)
    calibration_months: int = Field(ge=1)
    calibration_confidence: float = Field(gt=0.5, lt=1)
    confidence_factor: float = Field(ge=0, le=1)
    max_drawdown_pct: float = Field(ge=0)
    drawdown_factor: float = Field(ge=0, le=1)
    volatility_multiple: float = Field(ge=0)
    max_turbulence: float = Field(ge=0, le=1)
    volatility_factor: float = Field(ge=0, le=1)
    half_life_bars: int = Field(ge=1)


_MONTH_OR_NONE = r"^(\d{4}-(0[1-9]|1[0-2]))?$"
Share = Annotated[float, Field(ge=0, le=1)]


class Gate(Declaration):
    """Thresholds of the promotion rules; meaning: `evaluation.gates.Thresholds`."""

    min_trades: int = Field(ge=0)
    min_oos_trades: int = Field(ge=0)
    min_net_return_pct: float
    track_confidence: float = Field(gt=0.5, lt=1)
    min_oos_months: int = Field(ge=1)
    min_deflated_sharpe: Share
    pbo_from_trials: int = Field(ge=2)
    pbo_blocks: int = Field(ge=2, le=20, multiple_of=2)
    max_pbo: Share
    max_spa_p: Share
    min_neighbour_share: Share
    max_drawdown_pct: float = Field(gt=0, le=100)
    max_participation_pct: float = Field(gt=0, le=100)
    max_impact_loss: Share
    min_winners: float = Field(ge=0)
    max_month_share: float = Field(gt=0)
    max_symbol_share: float = Field(gt=0)
    interval_confidence: float = Field(gt=0.5, lt=1)
    min_improvement_pct: float = Field(ge=0)
    max_inferiority_pct: float = Field(ge=0)
    max_risk_ratio: Share
    min_days_between_switches: int = Field(ge=0)
    min_days_after_taking_back: int = Field(ge=0)
    holdout_quantile: float = Field(gt=0, lt=0.5)
    bootstrap_draws: int = Field(ge=100)
    seed: int = Field(ge=0)


class ConductRules(Declaration):
    """Of a release that trades; meaning: `evaluation.conduct.ConductTerms`.

    Attributes:
        demotes_by: rules that take a book back by themselves when they fail.
        ramp: shares of the largest capital that a decision allows, one per step with real money.
        ramp_entries, ramp_days: filled entries and whole days at a step before the next one.
    """

    probation_days: int = Field(ge=1)
    probation_entries: int = Field(ge=0)
    probation_days_alone: int = Field(ge=1)
    min_exact_share: Share
    slippage_confidence: float = Field(gt=0.5, lt=1)
    band_quantile: float = Field(gt=0, lt=0.5)
    max_drawdown_ratio: float = Field(gt=0)
    exact_days: int = Field(ge=1)
    max_inexact_days: int = Field(ge=0)
    min_budget: float = Field(le=1)
    bootstrap_draws: int = Field(ge=100)
    seed: int = Field(ge=0)
    demotes_by: tuple[
        Literal["within_band", "drawdown_as_predicted", "exact_lately", "budget_left"], ...
    ]
    ramp: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(min_length=1)
    ramp_entries: int = Field(ge=0)
    ramp_days: int = Field(ge=0)

    @model_validator(mode="after")
    def _the_ramp_goes_up_to_the_whole(self) -> Self:
        if sorted(set(self.ramp)) != list(self.ramp) or self.ramp[-1] != 1:
            raise ValueError("a ramp of larger and larger shares, up to 1")
        return self


class Examination(Declaration):
    """Further runs of a candidate.

    Attributes:
        costs_x: fees and financing times so much.
        slippage_x: spread, slippage and impact times so much.
        neighbour_pct: how far a neighbour's parameter is away, in percent of itself.
        sqrt_impact: of the capacity curve; see `engine.costs`.
        capital_x: points of the curve, in multiples of the spec's cash; the first is 1.
    """

    costs_x: float = Field(ge=1)
    slippage_x: float = Field(ge=1)
    neighbour_pct: float = Field(gt=0, lt=100)
    sqrt_impact: float = Field(ge=0)
    capital_x: tuple[Annotated[float, Field(ge=1)], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _capital_begins_with_the_planned_one(self) -> Self:
        if self.capital_x[0] != 1 or sorted(set(self.capital_x)) != list(self.capital_x):
            raise ValueError("capital_x of 1 first, then larger and larger multiples")
        return self


class Holdout(Declaration):
    """Months that research never looks at and a decision reads once; both empty: none.

    Attributes:
        first, last: calendar months (UTC) as `2024-10`; both are held out.
    """

    first: str = Field(pattern=_MONTH_OR_NONE)
    last: str = Field(pattern=_MONTH_OR_NONE)

    @model_validator(mode="after")
    def _first_is_not_after_last(self) -> Self:
        if bool(self.first) != bool(self.last) or self.first > self.last:
            raise ValueError("a first month and a last one that is not before it, or none of both")
        return self

    @property
    def months(self) -> tuple[Month, ...]:
        """All of them, ascending."""
        if not self.first:
            return ()
        return months_between(Month.from_text(self.first), Month.from_text(self.last))


class FillCostRules(Declaration):
    """How costs are estimated from the fills of live books; see `evaluation.cost_estimation`.

    Attributes:
        window_days: of fills before the end of a month that its version is made of.
    """

    window_days: int = Field(ge=1, le=1000)
    min_fills: int = Field(ge=3)
    min_days: int = Field(ge=3)
    confidence: float = Field(gt=0.5, lt=1)


class Backtest(Declaration):
    """Rules common to all backtests."""

    max_hole_minutes: int = Field(ge=0)


class ControlServer(Server):
    """Where the control API listens, and by which other names a proxy before it is asked."""

    hosts: tuple[str, ...] = ()


class Display(Declaration):
    """How things are shown to people; nothing is ever stored that way."""

    time_zone: str

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("a time zone of the IANA database, such as Europe/Berlin") from None
        return value


OnForeign = Literal["report", "pause_symbol", "halt"]
OnUpstream = Literal["alert", "reduce", "hold"]
HandOver = Literal["carry", "when_flat", "close"]
BreakerLevel = Literal["pause", "halt", "flatten"]


def _beyond_usual(multiple: float) -> float:
    if 0.0 < multiple <= 1.0:
        raise ValueError("0 for none, or above 1: what is usual would halt the book")
    return multiple


BreakerMultiple = Annotated[float, Field(ge=0), AfterValidator(_beyond_usual)]


class Live(Declaration):
    """The live executor."""

    poll_s: float = Field(gt=0)
    late_bar_s: float = Field(gt=0)
    stop_s: float = Field(gt=0, lt=100)
    heartbeat_s: float = Field(gt=0)
    supervisor_timeout_s: float = Field(ge=0)
    latch_losses: bool
    orders_per_symbol: int = Field(ge=1, le=32)
    collar_pct: float = Field(ge=0)
    max_open_orders: int = Field(ge=0)
    log_file: str
    slo_policy: Literal["enforce", "off"]
    slo_within_s: float = Field(gt=0)
    foreign: OnForeign
    cool_down_s: float = Field(ge=0)
    hand_over: HandOver
    hand_over_bars: int = Field(ge=0)
    stale_bars: float = Field(ge=0)
    jump_factor: float = Field(ge=0)
    breaker_drawdown_pct: float = Field(ge=0, lt=100)
    breaker_volatility_x: BreakerMultiple
    breaker_book_volatility_x: BreakerMultiple
    breaker_level: BreakerLevel
    close_guard_s: float = Field(ge=0)
    leave_at_close: bool
    parity_price_bps: float = Field(gt=0)
    parity_late_s: float = Field(gt=0)
    parity_mean_bps: float = Field(gt=0)
    parity_odd_fills: int = Field(ge=0)
    parity_demotes: bool
    upstream: OnUpstream


class Book(Declaration):
    """One venue account, the book whose releases it trades (its own when empty), own policies.

    A book of venue `simulated`, or of mode `shadow`, has no account at a venue: the engine's own
    rules fill its orders, on the bars of its market.
    """

    venue: Literal["embedded", "binance", "simulated"]
    mode: Literal["trade", "shadow"] = "trade"
    release: str = Field(default="", pattern=r"^[0-9a-f]{0,64}$")
    account: str = Field(pattern=r"^[a-z0-9_]{1,40}$")
    trades: str = Field(default="", pattern=r"^[a-z0-9_]{0,40}$")
    foreign: OnForeign | None = None
    upstream: OnUpstream | None = None
    hand_over: HandOver | None = None
    hand_over_bars: int | None = Field(default=None, ge=0)
    breaker_drawdown_pct: float | None = Field(default=None, ge=0, lt=100)
    breaker_volatility_x: BreakerMultiple | None = None
    breaker_book_volatility_x: BreakerMultiple | None = None
    breaker_level: BreakerLevel | None = None

    @property
    def is_simulated(self) -> bool:
        """Whether its orders never leave this machine."""
        return self.venue == "simulated" or self.mode == "shadow"

    @property
    def market(self) -> Literal["embedded", "binance"]:
        """Whose bars it trades on."""
        return "embedded" if self.venue == "simulated" else self.venue
