"""How far a book is from its usual self: its peak and volatilities, pure from bars and marks.

| measure | formula |
|---|---|
| variance | `risk.measures`, half-life 12 bars; each change squared over the minutes it took |
| usual volatility | mean of its root over the bars before, weights halving every 288 |
| ratio | root of the variance / usual volatility, from the 288th root on |
| drawdown | 1 - equity / highest equity since the journal began, or since a resume from one |

A change over a hole, a night or a bar of another size is thus no turmoil of itself. The half-lives
are no settings: a restart measures again from the journal, whatever is set that day. Figures of
real bars argue them in docs/live-policies.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.ids import Micros, Symbol

HALF_LIFE = 12
USUAL_HALF_LIFE = 288
DRAWDOWN = "drawdown"
VOLATILITY = "volatility"
BOOK = Symbol("")
"""Stands for the book as a whole: its equity."""

_CALM = 0.5
"""A volatility that was extreme counts as over below this part of its limit."""

_NEWEST = 1.0 - 0.5 ** (1.0 / HALF_LIFE)
_USUAL_NEWEST = 1.0 - 0.5 ** (1.0 / USUAL_HALF_LIFE)


@dataclass(slots=True)
class Volatility:
    """Of one value over time, beside what it usually is.

    Attributes:
        value: the latest; 0.0 before the first.
        ts: when it was so, microseconds UTC.
        changes: how many were measured.
        variance: of a change of one minute, as a fraction squared.
        usual: mean of its root, up to the latest change.
        ratio: root of the variance over what was usual before; 0.0 while that is not known.
    """

    value: float = 0.0
    ts: Micros = 0
    changes: int = 0
    variance: float = 0.0
    usual: float = 0.0
    ratio: float = 0.0

    def take(self, value: float, ts: Micros, *, skips_rest: bool = False) -> None:
        """Take the next value in.

        Args:
            value: above zero.
            ts: after the last one's.
            skips_rest: a value that has not changed is no change: a flat book says nothing of how
                one moves that holds something.
        """
        before, minutes = self.value, (ts - self.ts) / MINUTE
        self.value, self.ts = value, ts
        if before <= 0.0 or (skips_rest and value == before):
            return
        change = value / before - 1.0
        self.changes += 1
        weight = max(1.0 / self.changes, _NEWEST)
        self.variance += weight * (change * change / minutes - self.variance)
        root = math.sqrt(self.variance)
        roots = self.changes - HALF_LIFE + 1
        is_known = roots >= USUAL_HALF_LIFE and self.usual > 0.0
        self.ratio = root / self.usual if is_known else 0.0
        if roots >= 1:
            self.usual += max(1.0 / roots, _USUAL_NEWEST) * (root - self.usual)


@dataclass(slots=True)
class Turmoil:
    """What the circuit breakers of a book are judged by, see `live.policies.breakers`.

    Attributes:
        symbols: volatility of closes.
        equity: volatility of the marks of the book.
        peak: highest mark that the drawdown is counted from.
        tripped: limit by cause and symbol of what has halted the book and is not over.
    """

    symbols: dict[Symbol, Volatility] = field(default_factory=dict)
    equity: Volatility = field(default_factory=Volatility)
    peak: float = 0.0
    tripped: dict[tuple[str, Symbol], float] = field(default_factory=dict)

    @property
    def drawdown(self) -> float:
        """Fraction of the peak that the latest mark lies below it."""
        return 1.0 - self.equity.value / self.peak if self.peak > 0.0 else 0.0

    def see(self, ts: Micros, bars: Iterable[Bar], equity: float) -> None:
        """Take in the bars that opened at `ts`, and the equity that they leave."""
        for bar in bars:
            self.symbols.setdefault(bar.symbol, Volatility()).take(bar.close, ts)
        self.equity.take(equity, ts, skips_rest=True)
        self.peak = max(self.peak, equity)
        for key in [key for key, limit in self.tripped.items() if self._is_over(key, limit)]:
            del self.tripped[key]

    def ratio(self, symbol: Symbol) -> float:
        """Give the ratio of a symbol, or of the `BOOK`."""
        if symbol == BOOK:
            return self.equity.ratio
        return self.symbols[symbol].ratio if symbol in self.symbols else 0.0

    def resume(self) -> None:
        """Count a drawdown that a person has seen anew, from where the book stands now."""
        if self.tripped.pop((DRAWDOWN, BOOK), None) is not None:
            self.peak = self.equity.value

    def _is_over(self, key: tuple[str, Symbol], limit: float) -> bool:
        cause, symbol = key
        return cause == VOLATILITY and self.ratio(symbol) < _CALM * limit

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "symbols": {symbol: asdict(each) for symbol, each in sorted(self.symbols.items())},
            "equity": asdict(self.equity),
            "peak": self.peak,
            "tripped": [[*key, limit] for key, limit in sorted(self.tripped.items())],
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Turmoil:
        """Read what `to_json` gave."""
        return cls(
            symbols={Symbol(of): Volatility(**each) for of, each in values["symbols"].items()},
            equity=Volatility(**values["equity"]),
            peak=values["peak"],
            tripped={(cause, of): limit for cause, of, limit in values["tripped"]},
        )
