"""The market of a schedule: prices and signals bar by bar, drawn ahead from its seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import Decimal

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.events import SignalRow
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.simulation.virtual_time import START

NAN = float("nan")
INSTRUMENTS = (
    Instrument(Symbol("SOLUSDT"), "SOL", "USDT", Decimal("0.01"), Decimal("0.001"), Decimal(5)),
    Instrument(Symbol("BTCUSDT"), "BTC", "USDT", Decimal("0.01"), Decimal("0.00001"), Decimal(5)),
)
_FIRST_TICKS = (10_000, 4_200_000)
_STEP_SHARE = 0.002
_OPINION = 0.6


@dataclass(frozen=True, slots=True)
class Minute:
    """One closed minute of both symbols, and what the strategy thinks at its close."""

    ts: Micros
    bars: tuple[Bar, ...]
    rows: tuple[SignalRow, ...]
    ticks: tuple[int, ...]


_TARGETS = (0.0, 0.5, 1.0)

Members = tuple[tuple[str, tuple[Symbol, ...]], ...]
"""Tag and symbols of each strategy of a book."""

_ALONE: Members = (("", tuple(instrument.symbol for instrument in INSTRUMENTS)),)


def draw_market(
    dice: random.Random, minutes: int, columns: int, actions: int, members: Members = ()
) -> list[Minute]:
    """Draw the minutes of a schedule.

    Args:
        dice: of the market alone, so that faults do not move it.
        minutes: how many.
        columns: numbers in a signal row; the first is drawn, the others are none.
        actions: a signal is a whole number below it, or a target 0, 0.5 or 1 when it is 0.
        members: the strategies that have signals, none for one that is alone.
    """
    ticks = list(_FIRST_TICKS)
    drawn = []
    for number in range(minutes):
        ts = START + number * MINUTE
        bars, rows = [], []
        for place, instrument in enumerate(INSTRUMENTS):
            opened = ticks[place]
            ticks[place] += round(opened * _STEP_SHARE * dice.uniform(-1, 1))
            bars.append(_bar(instrument, ts, opened, ticks[place]))
            rows += [
                _row(dice, instrument.symbol, ts, columns, actions, tag)
                for tag, symbols in members or _ALONE
                if instrument.symbol in symbols
            ]
        drawn.append(Minute(ts, tuple(bars), tuple(rows), tuple(ticks)))
    return drawn


def _bar(instrument: Instrument, ts: Micros, opened: int, closed: int) -> Bar:
    first, last = opened / 100, closed / 100
    high, low = max(first, last), min(first, last)
    return Bar(instrument.symbol, ts, first, high, low, last, 1_000.0, 1_000.0 * last, 40)


def _row(
    dice: random.Random, symbol: Symbol, ts: Micros, columns: int, actions: int, tag: str
) -> SignalRow:
    value = NAN
    if dice.random() < _OPINION:
        drawn = int(dice.random() * (actions or len(_TARGETS)))
        value = float(drawn) if actions else _TARGETS[drawn]
    values = (value, *(NAN,) * (columns - 1))
    return SignalRow(symbol, ts, values, f"{symbol}/{ts}/{value}", tag=tag)
