"""Walking forward: test stretches in order, each after a training stretch that cannot touch it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.ids import Micros

Indices = NDArray[np.int64]
Instants = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One step: rows to learn from and rows to be tested on, as indices into the sample.

    Attributes:
        start, end: the test rows are decided in [start, end).
    """

    start: Micros
    end: Micros
    train: Indices
    test: Indices


def walk_forward(
    decided: Instants, known: Instants, edges: Sequence[Micros], *, embargo: Micros
) -> tuple[Fold, ...]:
    """Make one fold per stretch between two edges; it trains on all that was known before.

    A row is purged from training when its label was not known `embargo` before the stretch
    starts, so no label window of a training row touches the test stretch.

    Args:
        decided: instant at which each row's prediction is made.
        known: instant at which each row's label is known.
        edges: ascending; n edges make n - 1 folds.
        embargo: distance kept between the two, for what labels do not show: features look back.
    """
    folds = []
    for start, end in itertools.pairwise(edges):
        train = np.flatnonzero(known + embargo <= start)
        test = np.flatnonzero((decided >= start) & (decided < end))
        folds.append(Fold(start, end, train, test))
    return tuple(folds)


def month_edges(decided: Instants, end: Micros) -> tuple[Micros, ...]:
    """Give the starts of the months that have rows, in order, and `end`."""
    months = np.unique(decided.astype("datetime64[us]").astype("datetime64[M]"))
    starts = months.astype("datetime64[us]").astype(np.int64)
    return (*(int(start) for start in starts), end)


def row_edges(decided: Instants, end: Micros, *, stretches: int) -> tuple[Micros, ...]:
    """Cut ascending rows into stretches of about equal number, ending at `end`."""
    firsts = [decided[len(decided) * i // stretches] for i in range(stretches)]
    return (*dict.fromkeys(int(first) for first in firsts), end)
