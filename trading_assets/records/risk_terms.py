"""Which limits, margins and sizers fit an account and its strategies."""

from __future__ import annotations

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.setup import (
    AccountProfile,
    AnySetup,
    FillRules,
    SignalFamily,
    SizeAt,
    SizingMode,
    StrategySetup,
)

_BY_VOLATILITY = frozenset({SizingMode.VOL_TARGET, SizingMode.RISK_PARITY})
_NOT_AT_FILL = _BY_VOLATILITY | {SizingMode.ATR, SizingMode.KELLY}


def require_possible_risk(setup: AnySetup) -> None:
    """Refuse a margin that cannot be, and rules that have nothing to look at.

    Raises:
        ConfigurationError: naming the rule and what it needs.
    """
    _require_possible_margin(setup)
    limits = setup.limits
    if not (50 < limits.var_confidence_pct < 100 and limits.var_half_life_days >= 1):
        raise ConfigurationError(
            "No such value at risk",
            expected="var_confidence_pct between 50 and 100, var_half_life_days of at least 1",
            found=f"{limits.var_confidence_pct}, {limits.var_half_life_days}",
        )
    for strategy in setup.strategies:
        _require_possible_sizing(strategy, setup.rules)
    guard = setup.limits.moc_guard_minutes
    targets = [s.tag for s in setup.strategies if s.family is SignalFamily.TARGET]
    if guard != 0 and targets:
        raise ConfigurationError(
            "The guard before a close needs entries that name their last bar",
            expected="moc_guard_minutes 0, or a strategy of brackets or one that is asked",
            found=f"moc_guard_minutes {guard} and targets",
            fix="Targets end when the strategy says so: let it say so earlier.",
        )


def _require_possible_sizing(strategy: StrategySetup, rules: FillRules) -> None:
    sizing, factor = strategy.sizing, strategy.risk_factor
    late = sizing.mode in _NOT_AT_FILL or factor is not None
    if late and rules.size_at is SizeAt.FILL:
        raise ConfigurationError(
            "Range, volatility, odds and the risk factor are those of the decision",
            expected="size_at close",
            found=f"size_at fill, sizing {sizing.mode.value}",
        )
    measured = (sizing.atr_bars, sizing.half_life_bars, sizing.bars_per_year)
    least = min(*measured, 1 if factor is None else factor.half_life_bars)
    if least < 1:
        raise ConfigurationError("A mean over no bars", expected="at least 1", found=str(least))
    if factor is not None:
        if sizing.mode in _BY_VOLATILITY and factor.half_life_bars != sizing.half_life_bars:
            raise ConfigurationError(
                "Sizing and risk factor look at one volatility",
                expected=f"risk_factor.half_life_bars {sizing.half_life_bars}",
                found=str(factor.half_life_bars),
            )
        parts = (factor.confidence_factor, factor.drawdown_factor, factor.volatility_factor)
        if not all(0 <= part <= 1 for part in parts):
            raise ConfigurationError(
                "A risk factor makes entries smaller",
                expected="factors from 0 to 1",
                found=", ".join(map(str, parts)),
            )
    if sizing.mode is SizingMode.KELLY:
        odds = f"win_rate_pct {sizing.win_rate_pct}, payoff {sizing.payoff}"
        if not (0 < sizing.win_rate_pct <= 100 and sizing.payoff > 0):
            raise ConfigurationError(
                "Kelly sizing begins with declared odds",
                expected="win_rate_pct above 0 up to 100, payoff above 0",
                found=odds,
                fix="With kelly_min_trips, a book's own odds replace them later.",
            )


def _require_possible_margin(setup: AnySetup) -> None:
    account = setup.account
    leverage, maintenance = account.leverage, account.maintenance_pct
    said = f"leverage {leverage}, maintenance_pct {maintenance}"
    if leverage == 0 and maintenance == 0:
        return
    if account.profile is not AccountProfile.MARGIN:
        raise ConfigurationError(
            "Leverage needs a margin account",
            expected="profile margin, or neither leverage nor maintenance_pct",
            found=f"profile {account.profile.name.lower()}, {said}",
        )
    if not 1 <= leverage <= 1_000:
        raise ConfigurationError("No such leverage", expected="leverage 1 to 1000", found=said)
    if not 0 <= maintenance < 100 / leverage:
        raise ConfigurationError(
            "The maintenance margin is not below the initial one",
            expected=f"maintenance_pct below {100 / leverage:g}, which is 100 / leverage",
            found=said,
            fix="A position would be liquidated at the close after its entry.",
        )
    if setup.rules.size_at is SizeAt.FILL:
        raise ConfigurationError(
            "A size that is known only at the fill cannot be checked for margin before",
            expected="size_at close, or no leverage",
            found="size_at fill",
        )
