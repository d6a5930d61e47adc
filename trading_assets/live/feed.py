"""Finished bars of all symbols at one instant, in order, with their signals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from trading_assets.domain.bar import MINUTE, Bar, Timeframe
from trading_assets.domain.errors import DataError, VenueUnavailable
from trading_assets.domain.events import BarReady, Event
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.ports import BarSource
from trading_assets.live.bar_screen import READ_AGAIN, BarScreen
from trading_assets.live.signal_desk import Signals
from trading_assets.market.bar_frame import BAR_SCHEMA, empty_bars
from trading_assets.market.resample import resample


class BarFeed:
    """Polls one-minute bars, builds larger ones, and hands them out strictly in order.

    A bar is handed out as soon as every symbol has its last minute, or `grace` after its close
    with whatever has come. Bars that were missed (a restart, an outage) come first, one by one.
    """

    def __init__(
        self,
        source: BarSource,
        desk: Signals,
        symbols: Sequence[Symbol],
        timeframe: Timeframe,
        *,
        grace: Micros,
        screen: BarScreen | None = None,
    ) -> None:
        self._source = source
        self._desk = desk
        self._size = timeframe
        self._grace = grace
        self._screen = screen or BarScreen()
        self._next: Micros = 0
        self._latest: Micros = 0  # of all minutes that were seen
        self._minutes: dict[Symbol, dict[Micros, Bar]] = {symbol: {} for symbol in symbols}
        self._missing: dict[Symbol, Micros] = dict.fromkeys(symbols, 0)  # the first one, of each

    @property
    def next_close(self) -> Micros:
        """When the next bar closes."""
        return self._next + self._size.micros

    def load(self, first: Micros) -> None:
        """Read the history that bars from `first` on need; `first` is the next bar handed out.

        Raises:
            VenueUnavailable, RateLimited: if the venue cannot give it.
        """
        start = self._desk.history_start(Month.of(first))
        for symbol in self._minutes:
            minutes = _frame(list(self._given(symbol, start, first, is_history=True)))
            bars = resample(minutes, self._size)
            self._desk.append(symbol, bars)
            self._desk.rows(
                symbol, list(bars_from_frame(bars.tail(1)))
            )  # forecasts of the past, now
            self._minutes[symbol] = {}
            self._missing[symbol] = first
        self._next = first

    def poll(self, now: Micros) -> list[BarReady]:
        """Give the bars that have closed and were not handed out, oldest first.

        Args:
            now: market time of the venue.

        Raises:
            VenueUnavailable, RateLimited: if the venue cannot be asked, or gives bars that
                cannot be used; nothing is lost.
        """
        if now < self.next_close:
            return []
        for symbol in self._minutes:
            self._read(symbol, now // MINUTE * MINUTE)
        instants = self._closed(now)
        if not instants:
            return []
        end = instants[-1] + self._size.micros
        frames = {symbol: self._build(symbol, end) for symbol in self._minutes}
        self._next = end
        events = self._events(instants, frames)
        self._desk.forget_before(Month.of(instants[-1]))
        return events

    def findings(self, now: Micros) -> Sequence[Event]:
        """Give the minutes that were refused or revised since the last call."""
        return self._screen.take_findings(now)

    def _read(self, symbol: Symbol, end: Micros) -> None:
        """Take in what the venue has from the first missing minute on; a hole is asked for again.

        So are the minutes just before, to notice a revision. What came before a failure is kept.
        """
        minutes = self._minutes[symbol]
        try:
            for bar in self._given(symbol, self._missing[symbol] - READ_AGAIN, end):
                if bar.ts >= self._next:
                    minutes[bar.ts] = bar
                    self._latest = max(self._latest, bar.ts)
        finally:
            while self._missing[symbol] in minutes:
                self._missing[symbol] += MINUTE

    def _given(
        self, symbol: Symbol, start: Micros, end: Micros, *, is_history: bool = False
    ) -> Iterator[Bar]:
        try:
            bars = self._source.bars(symbol, start, end)
            yield from self._screen.usable(symbol, bars, is_history=is_history)
        except DataError as error:
            raise VenueUnavailable(
                f"The venue gives bars that cannot be used: {error.what}",
                expected=error.expected,
                found=error.found,
                fix="Nothing was traded on them; the same bars are asked for again.",
            ) from error

    def _closed(self, now: Micros) -> list[Micros]:
        """List the open times of bars that can be handed out: no gap between them.

        While the venue has nothing at all from an instant on, it is waited for.
        """
        instants = []
        ts, size = self._next, self._size.micros
        while self._is_whole(ts, ts + size) or (
            ts <= self._latest and ts + size + self._grace <= now
        ):
            instants.append(ts)
            ts += size
        return instants

    def _is_whole(self, start: Micros, end: Micros) -> bool:
        """Tell whether every minute in [start, end) of every symbol has come."""
        each = range(start, end, MINUTE)
        return all(ts in minutes for minutes in self._minutes.values() for ts in each)

    def _build(self, symbol: Symbol, end: Micros) -> pl.DataFrame:
        minutes = self._minutes[symbol]
        ready = [minutes.pop(ts) for ts in sorted(minutes) if ts < end]
        self._missing[symbol] = max(self._missing[symbol], end)
        frame = resample(_frame(ready), self._size)
        self._desk.append(symbol, frame)
        return frame

    def _events(self, instants: list[Micros], frames: dict[Symbol, pl.DataFrame]) -> list[BarReady]:
        bars = {symbol: bars_from_frame(frame) for symbol, frame in frames.items()}
        rows = {symbol: self._desk.rows(symbol, list(found)) for symbol, found in bars.items()}
        incomplete = {
            symbol: set(frame.filter(~pl.col("complete"))["ts"].to_physical().to_list())
            for symbol, frame in frames.items()
        }
        events = []
        for ts in instants:
            present = [symbol for symbol in bars if ts in bars[symbol]]
            if present:
                events.append(
                    BarReady(
                        ts,
                        tuple(bars[symbol][ts] for symbol in present),
                        tuple(row for symbol in present for row in rows[symbol][ts]),
                        incomplete=tuple(s for s in present if ts in incomplete[s]),
                    )
                )
        return events


def _frame(bars: Sequence[Bar]) -> pl.DataFrame:
    if not bars:
        return empty_bars()
    return pl.DataFrame(
        {
            "ts": [bar.ts for bar in bars],
            "symbol": [bar.symbol for bar in bars],
            "open": [bar.open for bar in bars],
            "high": [bar.high for bar in bars],
            "low": [bar.low for bar in bars],
            "close": [bar.close for bar in bars],
            "volume": [bar.volume for bar in bars],
            "quote_volume": [bar.quote_volume for bar in bars],
            "n_trades": [bar.n_trades for bar in bars],
            "source": ["venue"] * len(bars),
        },
        schema=BAR_SCHEMA,
    )


def bars_from_frame(frame: pl.DataFrame) -> dict[Micros, Bar]:
    """Give the bars of one symbol's table by open time."""
    columns = frame.select(
        pl.col("ts").to_physical(), "symbol", "open", "high", "low", "close", "volume",
        "quote_volume", "n_trades",
    )  # fmt: skip
    return {row[0]: Bar(Symbol(row[1]), row[0], *row[2:]) for row in columns.iter_rows()}
