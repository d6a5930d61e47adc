"""What a run is made of besides bars and signals: account, costs, sizing, limits, fill rules."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum
from typing import NamedTuple

from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.intents import Decider
from trading_assets.domain.order import TrailBy


class AccountProfile(IntEnum):
    """What an account may do; the numbers stand in state records."""

    SPOT_LONG_ONLY = 0
    MARGIN = 1


class FeeAsset(IntEnum):
    """In which asset a fee is taken; the numbers stand in state records."""

    QUOTE = 0
    RECEIVED = 1  # base on buys, quote on sells: the default of a spot venue


class SizingMode(Enum):
    """How a decision becomes a quantity."""

    FIXED = "fixed"  # `qty` units of base
    PCT_OF_EQUITY = "pct_of_equity"  # `pos_pct` percent of equity at the close
    RISK = "risk"  # lose `risk_pct` percent of equity at the stop, capped by `max_pos_pct`
    ATR = "atr"  # the same, with a stop that many average true ranges away
    VOL_TARGET = "vol_target"  # the position's volatility is `target_vol_pct` of equity in a year
    KELLY = "kelly"  # a part of the Kelly fraction of equity
    RISK_PARITY = "risk_parity"  # `pos_pct` shared out by inverse volatility (naive risk parity)


class SignalFamily(IntEnum):
    """Which columns a strategy emits; the numbers stand in state records."""

    TARGET = 0
    BRACKET = 1
    ON_BAR = 2  # columns of its own, shown to the strategy's `on_bar`


class FillAt(IntEnum):
    """Where a market order fills; `BAR_CLOSE` exists to reproduce other engines only."""

    NEXT_OPEN = 0
    BAR_CLOSE = 1


class SizeAt(IntEnum):
    """Which price sizes an order; `FILL` exists to reproduce other engines only."""

    CLOSE = 0
    FILL = 1


@dataclass(frozen=True, slots=True)
class Account:
    """Starting balances of one account; all symbols of a run share its quote asset.

    Attributes:
        leverage: of a margin account: an entry needs 1 / leverage of all exposure as equity, and
            its costs; 0 asks for no margin.
        maintenance_pct: of a margin account: at a close where equity is less than this percentage
            of what the positions are worth, all of them go to market; 0 never liquidates.
    """

    quote: str
    cash: Decimal
    profile: AccountProfile = AccountProfile.SPOT_LONG_ONLY
    leverage: Decimal = Decimal(0)
    maintenance_pct: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Costs:
    """Trading costs; what worsens a price does so for takers, and never beyond an order's limit.

    Attributes:
        maker_bps, taker_bps: fee on notional in basis points; resting limit orders pay maker.
        per_share: fee per unit of base, in quote, added to the fee on notional.
        per_fill: fee of every fill, in quote, added to the others; an order that fills in parts
            pays it for each.
        slippage_bps: worsens every taker fill.
        minimum_fee: least of all fees of one order, in quote, however many fills it takes.
        half_spread_bps: from the traded price to the other side of the book.
        impact_bps: worsens a fill by this times its share of the volume of its bar.
        sqrt_impact: worsens a fill by this times the volatility of a bar times the square root of
            its share of a bar's volume, both measured over the bars before it.
        swap_long_bps, swap_short_bps: per night on the value of a position; below zero is income.
        borrow_bps: per night on the value of a short position, on top.
    """

    maker_bps: Decimal = Decimal(0)
    taker_bps: Decimal = Decimal(0)
    per_share: Decimal = Decimal(0)
    slippage_bps: Decimal = Decimal(0)
    fee_asset: FeeAsset = FeeAsset.QUOTE
    minimum_fee: Decimal = Decimal(0)
    half_spread_bps: Decimal = Decimal(0)
    impact_bps: Decimal = Decimal(0)
    sqrt_impact: Decimal = Decimal(0)
    swap_long_bps: Decimal = Decimal(0)
    swap_short_bps: Decimal = Decimal(0)
    borrow_bps: Decimal = Decimal(0)
    per_fill: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Sizing:
    """Sizing of one strategy book; percentages are of its equity.

    Attributes:
        cash_buffer_pct: part of equity never spent, so that price moves and fees cannot turn an
            affordable order into a refused one.
        rebalance_pct: an open position is resized only when its target differs by more than this
            percentage of equity; 0 resizes on every bar.
        max_pos_pct: cap of every size that is not declared.
        atr_bars, stop_mult: Wilder's average true range over so many bars, and how many of them
            away a stop is taken to be.
        target_vol_pct: annual volatility of a whole position, in percent of equity.
        half_life_bars: after which a return weighs half in the volatility of a symbol; so many
            bars have to be seen before anything is sized by it.
        bars_per_year: scale the volatility of a bar to a year; 105120 are 5 minutes each, day
            and night. A spec that does not say it means as many as its bars are long.
        win_rate_pct, payoff: declared odds: round trips won, and mean gain over mean loss.
        kelly_pct: part of the Kelly fraction that is taken.
        kelly_min_trips: round trips of a book, from which on its own odds replace the declared;
            0 keeps the declared.
    """

    mode: SizingMode
    qty: Decimal = Decimal(0)
    pos_pct: Decimal = Decimal(0)
    risk_pct: Decimal = Decimal(0)
    max_pos_pct: Decimal = Decimal(100)
    min_qty: Decimal = Decimal(0)
    cash_buffer_pct: Decimal = Decimal(0)
    rebalance_pct: Decimal = Decimal(0)
    atr_bars: int = 14
    stop_mult: Decimal = Decimal("1.5")
    target_vol_pct: Decimal = Decimal(0)
    half_life_bars: int = 288
    bars_per_year: int = 105_120
    win_rate_pct: Decimal = Decimal(0)
    payoff: Decimal = Decimal(0)
    kelly_pct: Decimal = Decimal(50)
    kelly_min_trips: int = 0


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """What makes entries smaller; each reason multiplies the factor, which is 1 without any.

    Attributes:
        min_confidence: a `confidence` below it (family TARGET) counts as low.
        max_drawdown_pct: of peak equity.
        volatility_multiple: of the mean volatility of the symbol so far in the run.
        half_life_bars: of that volatility, as in `Sizing`.
        confidence_factor, drawdown_factor, volatility_factor: what each reason multiplies by.
    """

    min_confidence: Decimal = Decimal("0.6")
    confidence_factor: Decimal = Decimal("0.8")
    max_drawdown_pct: Decimal = Decimal(5)
    drawdown_factor: Decimal = Decimal("0.5")
    volatility_multiple: Decimal = Decimal(2)
    volatility_factor: Decimal = Decimal("0.6")
    half_life_bars: int = 288


@dataclass(frozen=True, slots=True)
class Limits:
    """Hard limits before any order; 0 means none. Exits pass all but the venue's own filters.

    What counts as exposure, working entries included: `risk.exposure`.

    Attributes:
        max_order_notional: in quote.
        max_position_pct: of equity, per symbol.
        max_orders_per_day: entries per symbol and UTC day.
        daily_loss_bps: of the equity at the start of the UTC day; entries stop for the day.
        max_drawdown_pct: of peak equity; entries stop for the run.
        max_gross_pct: of equity, long and short exposure together.
        max_net_pct: of equity, long less short exposure, on either side.
        max_leverage: gross exposure as a multiple of equity.
        max_symbol_notional: in quote, per symbol.
        max_orders_per_minute: entries of the account per minute of the engine's clock, which is the
            open time of bars.
        max_var_pct: of equity, value at risk of one day (`risk.exposure`), with
            `var_confidence_pct` and `var_half_life_days`.
        moc_guard_minutes: no entry less than this before its `valid_to`, at whose close what is
            left of it goes to market.
    """

    max_order_notional: Decimal = Decimal(0)
    max_position_pct: Decimal = Decimal(0)
    max_orders_per_day: int = 0
    daily_loss_bps: Decimal = Decimal(0)
    max_drawdown_pct: Decimal = Decimal(0)
    max_gross_pct: Decimal = Decimal(0)
    max_net_pct: Decimal = Decimal(0)
    max_leverage: Decimal = Decimal(0)
    max_symbol_notional: Decimal = Decimal(0)
    max_orders_per_minute: int = 0
    moc_guard_minutes: int = 0
    max_var_pct: Decimal = Decimal(0)
    var_confidence_pct: Decimal = Decimal(99)
    var_half_life_days: int = 20

    def wider_than(self, other: Limits) -> tuple[str, ...]:
        """Name the limits that let more pass than those of `other` do."""
        ours, theirs = asdict(self), asdict(other)
        most = [name for name in ours if name.startswith("max_") or name == "daily_loss_bps"]
        wider = [n for n in most if theirs[n] and (not ours[n] or ours[n] > theirs[n])]
        if self.moc_guard_minutes < other.moc_guard_minutes:
            wider.append("moc_guard_minutes")
        measure = (self.var_confidence_pct, self.var_half_life_days)
        if other.max_var_pct and measure != (other.var_confidence_pct, other.var_half_life_days):
            wider.append("var_confidence_pct, var_half_life_days")  # cannot be compared
        return tuple(wider)


@dataclass(frozen=True, slots=True)
class FillRules:
    """Where inside a bar things happen; the defaults are the pessimistic ones.

    Attributes:
        exits_in_entry_bar: a bracket's exits may already fill in the bar of its entry.
        limit_needs_through: a limit fills only when traded through, not when touched.
        withdraw_past_stop: cancel a pending bracket entry when a bar closes beyond its stop.
        exit_at_valid_to: send an open bracket position to market at the close of `valid_to`.
        participation_pct: most of a bar's volume that all orders of its symbol fill together; 0
            fills every order whole.
        trailing_stop: the stops of brackets, and of entries that were asked for, trail at the
            distance between entry and stop.
    """

    fill_at: FillAt = FillAt.NEXT_OPEN
    size_at: SizeAt = SizeAt.CLOSE
    exits_in_entry_bar: bool = False
    limit_needs_through: bool = False
    withdraw_past_stop: bool = True
    exit_at_valid_to: bool = True
    participation_pct: Decimal = Decimal(0)
    trailing_stop: TrailBy = TrailBy.NOTHING


@dataclass(frozen=True, slots=True)
class StrategySetup:
    """One strategy on an account, with a book of its own for each of its instruments.

    Attributes:
        tag: names its books.
        rules: of them `withdraw_past_stop`, `exit_at_valid_to` and `trailing_stop` are a
            strategy's; the others are the account's.
        allocation_pct: of the account's equity, that this strategy sizes on.
        decider: as in `EngineSetup`.
        risk_factor: None keeps it at 1.
    """

    tag: str
    instruments: tuple[Instrument, ...]
    family: SignalFamily
    sizing: Sizing
    rules: FillRules = field(default_factory=FillRules)
    allocation_pct: Decimal = Decimal(100)
    decider: Decider | None = None
    risk_factor: RiskFactor | None = None


@dataclass(frozen=True, slots=True)
class EngineSetup:
    """All that the engine must know before its first bar: one strategy on one account.

    Attributes:
        decider: the strategy itself in family ON_BAR, which is asked at every close; None in the
            others, whose signals are all that the engine sees of a strategy.
        tag: names its books; what is traded does not depend on it.
        risk_factor: None keeps it at 1.
        later_costs: that replace `costs`, each from the bar on that opens then, ascending. Runs
            over history change them on the way; a live book has none.
    """

    instruments: tuple[Instrument, ...]
    account: Account
    family: SignalFamily
    sizing: Sizing
    costs: Costs = field(default_factory=Costs)
    limits: Limits = field(default_factory=Limits)
    rules: FillRules = field(default_factory=FillRules)
    decider: Decider | None = None
    tag: str = ""
    risk_factor: RiskFactor | None = None
    later_costs: tuple[tuple[Micros, Costs], ...] = ()

    @property
    def strategies(self) -> tuple[StrategySetup, ...]:
        """The one strategy, which sizes on all of the equity."""
        one = StrategySetup(
            self.tag, self.instruments, self.family, self.sizing, self.rules, decider=self.decider,
            risk_factor=self.risk_factor,
        )  # fmt: skip
        return (one,)


@dataclass(frozen=True, slots=True)
class PortfolioSetup:
    """Several strategies on one account: cash, costs, limits and the market's rules are shared.

    Attributes:
        strategies: in the order in which they are matched and decided at one instant.
        rules: of the market; `withdraw_past_stop`, `exit_at_valid_to` and `trailing_stop` are those
            of each strategy.
        later_costs: as in `EngineSetup`.
    """

    account: Account
    strategies: tuple[StrategySetup, ...]
    costs: Costs = field(default_factory=Costs)
    limits: Limits = field(default_factory=Limits)
    rules: FillRules = field(default_factory=FillRules)
    later_costs: tuple[tuple[Micros, Costs], ...] = ()

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """All instruments, in the order in which strategies name them first."""
        found = {i.symbol: i for strategy in self.strategies for i in strategy.instruments}
        return tuple(found.values())


AnySetup = EngineSetup | PortfolioSetup


def all_costs(setup: AnySetup) -> tuple[Costs, ...]:
    """List the costs that a setup charges, in the order in which they come."""
    return (setup.costs, *(costs for _, costs in setup.later_costs))


class BookPlace(NamedTuple):
    """Whose an engine book is.

    Attributes:
        tag: place of its strategy in the setup.
        symbol: place of its instrument among those of the account.
        instrument: the instrument itself.
    """

    tag: int
    symbol: int
    instrument: Instrument


def book_places(setup: AnySetup) -> tuple[BookPlace, ...]:
    """List the engine's books, one per strategy and instrument, strategy by strategy.

    With one strategy a book's place is that of its instrument.
    """
    places = {i.symbol: place for place, i in enumerate(setup.instruments)}
    return tuple(
        BookPlace(tag, places[instrument.symbol], instrument)
        for tag, strategy in enumerate(setup.strategies)
        for instrument in strategy.instruments
    )
