"""What a strategy is: frozen parameters and one pure function from bars to signal columns."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from trading_assets.domain.order import OrderType
from trading_assets.domain.setup import SignalFamily

if TYPE_CHECKING:
    import polars as pl

BASE_BAR = timedelta(minutes=5)
"""Size of the bars that a strategy sees, unless its spec says another."""

BAR_SIZE = "bar_size"
"""Field that tells a strategy the size of its bars: a key of the spec, and no parameter."""


@runtime_checkable
class Strategy(Protocol):
    """A frozen dataclass whose fields are its parameters.

    The names below may be class variables, fields or properties. A strategy that is to come from a
    spec validates its parameters in `__post_init__` (ConfigurationError), and holds plain values
    only, so that its spec is its identity. A field `bar_size: timedelta = BASE_BAR` (the bases in
    `columns` and `asked` have it) lets it trade bars of other sizes than five minutes.
    """

    @property
    def name(self) -> str:
        """Name in the registry, `a-z0-9_`."""
        ...

    @property
    def family(self) -> SignalFamily:
        """Which columns `signals` gives; their names stand in `engine.signals`."""
        ...

    @property
    def warm_up(self) -> timedelta:
        """Calendar time before a row that its signal may look at; longer memory has no effect.

        What counts bars says it by `self.bar_size`; see `memory`.
        """
        ...

    @property
    def horizon(self) -> str | None:
        """Horizon of the forecast it needs (`1h`), or None when it needs no forecast."""
        ...

    @property
    def order_types(self) -> frozenset[OrderType]:
        """Order types that its signals can cause; a venue that lacks one cannot trade it."""
        ...

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and the columns of the family, one row per row of `frame`.

        The frame holds the bars of one symbol, ascending, from an anchor on (never a trailing
        window): `ts, symbol, open, high, low, close, volume, quote_volume, n_trades, source,
        n_minutes, complete`, and with a horizon also `prediction` and `confidence` (Float64,
        null where there is no forecast). A row may depend on itself and on earlier rows only. It
        states a condition of the market and never carries a position: holding is the engine's
        state, so an empty row means "no opinion", not "flat".
        """
        ...


def parameters(kind: Any) -> tuple[dataclasses.Field[Any], ...]:
    """Give the fields of a strategy, or of its class, that a spec sets under `params`."""
    return tuple(f for f in dataclasses.fields(kind) if f.init and f.name != BAR_SIZE)


def takes_bar_size(kind: Any) -> bool:
    """Tell whether a strategy, or its class, has the field `bar_size`."""
    return any(field.name == BAR_SIZE for field in dataclasses.fields(kind))


def memory(strategy: Strategy) -> timedelta:
    """Give the warm-up of a strategy on bars of its size.

    It is what the strategy says. One that says the same whatever the size of its bars may have
    counted bars of five minutes: on larger ones it gets as many of its own, which is never less
    than it asked for.
    """
    one: Any = strategy
    said = strategy.warm_up
    times = getattr(one, BAR_SIZE, BASE_BAR) // BASE_BAR
    if times <= 1 or not takes_bar_size(one):
        return said
    counts_alike = dataclasses.replace(one, bar_size=BASE_BAR).warm_up == said
    return said * times if counts_alike else said
