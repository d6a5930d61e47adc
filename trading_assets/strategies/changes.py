"""Signals as the places where they change: what a sweep keeps of a trial's columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import polars as pl

from trading_assets.domain.ids import Symbol
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.signals import Floats, Ints, read_only
from trading_assets.engine.skipping import ChangedSignals
from trading_assets.records.arrays import buffer
from trading_assets.strategies.evaluate import (
    cold_rows,
    proven_signals,
    require_numbers,
    strategy_columns,
)
from trading_assets.strategies.events import EventStrategy, proven_events, says_events
from trading_assets.strategies.protocol import Strategy


class Place(NamedTuple):
    """Where the rows of a symbol's frame stand among the bars that are traded.

    Attributes:
        rows: of the frame, that are traded.
        on_axis: their places on the time axis; all of it for a symbol that has every bar.
        ts: int64, open times of the frame up to the last of the rows, microseconds UTC.
    """

    rows: slice
    on_axis: Ints | slice
    ts: Ints


def changed_signals(
    strategy: Strategy,
    frames: Mapping[Symbol, pl.DataFrame],
    places: Mapping[Symbol, Place],
    bars: int,
) -> ChangedSignals:
    """Evaluate a strategy on each whole frame, and keep where the traded part changes.

    Laid out again, it is what `evaluate` and `signal_matrix` give, to the bit, but for what the
    engine does not look at: in the target family the other columns where the target is empty.

    Args:
        strategy: of a family of columns.
        frames: all bars of each symbol, in the order of the setup.
        places: of each symbol.
        bars: length of the axis.

    Raises:
        DataError: if the strategy breaks its protocol.
    """
    speaker = says_events(strategy)
    if speaker is not None:
        return _changes_of_events(speaker, frames, places, bars)
    names = strategy_columns(strategy)
    laid: dict[tuple[int, int], Floats] = {}
    changes: dict[tuple[int, int], Ints] = {}
    begins: list[int] = []
    for symbol, (key, frame) in enumerate(frames.items()):
        rows, place, _ = places[key]
        begins.append(_first_warm(strategy, places[key], bars))
        signals = proven_signals(strategy, frame)
        for number, name in enumerate(names):
            if name in signals.columns and signals[name].null_count() < frame.height:
                column, changed = _floats(strategy, signals[name], frame)
                on_axis = _on_axis(column[rows], place, bars)
                laid[number, symbol] = on_axis
                whole = len(on_axis) == len(column)
                changes[number, symbol] = changed if whole else _changes(on_axis)
    starts = _starts(laid, changes, strategy.family, begins, bars)
    found = np.full((len(names), len(frames), len(starts)), np.nan)
    for where, column in laid.items():
        found[where] = column[starts]
    for symbol, begin in enumerate(begins):
        found[:, symbol, starts < begin] = np.nan
    if strategy.family is SignalFamily.TARGET:
        found[1:, np.isnan(found[0])] = np.nan
    return ChangedSignals(read_only(np.append(starts, bars)), read_only(found))


def _changes_of_events(
    strategy: EventStrategy,
    frames: Mapping[Symbol, pl.DataFrame],
    places: Mapping[Symbol, Place],
    bars: int,
) -> ChangedSignals:
    """Do the same for events: a target begins at its bar, and ends at the next one."""
    steps: list[tuple[Ints, Floats]] = []
    for key, frame in frames.items():
        rows, place, _ = places[key]
        at, target = proven_events(strategy, frame)
        first, last = np.searchsorted(at, (rows.start, rows.stop)).tolist()
        at, target = at[first:last] - rows.start, target[first:last]
        on_axis = at if isinstance(place, slice) else place[at]
        cold = int(np.searchsorted(on_axis, _first_warm(strategy, places[key], bars)))
        steps.append(_steps(on_axis[cold:], target[cold:], bars))
    starts = steps[0][0]
    if len(steps) > 1:
        starts = np.unique(np.concatenate([own for own, _ in steps]))
    found = np.full((len(strategy_columns(strategy)), len(frames), len(starts)), np.nan)
    for symbol, (own, values) in enumerate(steps):
        in_force = values if own is starts else values[np.searchsorted(own, starts, "right") - 1]
        found[0, symbol] = in_force
    return ChangedSignals(read_only(np.append(starts, bars)), read_only(found))


def _steps(on_axis: Ints, target: Floats, bars: int) -> tuple[Ints, Floats]:
    """Give where the target of one symbol changes, from row 0 on, and what it is from there.

    A row where one target ends and the next begins stands twice, and the later of the two holds.
    """
    rows = np.zeros(2 * len(on_axis) + 1, np.int64)
    values = np.full(len(rows), np.nan)
    rows[1::2], values[1::2] = on_axis, target
    rows[2::2] = on_axis + 1
    inside = len(rows) - int(rows[-1] >= bars)  # a target of the last bar has no end
    return rows[:inside], values[:inside]


def _floats(strategy: Strategy, series: pl.Series, frame: pl.DataFrame) -> tuple[Floats, Ints]:
    """Give a proven column as float64, NaN for null, and the rows at which it changes."""
    if series.dtype != pl.Float64:
        require_numbers(strategy, series, frame)
        series = series.cast(pl.Float64)
    if series.null_count():
        series = series.fill_null(float("nan"))
    column = series.to_numpy()
    # A run of equal values begins with one of them, so the changes show whatever is infinite.
    changes = _changes(column)
    if np.isinf(column[changes]).any() or (len(column) and np.isinf(column[0])):
        require_numbers(strategy, series, frame)
    return column, changes


def _changes(column: Floats) -> Ints:
    """Give the rows whose bits differ from the row before."""
    bits = column.view(np.int64)
    return np.flatnonzero(bits[1:] != bits[:-1]) + 1


def _first_warm(strategy: Strategy, where: Place, bars: int) -> int:
    """Give the first place on the axis at which a symbol has its full warm-up."""
    rows, place, ts = where
    if not len(ts):
        return bars
    warm: int = max(cold_rows(strategy, ts) - rows.start, 0)
    if isinstance(place, slice):
        return warm
    if warm >= len(place):
        return bars
    return int(place[warm])


def _on_axis(column: Floats, place: Ints | slice, bars: int) -> Floats:
    if isinstance(place, slice):
        return column
    laid: Floats = buffer(bars)
    laid[:] = np.nan
    laid[place] = column
    return laid


def _starts(
    laid: Mapping[tuple[int, int], Floats],
    changed: Mapping[tuple[int, int], Ints],
    family: SignalFamily,
    begins: list[int],
    bars: int,
) -> Ints:
    """Give the rows at which any column changes, with the first and those where warm-up ends."""
    firsts = [0, *(begin for begin in begins if begin < bars)] if bars else []
    changes = [np.array(sorted(set(firsts)), np.int64)]
    for (number, symbol), rows in changed.items():
        if number and family is SignalFamily.TARGET:
            target = laid.get((0, symbol))
            if target is not None:
                changes.append(rows[~np.isnan(target[rows])])
        else:
            changes.append(rows)
    together = np.sort(np.concatenate(changes), kind="stable")  # of runs that are sorted already
    return together[np.diff(together, prepend=-1) > 0]
