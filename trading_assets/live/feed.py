"""Finished bars of all symbols at one instant, in order, with their signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from trading_assets.domain.bar import MINUTE, Bar, Timeframe
from trading_assets.domain.errors import DataError, VenueUnavailable
from trading_assets.domain.events import BarReady, Event
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.domain.ports import BarSource
from trading_assets.live.bar_grid import BarGrid
from trading_assets.live.bar_screen import BarScreen
from trading_assets.live.lane import Lane
from trading_assets.live.signal_desk import Signals
from trading_assets.market.bar_frame import BAR_SCHEMA, empty_bars
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions


class BarFeed:
    """Polls one-minute bars, builds larger ones, and hands them out strictly in order.

    A bar is handed out as soon as every symbol that trades then has its last minute, or `grace`
    after its close with whatever has come. Bars that were missed (a restart, an outage) come first,
    one by one. While the market of a symbol is closed it has no bars, and is not asked for any.
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
        sessions: Mapping[Symbol, Sessions] | None = None,
    ) -> None:
        """Begin without bars.

        Args:
            source: gives one-minute bars.
            desk: computes signals.
            symbols: of the book, in its order.
            timeframe: of the bars handed out.
            grace: so long after its close a bar waits for minutes, in market time.
            screen: keeps garbage out.
            sessions: of the symbols whose markets close.

        Raises:
            ConfigurationError: for daily bars of sessions.
        """
        self._source = source
        self._desk = desk
        self._size = timeframe
        self._grace = grace
        self._screen = screen or BarScreen()
        self._latest: Micros = 0  # of all minutes that were seen
        closes = sessions or {}
        self._lanes = {s: Lane(BarGrid(timeframe, closes.get(s))) for s in symbols}

    @property
    def next_close(self) -> Micros:
        """When the next bar closes."""
        opens = min(lane.begin for lane in self._lanes.values())
        return self._close_of(opens, [s for s, x in self._lanes.items() if x.begin == opens])

    def load(self, first: Micros) -> None:
        """Read the history that bars from `first` on need.

        The next bar handed out is the one that `first` lies in, or opens next.

        Raises:
            VenueUnavailable, RateLimited: if the venue cannot give it.
        """
        start = self._desk.history_start(Month.of(first))
        for symbol, lane in self._lanes.items():
            lane.start(first)
            minutes = _frame(list(self._given(symbol, start, lane.begin, is_history=True)))
            bars = resample(minutes, self._size, sessions=lane.grid.sessions)
            self._desk.append(symbol, bars)
            self._desk.rows(
                symbol, list(bars_from_frame(bars.tail(1)))
            )  # forecasts of the past, now

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
        for symbol, lane in self._lanes.items():
            self._read(symbol, lane, now // MINUTE * MINUTE)
        instants, following = self._closed(now)
        if not instants:
            return []
        frames = {
            symbol: self._build(symbol, lane, following[symbol])
            for symbol, lane in self._lanes.items()
        }
        events = self._events(instants, frames)
        self._desk.forget_before(Month.of(instants[-1]))
        return events

    def findings(self, now: Micros) -> Sequence[Event]:
        """Give the minutes that were refused or revised since the last call."""
        return self._screen.take_findings(now)

    def _read(self, symbol: Symbol, lane: Lane, end: Micros) -> None:
        """Take in what the venue has from the first missing minute on; a hole is asked for again.

        So are the minutes just before, to notice a revision. What came before a failure is kept.
        """
        wanted = lane.wanted(end)
        if wanted is None:
            return
        try:
            for bar in self._given(symbol, *wanted):
                if lane.take(bar):
                    self._latest = max(self._latest, bar.ts)
        finally:
            lane.note_holes()

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

    def _closed(self, now: Micros) -> tuple[list[Micros], dict[Symbol, Micros]]:
        """List the open times of bars that can be handed out: no gap between them.

        While the venue has nothing at all from an instant on, it is waited for.

        Returns:
            These instants, and when the bar of each symbol opens that comes next.
        """
        instants: list[Micros] = []
        following = {symbol: lane.begin for symbol, lane in self._lanes.items()}
        while True:
            ts = min(following.values())
            trading = [symbol for symbol, opens in following.items() if opens == ts]
            is_whole = all(self._lanes[symbol].is_whole(ts) for symbol in trading)
            is_over = ts <= self._latest and self._close_of(ts, trading) + self._grace <= now
            if not (is_whole or is_over):
                return instants, following
            instants.append(ts)
            for symbol in trading:
                following[symbol] = self._lanes[symbol].grid.after(ts)

    def _close_of(self, opened: Micros, symbols: Sequence[Symbol]) -> Micros:
        """Give when the bars of some symbols have closed that open at an instant."""
        return max(self._lanes[symbol].grid.close_of(opened) for symbol in symbols)

    def _build(self, symbol: Symbol, lane: Lane, begin: Micros) -> pl.DataFrame:
        minutes = _frame(lane.hand_out(begin))
        frame = resample(minutes, self._size, sessions=lane.grid.sessions)
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
