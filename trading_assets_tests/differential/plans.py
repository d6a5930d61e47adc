"""Random bars and random trading plans that any engine can follow by the same few rules.

At the close of bar t, from the second bar on, an engine reads `actions[t]`:

| action | done only | what |
|---|---|---|
| `Entry` | flat, no order working | market, limit or stop, with or without stop-loss and target |
| FLATTEN | in a position | withdraw all orders, close at the market |
| REVERSE | in a position | the same, and open the other side at the market |
| WITHDRAW | flat, an entry working | withdraw all orders |
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

CASH = 1_000_000
TICKS = 100  # per unit of price
FLATTEN, REVERSE, WITHDRAW = "flatten", "reverse", "withdraw"
FIRST_BAR = 1


class Entry(NamedTuple):
    """An entry with its exits; distances in ticks, None for none.

    `offset` is counted from the deciding close, the others from the entry's own price.
    """

    side: int
    kind: str
    lots: int
    offset: int
    stop: int | None
    target: int | None


class Prices(NamedTuple):
    """Ticks of an entry and its exits."""

    entry: int
    stop: int | None
    target: int | None


class Filled(NamedTuple):
    """One execution: bar, signed lots, ticks."""

    bar: int
    lots: int
    ticks: int


class Outcome(NamedTuple):
    """What an engine made of a plan: fills, equity at each close, and the bars of its entries.

    `decided` holds the bars at whose close an `Entry` was sent; the peers leave it empty.
    """

    fills: list[Filled]
    equity: np.ndarray
    decided: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Bars as (T, 4) whole ticks, an action or None for each, and a fee on notional."""

    bars: np.ndarray
    actions: tuple[Entry | str | None, ...]
    fee_bps: int

    def prices(self, bar: int) -> Prices:
        """Give the prices of the entry decided at a bar."""
        entry = self.actions[bar]
        assert isinstance(entry, Entry)
        at = int(self.bars[bar, 3]) + entry.offset
        return Prices(
            at,
            None if entry.stop is None else at - entry.side * entry.stop,
            None if entry.target is None else at + entry.side * entry.target,
        )

    def without(self, bar: int) -> "Plan":
        """Leave one action out."""
        actions = (*self.actions[:bar], None, *self.actions[bar + 1 :])
        return replace(self, actions=actions)


def plan_of(rows: list[tuple[int, int, int, int]], actions: dict[int, Entry | str]) -> Plan:
    """Make a plan without fees from rows of ticks and the actions of some bars."""
    return Plan(np.array(rows), tuple(actions.get(bar) for bar in range(len(rows))), 0)


def random_plan(seed: int, length: int = 120) -> Plan:
    """Make a plan whose bars gap, stand still and touch prices exactly; wild ones come often."""
    rng = np.random.default_rng(seed)
    swing = int(rng.choice([20, 60, 150]))
    bars, price = [], 10_000
    for _ in range(length):
        gap = int(rng.integers(-swing, swing + 1)) if rng.random() < 0.5 else 0
        opened = max(price + gap, 2_000)
        close = max(opened + int(rng.integers(-swing, swing + 1)), 2_000)
        top = max(opened, close) + int(rng.integers(0, swing))
        bottom = min(opened, close) - int(rng.integers(0, swing))
        bars.append((opened, top, bottom, close))
        price = close
    actions = tuple(_action(rng, swing) for _ in range(length))
    return Plan(np.array(bars), actions, int(rng.choice([0, 10, 25])))


def _action(rng: np.random.Generator, swing: int) -> Entry | str | None:
    pick = rng.random()
    if pick < 0.45:
        return None
    if pick < 0.6:
        return str(rng.choice([FLATTEN, REVERSE, WITHDRAW]))
    kind = str(rng.choice(["market", "limit", "stop"]))
    offset = 0 if kind == "market" else int(rng.integers(-swing, swing + 1))
    distance = rng.integers(1, 2 * swing, size=2)
    return Entry(
        int(rng.choice([-1, 1])), kind, int(rng.integers(1, 20)), offset,
        int(distance[0]) if rng.random() < 0.8 else None,
        int(distance[1]) if rng.random() < 0.7 else None,
    )  # fmt: skip
