"""Which limits, margins and sizers fit an account and its strategies."""

from __future__ import annotations

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.setup import AccountProfile, AnySetup, SignalFamily, SizeAt


def require_possible_risk(setup: AnySetup) -> None:
    """Refuse a margin that cannot be, and rules that have nothing to look at.

    Raises:
        ConfigurationError: naming the rule and what it needs.
    """
    _require_possible_margin(setup)
    guard = setup.limits.moc_guard_minutes
    targets = [s.tag for s in setup.strategies if s.family is SignalFamily.TARGET]
    if guard != 0 and targets:
        raise ConfigurationError(
            "The guard before a close needs entries that name their last bar",
            expected="moc_guard_minutes 0, or a strategy of brackets or one that is asked",
            found=f"moc_guard_minutes {guard} and targets",
            fix="Targets end when the strategy says so: let it say so earlier.",
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
