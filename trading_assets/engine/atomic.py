"""The atomic view on partial fills: each order as one fill, each entry and exit as one round trip.

Partial fills are what happens, and what is booked; for counting trades, or for comparing with an
engine that knows none, the parts of an order belong together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from trading_assets.records.arrays import Records


def atomic_fills(fills: Records) -> Records:
    """Merge the fills of each order, dtype FILL, in the order of their first.

    Quantities, notional and fees are sums, prices are their means by quantity; `id`, `bar_ts` and
    `maker` are those of the first fill, `ts`, `position` and `cash` those of the last.
    """
    first, last, group = _groups(fills["order_id"])
    merged = fills[last].copy()
    for name in ("id", "bar_ts", "maker"):
        merged[name] = fills[name][first]
    for name in ("lots", "units", "notional", "fee"):
        merged[name] = _sums(fills[name], group, len(first))
    for name in ("price", "touched"):
        merged[name] = _means(fills[name], fills["units"], group, fills[name][first])
    return merged


def atomic_round_trips(trips: Records) -> Records:
    """Merge the round trips of each pair of entry and exit order, dtype ROUND_TRIP.

    Amounts are sums, prices means by quantity; the entry is that of the first part, the exit that
    of the last.
    """
    pairs = np.stack([trips["entry_order_id"], trips["exit_order_id"]], axis=1)
    _, key = np.unique(pairs, axis=0, return_inverse=True)
    first, last, group = _groups(key.reshape(-1))
    merged = trips[first].copy()
    merged["exit_ts"] = trips["exit_ts"][last]
    for name in ("units", "cost", "proceeds", "fees", "pnl"):
        merged[name] = _sums(trips[name], group, len(first))
    for name in ("entry_price", "exit_price"):
        merged[name] = _means(trips[name], trips["units"], group, trips[name][first])
    return merged


def _groups(
    key: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Give first and last row of each key, in the order of the firsts, and each row's group."""
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    group = rank[inverse.reshape(-1)]
    last = np.zeros(len(first), np.int64)
    np.maximum.at(last, group, np.arange(len(key)))
    return first[order].astype(np.int64), last, group


def _sums(values: NDArray[np.int64], group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    sums = np.zeros(groups, np.int64)
    np.add.at(sums, group, values)
    return sums


def _means(
    prices: NDArray[np.float64],
    units: NDArray[np.int64],
    group: NDArray[np.int64],
    first: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give the mean price of each group; that of a single row is its own, to the bit."""
    counts = np.bincount(group, minlength=len(first))
    value = np.bincount(group, weights=prices * units, minlength=len(first))
    whole = np.bincount(group, weights=units, minlength=len(first))
    return np.where(counts == 1, first, value / np.where(whole > 0, whole, 1.0))
