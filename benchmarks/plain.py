"""The works in plain Python: what any correct engine must find, written for reading.

Nothing of the engine is used here. Money is kept as whole 1e-8 units, every amount rounded once to
the nearest one (ties to even), as an account does; quantities are whole lots of 1e-8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

UNITS = 100_000_000
LOT = 1e-8
DAY_BARS, LAST_SETUP = 1440, 1438
Bars = Mapping[str, Any]


@dataclass
class Outcome:
    """What came of a work.

    Attributes:
        trades: (symbol index, entry bar, exit bar, entry price, exit price, lots) of each round
            trip, by exit.
        equity: quote, at the close of the last bar.
    """

    trades: list[tuple[int, int, int, float, float, int]] = field(default_factory=list)
    equity: float = 0.0


@dataclass
class Account:
    """One cash, shared by all symbols; a fill pays or takes notional and fee."""

    cash: int
    fee: float
    slip: float

    def fill(self, side: int, lots: int, price: float, slip: float | None = None) -> float:
        """Book a fill at a touched price; give the price with slippage."""
        paid = price * (1.0 + side * (self.slip if slip is None else slip))
        self.cash -= side * round(lots * paid) + round(lots * paid * self.fee)
        return paid


def crosses(close: Sequence[float], fast: int, slow: int, warm_up: int) -> list[int]:
    """Give 1 where EMA `fast` rises above EMA `slow`, -1 where it falls below, else 0."""
    signs = [0] * len(close)
    quick = tardy = close[0]
    before = 0.0
    for i in range(1, len(close)):
        quick += 2.0 / (fast + 1.0) * (close[i] - quick)
        tardy += 2.0 / (slow + 1.0) * (close[i] - tardy)
        now = quick - tardy
        if i >= warm_up:
            signs[i] = int(now > 0.0 >= before) - int(now < 0.0 <= before)
        before = now
    return signs


def lots_of(quantity: float) -> int:
    """Give the whole lots in a quantity; the product decides where the quotient falls short."""
    lots = int(quantity / LOT)
    return lots + 1 if (lots + 1) * LOT <= quantity else lots


def cross_portfolio(
    bars: Sequence[Bars], *, fast: int, slow: int, warm_up: int, cash: float, fee: float,
    slip: float, fraction: float | None = None, quantity: float | None = None,
) -> Outcome:  # fmt: skip
    """Trade W1 (one symbol) and W4 (several on one cash): long from cross to cross, next open.

    Args:
        bars: per symbol `open` and `close`, all of one length.
        fast: bars of the quick average.
        slow: bars of the other one.
        warm_up: no signal before this bar.
        cash: at the start, in quote.
        fee: fraction of the notional, per side.
        slip: fraction of the price, per side.
        fraction: of the account's equity at the close that decides, over that close.
        quantity: the same for all, instead of a fraction.
    """
    opens = [list(map(float, one["open"])) for one in bars]
    closes = [list(map(float, one["close"])) for one in bars]
    signs = [crosses(close, fast, slow, warm_up) for close in closes]
    everyone = range(len(bars))
    account, found = Account(round(cash * UNITS), fee, slip), Outcome()
    held, wanted = [0] * len(bars), [0] * len(bars)
    entries = [(0, 0.0)] * len(bars)
    for i in range(len(closes[0])):
        for s in everyone:
            if wanted[s] > 0:
                entries[s] = (i, account.fill(1, wanted[s], opens[s][i]))
                held[s] = wanted[s]
            elif wanted[s] < 0:
                price = account.fill(-1, held[s], opens[s][i])
                found.trades.append((s, entries[s][0], i, entries[s][1], price, held[s]))
                held[s] = 0
            wanted[s] = 0
        moves = [s for s in everyone if signs[s][i]]
        if not moves and i < len(closes[0]) - 1:
            continue
        found.equity = (account.cash + sum(held[s] * closes[s][i] for s in everyone)) / UNITS
        for s in moves:
            if signs[s][i] > 0 and held[s] == 0:
                of_equity = (fraction or 0.0) * found.equity / closes[s][i]
                wanted[s] = lots_of(of_equity) if quantity is None else round(quantity / LOT)
            elif signs[s][i] < 0 and held[s] > 0:
                wanted[s] = -1
    return found


def inside_bars(
    bars: Bars, *, quantity: float, warm_up: int, cash: float, fee: float, slip: float, tick: float
) -> Outcome:
    """Trade W2: a stop a tick above the bar that encloses its successor, exits as an OCO pair.

    A waiting entry is withdrawn by a close below its stop-loss, and at the close of bar 1438 of the
    day, when a position goes to market too. Gaps fill at the open; exits live from the bar after
    the entry; of two exits in one bar the stop wins; a limit has no slippage.
    """
    opens, highs, lows, closes = (
        list(map(float, bars[name])) for name in ("open", "high", "low", "close")
    )
    account, found = Account(round(cash * UNITS), fee, slip), Outcome()
    lots = round(quantity / LOT)
    setup: tuple[float, float, float] | None = None  # entry, stop-loss, target while it waits
    exits: tuple[float, float] | None = None  # stop-loss, target while something is held
    entered, paid, leaving = 0, 0.0, False
    for i in range(len(closes)):
        out = _exit(exits, opens[i], highs[i], lows[i], leaving=leaving) if exits else None
        if out:
            price = account.fill(-1, lots, *out)
            found.trades.append((0, entered, i, paid, price, lots))
            exits = None
        if setup and highs[i] >= setup[0]:
            entered, paid = i, account.fill(1, lots, max(opens[i], setup[0]))
            exits, setup = setup[1:], None
        minute = i % DAY_BARS
        if setup and (minute == LAST_SETUP or closes[i] < setup[1]):
            setup = None
        leaving = exits is not None and minute == LAST_SETUP
        if not setup and not exits and minute < LAST_SETUP and i >= max(warm_up, 1):
            setup = _inside(highs[i - 1 : i + 1], lows[i - 1 : i + 1], tick)
    held = lots if exits else 0
    found.equity = (account.cash + held * closes[-1]) / UNITS
    return found


def _exit(
    exits: tuple[float, float], opened: float, high: float, low: float, *, leaving: bool
) -> tuple[float, float | None] | None:
    """Give the touched price, and its slippage where that is not the usual one."""
    stop, target = exits
    if leaving or opened <= stop:
        return opened, None
    if opened >= target:
        return opened, 0.0
    if low <= stop:
        return stop, None
    return (target, 0.0) if high >= target else None


def _inside(
    highs: Sequence[float], lows: Sequence[float], tick: float
) -> tuple[float, float, float] | None:
    """Give entry, stop-loss and target when the second of two bars lies inside the first."""
    if highs[1] > highs[0] or lows[1] < lows[0]:
        return None
    entry, stop = round(highs[0] + tick, 2), round(lows[0] - tick, 2)
    return entry, stop, round(entry + 2 * (entry - stop), 2)
