"""Minutes as a venue gives them, looked at before anything is built of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.policy_events import BarRefused, BarRevised

READ_AGAIN: Micros = 3 * MINUTE
"""So far back are minutes asked for again: a venue may revise one for some seconds."""

_REMEMBERED: Micros = 60 * MINUTE


@dataclass(slots=True)
class _Known:
    """What was seen of one symbol."""

    given: dict[Micros, Bar] = field(default_factory=dict)
    refused: set[tuple[Micros, str]] = field(default_factory=set)
    latest: Bar | None = None


class BarScreen:
    """Keeps garbage out, and notes what it kept out and what the venue has said differently.

    A refused minute counts as one that the venue has not given: it is asked for again, and the bar
    that lacks it says so. A price that has truly jumped is accepted by a restart, which takes the
    venue's history as it is.

    Args:
        jump_factor: a close this many times higher or lower than the one before is refused; 0
            refuses none.
    """

    def __init__(self, jump_factor: float = 0.0) -> None:
        self._jump_factor = jump_factor
        self._known: dict[Symbol, _Known] = {}
        self._findings: list[BarRefused | BarRevised] = []

    def usable(self, symbol: Symbol, bars: Iterable[Bar], *, is_history: bool) -> Iterator[Bar]:
        """Yield the bars that can be used.

        Args:
            symbol: the one that was asked for.
            bars: one-minute bars.
            is_history: no jump is refused.
        """
        known = self._known.setdefault(symbol, _Known())
        for bar in bars:
            reason = garbage(symbol, bar) or ("" if is_history else self._jump(known, bar))
            if reason:
                self._refuse(known, symbol, bar, reason)
                continue
            self._remember(known, bar)
            yield bar

    def take_findings(self, ts: Micros) -> list[BarRefused | BarRevised]:
        """Give what was found since the last call, each finding once.

        Args:
            ts: market time of the look.
        """
        found, self._findings = self._findings, []
        return [_at(finding, ts) for finding in found]

    def _jump(self, known: _Known, bar: Bar) -> str:
        last = known.latest
        if not self._jump_factor or last is None or bar.ts <= last.ts:
            return ""
        times = max(bar.close / last.close, last.close / bar.close)
        return f"close is {times:.4g} times off the last one" if times >= self._jump_factor else ""

    def _refuse(self, known: _Known, symbol: Symbol, bar: Bar, reason: str) -> None:
        if (bar.ts, reason) not in known.refused:
            known.refused.add((bar.ts, reason))
            self._findings.append(BarRefused(0, symbol, bar, reason))

    def _remember(self, known: _Known, bar: Bar) -> None:
        was = known.given.get(bar.ts)
        if was is not None and was != bar:
            self._findings.append(BarRevised(0, was, bar))
        known.given[bar.ts] = bar
        if known.latest is None or bar.ts >= known.latest.ts:
            known.latest = bar
            _forget(known, bar.ts - _REMEMBERED)


def garbage(symbol: Symbol, bar: Bar) -> str:
    """Say why a minute cannot be one, "" when it can."""
    if bar.symbol != symbol:
        return f"a bar of {bar.symbol}"
    if bar.ts % MINUTE:
        return "not a whole minute"
    prices = (bar.open, bar.high, bar.low, bar.close)
    if not all(math.isfinite(price) and price > 0 for price in prices):
        return "a price that is none"
    if bar.high < max(bar.open, bar.close) or bar.low > min(bar.open, bar.close):
        return "open or close outside of low and high"
    amounts = (bar.volume, bar.quote_volume or 0.0, float(bar.n_trades or 0))
    if not all(math.isfinite(amount) and amount >= 0 for amount in amounts):
        return "an amount that is none"
    return ""


def _at(finding: BarRefused | BarRevised, ts: Micros) -> BarRefused | BarRevised:
    if isinstance(finding, BarRefused):
        return BarRefused(ts, finding.symbol, finding.bar, finding.reason)
    return BarRevised(ts, finding.old, finding.new)


def _forget(known: _Known, before: Micros) -> None:
    for ts in [ts for ts in known.given if ts < before]:
        del known.given[ts]
    known.refused = {(ts, reason) for ts, reason in known.refused if ts >= before}
