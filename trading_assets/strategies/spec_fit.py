"""Whether a spec, its strategy and its instruments go together."""

from __future__ import annotations

from decimal import Decimal

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import SignalFamily
from trading_assets.strategies.protocol import Strategy


def require_fit(
    name: str,
    strategy: Strategy,
    instruments: tuple[Instrument, ...],
    *,
    quote: str,
    profile: str,
    filters: tuple[str, ...],
) -> None:
    """Refuse what does not go together.

    Args:
        name: of the spec.
        strategy: that it builds, without filters.
        instruments: in the order of its symbols.
        quote: asset of its account.
        profile: of its account.
        filters: names of those that it declares.

    Raises:
        ConfigurationError: naming the spec, and the key or instrument that does not fit.
    """
    tick = getattr(strategy, "tick", None)
    for instrument in instruments:
        if instrument.quote != quote:
            raise ConfigurationError(
                f"Spec {name}: {instrument.symbol} is not quoted in the account's asset",
                expected=quote,
                found=instrument.quote,
            )
        if tick is not None and Decimal(str(tick)) != instrument.tick:
            raise ConfigurationError(
                f"Spec {name}: params.tick is not the tick of {instrument.symbol}",
                expected=str(instrument.tick),
                found=str(tick),
                fix="Set params.tick; symbols with different ticks need a spec each.",
            )
    if filters and strategy.family is SignalFamily.ON_BAR:
        raise ConfigurationError(
            f"Spec {name}: filters act on signal columns, and this strategy is asked",
            expected="no filters, or a strategy of columns",
            found=", ".join(filters),
            fix="Give the condition as a column of the strategy's own and read it in on_bar.",
        )
    is_target = strategy.family is SignalFamily.TARGET
    if filters and is_target and profile != "spot_long_only":
        raise ConfigurationError(
            f"Spec {name}: filters cannot tell a reversal from an exit",
            expected="profile: spot_long_only, or a strategy with brackets",
            found=f"profile: {profile}, targets and filters",
            fix="A target that changes sides closes a position, which a filter must not stop.",
        )
    if getattr(strategy, "short", False) and profile == "spot_long_only":
        raise ConfigurationError(
            f"Spec {name} sells short",
            expected="profile: margin",
            found="profile: spot_long_only",
            fix="Set params.short to false, or the profile to margin.",
        )
