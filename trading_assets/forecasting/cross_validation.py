"""Purged cross-validation: every row is tested, by rows whose labels never touch the test."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.forecasting.validation import Indices, Instants


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows to learn from and rows to be tested on, as ascending indices into the sample.

    Attributes:
        groups: numbers of the groups of rows that are tested, ascending.
    """

    train: Indices
    test: Indices
    groups: tuple[int, ...]


def time_groups(decided: Instants, count: int) -> NDArray[np.int64]:
    """Number the rows by group of time: `count` groups of about equally many instants.

    Rows of one instant, such as those of several symbols, are never parted.

    Args:
        decided: int64[n], ascending.
        count: of groups.

    Returns:
        int64[n], 0 to count - 1, ascending.

    Raises:
        ConfigurationError: if there are fewer instants than groups.
    """
    instants, place = np.unique(decided, return_inverse=True)
    if not 1 < count <= len(instants):
        raise ConfigurationError(
            "Rows cannot be cut into so many groups",
            expected=f"2 to {len(instants)} groups, the number of instants",
            found=f"{count}",
        )
    sizes = [len(part) for part in np.array_split(instants, count)]
    return np.asarray(np.repeat(np.arange(count), sizes)[place], dtype=np.int64)


def purged_k_fold(
    decided: Instants, known: Instants, *, folds: int, embargo: Micros
) -> tuple[Split, ...]:
    """Test each of `folds` groups once, on all rows that do not touch it; see `purged`."""
    return combinatorial_purged(decided, known, groups=folds, tested=1, embargo=embargo)


def combinatorial_purged(
    decided: Instants, known: Instants, *, groups: int, tested: int, embargo: Micros
) -> tuple[Split, ...]:
    """Test every choice of `tested` groups out of `groups` (López de Prado 2018, chapter 12).

    Each group is tested C(groups - 1, tested - 1) times: so many paths through the whole history
    can be put together from the tests (`path_numbers`).

    Args:
        decided: int64[n], ascending; instant at which each row's forecast is made.
        known: int64[n]; instant at which its label is known.
        groups: of time, see `time_groups`.
        tested: groups that are tested at a time.
        embargo: see `purged`.

    Raises:
        ConfigurationError: if the numbers leave no group to test or none to learn from.
    """
    if not 1 <= tested < groups:
        raise ConfigurationError(
            "Some groups must be tested, and some learned from",
            expected=f"1 to {groups - 1} tested groups",
            found=f"{tested}",
        )
    number = time_groups(decided, groups)
    splits = []
    for chosen in itertools.combinations(range(groups), tested):
        is_tested = np.isin(number, chosen)
        train = purged(decided, known, is_tested, embargo=embargo)
        splits.append(Split(train, np.flatnonzero(is_tested), chosen))
    return tuple(splits)


def purged(
    decided: Instants, known: Instants, is_tested: NDArray[np.bool_], *, embargo: Micros
) -> Indices:
    """Give the rows that may be learned from when others are tested.

    A row's label window is [decided, known). Left out are rows whose window meets that of a tested
    row, and rows decided less than `embargo` after the windows of a tested stretch have ended:
    their features look back into it.

    Args:
        decided: int64[n], ascending.
        known: int64[n], later than `decided`.
        is_tested: bool[n].
        embargo: 0 or more.
    """
    keep = ~is_tested
    edges = np.flatnonzero(np.diff(np.r_[False, is_tested, False].astype(np.int8)))
    for first, after in edges.reshape(-1, 2):
        start, end = decided[first], known[first:after].max()
        keep &= (known <= start) | (decided >= end + embargo)
    return np.flatnonzero(keep)


def num_paths(groups: int, tested: int) -> int:
    """Give the number of paths that the tests of all choices make: C(groups - 1, tested - 1)."""
    return math.comb(groups - 1, tested - 1)


def path_numbers(splits: tuple[Split, ...]) -> tuple[dict[int, int], ...]:
    """Tell for each split which path each of its groups goes to.

    The first split that tests a group gives it to path 0, the second to path 1, and so on: each
    path has every group once, and each test is in one path.

    Returns:
        One mapping per split, from group to path.
    """
    seen: dict[int, itertools.count[int]] = {}
    return tuple(
        {group: next(seen.setdefault(group, itertools.count())) for group in split.groups}
        for split in splits
    )


def assemble_paths(
    decided: Instants, splits: tuple[Split, ...], predicted: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Put out-of-fold predictions together to whole histories.

    Args:
        decided: int64[n], as given to `combinatorial_purged`.
        splits: all of its splits.
        predicted: float64 per split, of its test rows.

    Returns:
        float64[paths, n], without a hole.
    """
    groups = 1 + max(group for split in splits for group in split.groups)
    number = time_groups(decided, groups)
    paths = np.full((num_paths(groups, len(splits[0].groups)), len(decided)), np.nan)
    for split, to_path, values in zip(splits, path_numbers(splits), predicted, strict=True):
        for group, path in to_path.items():
            rows = number[split.test] == group
            paths[path, split.test[rows]] = values[rows]
    return paths
