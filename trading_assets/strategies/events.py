"""Target strategies that speak at few bars: they say at which, and what."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from trading_assets.domain.errors import DataError
from trading_assets.strategies.columns import TargetStrategy

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from trading_assets.strategies.protocol import Strategy


class Events(NamedTuple):
    """Targets at some rows of a frame, nothing at all others.

    Attributes:
        rows: int64 (E,), ascending, each once.
        target: float64 (E,), finite.
    """

    rows: NDArray[np.int64]
    target: NDArray[np.float64]


class EventStrategy(TargetStrategy):
    """Base of strategies that give `events` and no more: `signals` follows from them.

    A cross of two averages speaks at one bar of a hundred. A sweep then looks at the events alone,
    and never makes the column.
    """

    __slots__ = ()

    name: ClassVar[str] = "events"

    def events(self, frame: pl.DataFrame) -> Events:
        """Say at which rows of `frame` there is a target; see `protocol.Strategy.signals`."""
        raise NotImplementedError

    def signals(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give `ts` and `target`, NaN where no event is."""
        import numpy as np
        import polars as pl

        rows, target = proven_events(self, frame)
        column = np.full(frame.height, np.nan)
        column[rows] = target
        return pl.DataFrame({"ts": frame["ts"], "target": column})


def says_events(strategy: Strategy) -> EventStrategy | None:
    """Give a strategy whose signals are its events and nothing else, None for any other."""
    if isinstance(strategy, EventStrategy) and type(strategy).signals is EventStrategy.signals:
        return strategy
    return None


def proven_events(strategy: EventStrategy, frame: pl.DataFrame) -> Events:
    """Give a strategy's events.

    Raises:
        DataError: if they are no ascending rows of the frame with a finite target each.
    """
    import numpy as np

    events = strategy.events(frame)
    rows, target = np.asarray(events[0]), np.asarray(events[1])
    fits = (
        (rows.dtype, target.dtype) == (np.dtype(np.int64), np.dtype(np.float64))
        and rows.shape == target.shape == (rows.size,)
        and (not rows.size or bool(rows[0] >= 0 and rows[-1] < frame.height))
        and bool((rows[1:] > rows[:-1]).all())
    )
    if not fits:
        raise DataError(
            f"Strategy {strategy.name} breaks its protocol",
            expected=f"int64 rows, ascending from 0 to {frame.height - 1}, and a float64 for each",
            found=f"{rows.shape} of {rows.dtype}, {target.shape} of {target.dtype}: "
            f"{rows[:3]} to {rows[-1:]}",
        )
    if not np.isfinite(target).all():
        at = int(rows[np.argmin(np.isfinite(target))])
        raise DataError(
            f"Strategy {strategy.name}: its target at {frame['ts'][at]} is no number",
            expected="a finite number; no event where there is no target",
            found=str(target[np.argmin(np.isfinite(target))]),
        )
    return Events(rows, target)
