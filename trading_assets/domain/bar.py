"""Bars and their sizes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from trading_assets.domain.ids import Micros, Symbol

MINUTE: Micros = 60_000_000
DAY: Micros = 1440 * MINUTE


def minute_text(ts: Micros) -> str:
    """Write an instant as `2018-02-08 00:28`, UTC."""
    return f"{datetime.fromtimestamp(ts // 1_000_000, UTC):%Y-%m-%d %H:%M}"


class Timeframe(Enum):
    """Bar sizes; the value is the name that tables, specs and Binance use."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    D1 = "1d"

    @property
    def micros(self) -> Micros:
        """Length of a bar."""
        return {"1m": 1, "5m": 5, "15m": 15, "1h": 60, "1d": 1440}[self.value] * MINUTE

    @property
    def minutes(self) -> int:
        """Length of a bar in minutes."""
        return self.micros // MINUTE


@dataclass(frozen=True, slots=True)
class Bar:
    """One finished bar: `ts` is its open time; prices in quote, volume in base.

    Quote volume and the number of trades are None where the venue does not tell them.
    """

    symbol: Symbol
    ts: Micros
    open: float
    high: float
    low: float
    close: float
    volume: float
    quote_volume: float | None
    n_trades: int | None


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A stretch without bars: open times of its first and last missing minute, and their count."""

    start: Micros
    end: Micros
    minutes: int
    cause: str = "unexplained"
