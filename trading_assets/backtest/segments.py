"""Where a run over history stops: at holes in the data, and where its costs change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros
from trading_assets.domain.setup import Costs
from trading_assets.engine.signals import BarMatrix
from trading_assets.market.sessions import Sessions
from trading_assets.records.sound_bars import smallest_step


@dataclass(frozen=True, slots=True)
class Break:
    """What happens between two bars of a run: a symbol's data end, or costs change.

    Attributes:
        row: index of the first bar after it.
        symbol_index: whose data end there; None for a change of costs.
        costs: charged from there on; None for the end of data.
    """

    row: int
    symbol_index: int | None = None
    costs: Costs | None = None


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch in which a symbol has no bar.

    Attributes:
        symbol_index: place of the instrument in the setup.
        row: index of the last bar before the hole.
        start: open time of the first missing bar.
        end: open time of the first bar after the hole.
    """

    symbol_index: int
    row: int
    start: Micros
    end: Micros


def breaks(
    ts: NDArray[np.int64],
    known: Sequence[Hole],
    later_costs: Sequence[tuple[Micros, Costs]],
) -> tuple[Break, ...]:
    """List what a run stops for, in order; data end at the costs of their last bar.

    Args:
        ts: shape (T,), open times of the bars.
        known: holes.
        later_costs: each charged from the first bar on that opens at its instant or after.
    """
    ends = [Break(hole.row + 1, symbol_index=hole.symbol_index) for hole in known]
    rows = ((int(np.searchsorted(ts, since)), costs) for since, costs in later_costs)
    changes = [Break(row, costs=costs) for row, costs in rows if row < len(ts)]
    return tuple(sorted([*ends, *changes], key=lambda one: (one.row, one.costs is not None)))


def holes(
    bars: BarMatrix, max_hole: Micros, sessions: Sequence[Sessions | None] = ()
) -> tuple[Hole, ...]:
    """List the holes that miss more than `max_hole` of trading time, by row and symbol.

    Each symbol is looked at alone: a bar that only others have does not fill its hole. Time before
    its first and after its last bar is no hole.

    Args:
        bars: of all symbols on one axis.
        max_hole: microseconds of trading that may be missing.
        sessions: per symbol of the bars, when it trades; None for a market that never closes.
            Nights, weekends, holidays and breaks then miss nothing. Without any, all time counts.

    Raises:
        DataError: if `max_hole` is negative, or sessions do not know the span of the bars.
    """
    if max_hole < 0:
        raise DataError("Negative max_hole", expected="microseconds, >= 0", found=str(max_hole))
    size = smallest_step(bars.ts)
    found: list[Hole] = []
    for symbol in range(bars.symbols):
        missing = np.isnan(bars.close[symbol])
        ts = bars.ts[~missing] if missing.any() else bars.ts
        at = np.flatnonzero(np.diff(ts) > size + max_hole)
        known = sessions[symbol] if sessions else None
        if known is not None and not known.never_closes and len(at):
            lost = _trading_between(known, ts[at], ts[at + 1], size)
            at = at[lost > max_hole]
        for last in at:
            row = int(np.searchsorted(bars.ts, ts[last]))
            found.append(Hole(symbol, row, int(ts[last]) + size, int(ts[last + 1])))
    return tuple(sorted(found, key=lambda hole: (hole.row, hole.symbol_index)))


def _trading_between(
    sessions: Sessions, before: NDArray[np.int64], after: NDArray[np.int64], size: Micros
) -> NDArray[np.int64]:
    """Sum the trading time between the end of one bar and the start of another.

    A daily bar stands at the midnight of its session's label: what lies between two of them are
    the whole sessions with labels between theirs.
    """
    sessions.require_known(int(before.min()), int(after.max()))
    if size >= DAY:
        labels = sessions.frame["session"].to_physical().to_numpy().astype(np.int64) * DAY
        cuts = sessions.stretches
        lengths = np.bincount(cuts.row, cuts.end - cuts.start, len(labels)).astype(np.int64)
        total = np.concatenate([[0], np.cumsum(lengths)])
        first = np.searchsorted(labels, before, side="right")
        whole: NDArray[np.int64] = total[np.searchsorted(labels, after)] - total[first]
        return np.maximum(whole, 0)
    lost: NDArray[np.int64] = _traded_before(sessions, after) - _traded_before(
        sessions, before + size
    )
    return lost


def _traded_before(sessions: Sessions, ts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum the trading time of all sessions up to each instant."""
    cuts = sessions.joined_stretches
    total = np.concatenate([[0], np.cumsum(cuts.end - cuts.start)])
    at = np.searchsorted(cuts.start, ts, side="right")
    unfinished = np.where(at > 0, np.maximum(cuts.end[at - 1] - ts, 0), 0)
    result: NDArray[np.int64] = total[at] - unfinished
    return result
