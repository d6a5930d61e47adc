"""Bars from ticks, one by one as they come or a whole table at once, by the same rules.

- A bar starts at a multiple of its size in UTC. A span without a tick has no bar.
- Open and close are the first and last price by the tick's own time; of ticks with one time, those
  that came first and last. So the order of arrival inside a bar decides nothing else.
- Volumes add up in whole 1e-8 units, as in `resample`. A bar gives the float nearest to their sum:
  below 2**25 that float still tells one unit from the next, so that larger bars are the same to the
  bit from trades as from minutes; above it they may differ by the last bits of a float.
- A bar that was given out does not change: a tick for it, or for an earlier one, is late; it is
  counted and left out. A tick without the price that the method takes is counted, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl

from trading_assets.domain.bar import MINUTE, Bar
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import UNITS_PER_ASSET
from trading_assets.domain.ports import Clock
from trading_assets.domain.tick import Tick
from trading_assets.market.bar_frame import BAR_SCHEMA, PRICES, TS

Method = Literal["last", "mid", "bid", "ask"]
METHODS: tuple[Method, ...] = ("last", "mid", "bid", "ask")
_SECOND: Micros = 1_000_000

TRADES_SCHEMA = pl.Schema(
    {"ts": TS, "symbol": pl.String(), "price": pl.Float64(), "size": pl.Float64()}
)
"""Trades in the order in which they came."""


@dataclass(frozen=True, slots=True)
class VwapBar(Bar):
    """A bar with its volume-weighted average price; None where nothing was traded."""

    vwap: float | None


@dataclass(slots=True)
class _Growing:
    """One bar of one symbol, not given out yet."""

    start: Micros
    first_ts: Micros
    last_ts: Micros
    open: float
    high: float
    low: float
    close: float
    volume_units: int = 0
    turnover_units: int = 0
    n_trades: int = 0

    def take(self, ts: Micros, price: float, size: float) -> None:
        if ts < self.first_ts:
            self.first_ts, self.open = ts, price
        if ts >= self.last_ts:
            self.last_ts, self.close = ts, price
        self.high, self.low = max(self.high, price), min(self.low, price)
        # Python and polars both round a half to even.
        self.volume_units += round(size * UNITS_PER_ASSET)
        self.turnover_units += round(price * size * UNITS_PER_ASSET)
        self.n_trades += 1


class BarBuilder:
    """Bars of any number of symbols from their ticks.

    Attributes:
        late: ticks that came after their bar was given out.
        priceless: ticks that did not say the price that the method takes.
    """

    def __init__(
        self, bar_seconds: int = 60, method: Method = "last", *, vwap: bool = False
    ) -> None:
        """Start without a tick.

        Args:
            bar_seconds: size of a bar; a divisor or multiple of a minute.
            method: which price makes the bar; `mid` is halfway between bid and ask.
            vwap: give out bars with their average price (`VwapBar`).

        Raises:
            ConfigurationError: if the size or the method is another.
        """
        if method not in METHODS:
            raise ConfigurationError(
                "Not a method of making bars", expected=", ".join(METHODS), found=repr(method)
            )
        self._size = _size(bar_seconds)
        self._method = method
        self._vwap = vwap
        self._clock: Clock | None = None
        self._growing: dict[Symbol, _Growing] = {}
        self._given: dict[Symbol, Micros] = {}
        self.late = 0
        self.priceless = 0

    def set_clock(self, clock: Clock) -> None:
        """Let this clock decide which bars have ended when `flush` is asked."""
        self._clock = clock

    def on_tick(self, tick: Tick) -> list[Bar]:
        """Take a tick; give the bar of its symbol that it completes, if any.

        Raises:
            DataError: if a price is not positive and finite, or the size negative or not finite.
        """
        price = self._price(tick)
        if price is None:
            self.priceless += 1
            return []
        _require_possible(tick, price)
        start = tick.ts - tick.ts % self._size
        growing = self._growing.get(tick.symbol)
        if start < self._given.get(tick.symbol, start) or (growing and start < growing.start):
            self.late += 1
            return []
        completed: list[Bar] = []
        if growing and start > growing.start:
            completed.append(self._give(tick.symbol, growing))
            growing = None
        if growing is None:
            growing = _Growing(start, tick.ts, tick.ts, price, price, price, price)
            self._growing[tick.symbol] = growing
        growing.take(tick.ts, price, tick.size)
        return completed

    def flush(self, *, force: bool = False) -> list[Bar]:
        """Give the bars that have ended by the clock, sorted by time and symbol.

        Args:
            force: give unfinished bars, too; later ticks for them are late. Without a clock
                nothing else is known to have ended.
        """
        now = self._clock.now() if self._clock else 0
        ended = sorted(
            (growing.start, symbol)
            for symbol, growing in self._growing.items()
            if force or growing.start + self._size <= now
        )
        return [self._give(symbol, self._growing[symbol]) for _, symbol in ended]

    def _give(self, symbol: Symbol, grown: _Growing) -> Bar:
        del self._growing[symbol]
        self._given[symbol] = grown.start + self._size
        volume, turnover = grown.volume_units, grown.turnover_units
        bar = Bar(
            symbol=symbol,
            ts=grown.start,
            **{name: getattr(grown, name) for name in PRICES},
            volume=volume / UNITS_PER_ASSET,
            quote_volume=turnover / UNITS_PER_ASSET,
            n_trades=grown.n_trades,
        )
        if not self._vwap:
            return bar
        facts = {name: getattr(bar, name) for name in Bar.__slots__}
        return VwapBar(**facts, vwap=turnover / volume if volume else None)

    def _price(self, tick: Tick) -> float | None:
        if self._method == "last":
            return tick.last
        if self._method == "mid":
            if tick.bid is None or tick.ask is None:
                return None
            return (tick.bid + tick.ask) / 2
        return tick.bid if self._method == "bid" else tick.ask


def bars_from_trades(frame: pl.DataFrame, source: str, *, bar_seconds: int = 60) -> pl.DataFrame:
    """Make the bars of one symbol's trades: the rules of `BarBuilder`, over a whole table.

    Args:
        frame: TRADES_SCHEMA, in any order of time; of one time, in order of arrival.
        source: value of the column `source`.
        bar_seconds: size of a bar; a divisor or multiple of a minute.

    Returns:
        BAR_SCHEMA, ascending; the last bar may be unfinished.

    Raises:
        DataError: if a trade is not a possible one, or there is more than one symbol.
        ConfigurationError: if the size is another.
    """
    size = _size(bar_seconds)
    possible = (
        pl.col("price").is_finite()
        & (pl.col("price") > 0)
        & pl.col("size").is_finite()
        & (pl.col("size") >= 0)
    )
    bad = frame.filter(~possible.fill_null(value=False))
    if bad.height or frame["symbol"].n_unique() > 1:
        raise DataError(
            "Trades cannot be made into bars",
            expected="one symbol, positive prices, sizes not below zero",
            found=str(bad.row(0, named=True)) if bad.height else "several symbols",
        )
    units = [pl.col("size") * UNITS_PER_ASSET, pl.col("price") * pl.col("size") * UNITS_PER_ASSET]
    volume, turnover = (unit.round().cast(pl.Int128).sum() for unit in units)
    bars = (
        frame.sort("ts", maintain_order=True)
        .group_by_dynamic("ts", every=f"{size}us", closed="left", label="left", start_by="window")
        .agg(
            pl.col("symbol").first(),
            pl.col("price").first().alias("open"),
            pl.col("price").max().alias("high"),
            pl.col("price").min().alias("low"),
            pl.col("price").last().alias("close"),
            volume.alias("volume"),
            turnover.alias("quote_volume"),
            pl.len().alias("n_trades"),
            pl.lit(source).first().alias("source"),
        )
    )
    amounts = [
        pl.Series(name, [count / UNITS_PER_ASSET for count in bars[name].to_list()], pl.Float64)
        for name in ("volume", "quote_volume")
    ]
    return bars.with_columns(*amounts).select(
        pl.col(name).cast(dtype) for name, dtype in BAR_SCHEMA.items()
    )


def bars_frame(bars: Iterable[Bar], source: str) -> pl.DataFrame:
    """Give bars as a table (BAR_SCHEMA), in their order."""
    rows = [
        (b.ts, b.symbol, b.open, b.high, b.low, b.close, b.volume, b.quote_volume, b.n_trades)
        for b in bars
    ]
    raw = pl.DataFrame(
        [(*row, source) for row in rows],
        schema={**BAR_SCHEMA, "ts": pl.Int64()},
        orient="row",
    )
    return raw.select(pl.col(name).cast(dtype) for name, dtype in BAR_SCHEMA.items())


def _size(bar_seconds: int) -> Micros:
    size = bar_seconds * _SECOND
    if bar_seconds < 1 or (MINUTE % size != 0 and size % MINUTE != 0):
        raise ConfigurationError(
            "Not the size of a bar",
            expected="seconds that divide a minute, or whole minutes",
            found=f"{bar_seconds} s",
        )
    return size


def _require_possible(tick: Tick, price: float) -> None:
    if not (math.isfinite(price) and price > 0 and math.isfinite(tick.size) and tick.size >= 0):
        raise DataError(
            f"A tick of {tick.symbol} is not possible",
            expected="a positive price, and a size not below zero",
            found=str(tick),
        )
