"""Ticks: what a venue says between bars."""

from __future__ import annotations

from dataclasses import dataclass

from trading_assets.domain.ids import Micros, Symbol


@dataclass(frozen=True, slots=True)
class Tick:
    """A trade, a quote, or both at one instant.

    Attributes:
        ts: when it happened, by the venue's clock.
        symbol: of what.
        venue: where, such as `binance`.
        bid: best price to sell at, None when the tick does not say.
        ask: best price to buy at, None when the tick does not say.
        last: price of the trade, None for a mere quote.
        size: quantity traded, in base; 0 for a mere quote.
    """

    ts: Micros
    symbol: Symbol
    venue: str
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    size: float = 0.0
