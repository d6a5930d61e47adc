"""What strategies that are asked at every close remember: their own fields, and the latest bars.

It is part of the engine's state: a snapshot holds it, and a restored machine asks the strategy with
the same memory. There is a row for each of their books, in the order of the books. The bars stand
twice, `lookback` places apart, so that the latest of them always lie in one piece; strategies that
look back over less are shown the latest of them.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.intents import Decider
from trading_assets.domain.setup import AnySetup, SignalFamily, StrategySetup

MOST_BARS = 5000
MOST_BYTES = 65_536
_KINDS = "fib"

PLACES = ("open", "high", "low", "close", "volume")
"""Columns of the remembered bars, in order."""


def memory_dtype(setup: AnySetup) -> np.dtype[np.void] | None:
    """Give the record that a setup's strategies need, None when they need none.

    Raises:
        ConfigurationError: if family and strategy do not fit, or what it declares cannot be held.
    """
    own: list[Any] = []
    bars = books = 0
    for tag, strategy in enumerate(setup.strategies):
        _require_fit(strategy)
        decider = strategy.decider
        if decider is not None:
            bars = max(bars, decider.lookback)
            books += len(strategy.instruments)
            own.append((own_field(setup, tag), _own_dtype(decider), (len(strategy.instruments),)))
    if not own:
        return None
    fields: list[Any] = [
        ("seen", "i8", (books,)),  # bars since the last hole
        ("times", "i8", (books, 2 * bars)),
        ("window", "f8", (books, len(PLACES), 2 * bars)),
        *own,
    ]
    return np.dtype(fields, align=True)


def own_field(setup: AnySetup, tag: int) -> str:
    """Name the field that holds what a strategy has declared, one row per instrument."""
    return "own" if len(setup.strategies) == 1 else f"own_{tag}"


def _require_fit(strategy: StrategySetup) -> None:
    decider = strategy.decider
    if (decider is not None) != (strategy.family is SignalFamily.ON_BAR):
        raise ConfigurationError(
            "Family and strategy do not fit",
            expected="a decider in family ON_BAR, and in no other",
            found=f"family {strategy.family.name}, decider {decider!r}"[:200],
        )
    if decider is not None and not 1 <= decider.lookback <= MOST_BARS:
        raise ConfigurationError(
            f"{decider.name}: lookback",
            expected=f"1 to {MOST_BARS} bars",
            found=str(decider.lookback),
        )


def decider_identity(decider: Decider) -> list[Any]:
    """Give what tells one strategy from another, as plain values; its source does not count."""
    params: Any = decider
    kind = type(decider)
    return [
        f"{kind.__module__}:{kind.__qualname__}",
        _params_of(params) if hasattr(kind, "__dataclass_fields__") else {},
        [list(field) for field in decider.state],
        list(decider.columns),
        decider.lookback,
        decider.working_orders,
    ]


def _params_of(decider: Any) -> dict[str, Any]:
    """Give its parameters; the size of its bars is no parameter, every bar shows it."""
    return {k: v for k, v in dataclasses.asdict(decider).items() if k != "bar_size"}


def _own_dtype(decider: Decider) -> np.dtype[np.void]:
    fields: list[Any] = [tuple(field) for field in decider.state] or [("nothing", "i8")]
    try:
        dtype = np.dtype(fields, align=True)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(
            f"{decider.name}: state is no record",
            expected='fields such as ("bars_held", "i8") or ("levels", "f8", (4,))',
            found=f"{decider.state!r} ({error})"[:200],
        ) from None
    bad = [name for name in dtype.names or () if dtype[name].base.kind not in _KINDS]
    if bad or dtype.itemsize > MOST_BYTES:
        raise ConfigurationError(
            f"{decider.name}: state cannot be held",
            expected=f"numbers (f8, i8, ?), {MOST_BYTES} bytes at most",
            found=f"{', '.join(bad) or dtype.itemsize}",
        )
    return dtype
