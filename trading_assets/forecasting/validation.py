"""Walking forward: test stretches in order, each after a training stretch that cannot touch it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.ids import Micros, Month

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


def month_edges(months: Sequence[Month]) -> tuple[Micros, ...]:
    """Give the edges of consecutive months."""
    return (*(month.start for month in months), months[-1].end) if months else ()


def equal_edges(start: Micros, end: Micros, stretches: int) -> tuple[Micros, ...]:
    """Cut [start, end) into stretches of equal length."""
    return tuple(start + (end - start) * i // stretches for i in range(stretches + 1))
