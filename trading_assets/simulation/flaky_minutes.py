"""One-minute bars of a venue that loses, delays and withholds them: drawn ahead, by seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import DataError, RateLimited, VenueUnavailable
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.simulation.virtual_time import START

SYMBOLS = (Symbol("SOLUSDT"), Symbol("BTCUSDT"))
CALL_FAULTS = ("unavailable", "rate_limited", "cut_off", "garbage", "slow")
MINUTE_FAULTS = ("late_minute", "held_back", "hole_for_a_while", "hole_for_good")

_SECOND: Micros = 1_000_000
_DELAYS_S = {"late_minute": (1, 30), "held_back": (50, 600), "hole_for_a_while": (1, 35)}


class FlakyMinutes:
    """A `domain.ports.BarSource`.

    Attributes:
        now: market time; a slow answer moves it.
        minutes: what was traded, by symbol, ascending.
        counts: faults so far, by name.
    """

    def __init__(self, dice: random.Random, minutes: int, rate: float) -> None:
        """Draw a market.

        Args:
            dice: all chance comes from here.
            minutes: how many there are.
            rate: chance of a fault, per answer and per minute.
        """
        self.now: Micros = START
        self.counts: Counter[str] = Counter()
        self._dice = dice
        self._rate = rate
        self.minutes = {symbol: self._draw(symbol, minutes) for symbol in SYMBOLS}
        self._seen_from = {symbol: self._delays(symbol) for symbol in SYMBOLS}

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give none: feeds do not ask."""
        return ()

    def bars(self, symbol: Symbol, start: Micros, end: Micros) -> Iterator[Bar]:
        """Yield what can be seen, or fail before it or in the midst of it."""
        fault = self._fault(CALL_FAULTS)
        if fault == "slow":
            self.now += self._dice.randrange(1, 20) * _SECOND
        elif fault == "unavailable":
            raise VenueUnavailable("no answer")
        elif fault == "rate_limited":
            raise RateLimited("too many requests", retry_after_ms=1_000)
        found = self.seen(symbol, start, end)
        cut = self._dice.randrange(len(found) + 1) if fault else len(found)
        yield from found[:cut]
        if fault == "cut_off":
            raise VenueUnavailable("the connection broke")
        if fault == "garbage":
            raise DataError("Bars are out of order")
        yield from found[cut:]

    def seen(self, symbol: Symbol, start: Micros, end: Micros) -> list[Bar]:
        """List the minutes with open time in [start, end) that can be seen now."""
        from_when = self._seen_from[symbol]
        return [
            bar
            for bar in self.minutes[symbol]
            if start <= bar.ts < end and bar.ts in from_when and from_when[bar.ts] <= self.now
        ]

    def calm(self) -> None:
        """Let nothing fail any more."""
        self._rate = 0.0

    def _draw(self, symbol: Symbol, minutes: int) -> list[Bar]:
        bars, price = [], 100.0 if symbol == SYMBOLS[0] else 40_000.0
        for number in range(minutes):
            opened, price = price, round(price * self._dice.uniform(0.998, 1.002), 2)
            high, low = max(opened, price), min(opened, price)
            amount = self._dice.randrange(1, 1_000) / 8
            ts = START + number * MINUTE
            bars.append(Bar(symbol, ts, opened, high, low, price, amount, 2 * amount, 3))
        return bars

    def _delays(self, symbol: Symbol) -> dict[Micros, Micros]:
        """Draw from when each minute is seen; one that never is has no entry.

        Behind a minute that comes late the later ones wait. A hole stands alone.
        """
        seen_from: dict[Micros, Micros] = {}
        not_before: Micros = 0
        for bar in self.minutes[symbol]:
            fault = self._fault(MINUTE_FAULTS)
            if fault == "hole_for_good":
                continue
            seen_from[bar.ts] = max(bar.ts + MINUTE, not_before)
            if fault:
                least, most = _DELAYS_S[fault]
                seen_from[bar.ts] += self._dice.randrange(least, most) * _SECOND
            if fault in {"late_minute", "held_back"}:
                not_before = seen_from[bar.ts]
        return seen_from

    def _fault(self, names: tuple[str, ...]) -> str:
        if self._dice.random() >= self._rate:
            return ""
        name = self._dice.choice(names)
        self.counts[name] += 1
        return name
