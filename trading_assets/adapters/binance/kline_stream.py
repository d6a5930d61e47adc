"""One-minute bars as the venue pushes them; REST fills what the stream did not bring."""

from __future__ import annotations

import logging
import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from trading_assets.adapters.binance.endpoints import Endpoints
from trading_assets.adapters.binance.feed import BinanceBarSource, bar_from_row
from trading_assets.adapters.binance.stream import (
    Lost,
    Message,
    Notice,
    Opened,
    StreamSupervisor,
    StreamTerms,
    market_session,
)
from trading_assets.domain.bar import DAY, MINUTE, Bar
from trading_assets.domain.errors import VenueUnavailable
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.market.live_minutes import Revision, same_trade_facts

_OVERDUE_S = 2.0  # of this machine's time; a closing is pushed at once
_READ_AGAIN: Micros = 3 * MINUTE  # a closed bar may be revised for some seconds
_REMEMBERED: Micros = DAY
_LOG = logging.getLogger(__name__)


class StreamedBars:
    """Finished one-minute bars by WebSocket; implements `domain.ports.BarSource`.

    Only a bar that the venue calls closed counts, and each counts once. REST is asked instead when
    the stream cannot have a bar: at the start, after every lost connection, when a later bar shows
    that a closing was lost, and when a closing is overdue. All bars come in order, whichever way
    they came.

    Attributes:
        streamed: bars that came by the stream first.
        filled: bars that came by REST first.
        sessions: how often the stream was opened.

    Args:
        source: the same bars by REST, and the venue's time.
        endpoints: of the venue.
        symbols: whose bars are wanted.
        terms: how the connection is watched.
        monotonic: this machine's own time, in seconds.
    """

    def __init__(
        self,
        source: BinanceBarSource,
        endpoints: Endpoints,
        symbols: Sequence[Symbol],
        *,
        terms: StreamTerms = StreamTerms(),  # noqa: B008 - frozen
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._symbols = frozenset(symbols)
        self._monotonic = monotonic
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._closed: dict[Symbol, dict[Micros, Bar]] = {symbol: {} for symbol in symbols}
        self._latest: dict[Symbol, Micros] = dict.fromkeys(symbols, 0)  # open time last heard of
        self._missed_since: dict[Symbol, tuple[Micros, float]] = {}
        self._revisions: list[Revision] = []
        self._unheard: set[Symbol] = set()  # REST was not asked since the stream was opened
        self._is_open = False
        self.streamed = self.filled = self.sessions = 0
        names = tuple(f"{symbol.lower()}@kline_1m" for symbol in symbols)
        self._supervisor = StreamSupervisor(
            "of bars", lambda: market_session(endpoints, names), self._notices.put, terms
        )

    def now(self) -> Micros:
        """Give the venue's time."""
        return self._source.now()

    def bars(self, symbol: Symbol, start: Micros, end: Micros) -> Iterator[Bar]:
        """Yield finished bars with open time in [start, end), strictly increasing.

        A bar whose closing may still be on its way is left out; it is given when it is asked for
        again, from the stream or, once overdue, from REST.

        Raises:
            UnknownSymbol, VenueUnavailable, RateLimited, VenueError: from the venue.
            DataError: if the venue's bars do not increase, or are off the minute grid.
        """
        if symbol not in self._symbols or end - start > _REMEMBERED:
            yield from self._source.bars(symbol, start, end)
            return
        self._listen()
        known = self._closed[symbol]
        missing = start
        while missing < end and missing in known:
            missing += MINUTE
        if symbol in self._unheard or (missing < end and self._is_lost(symbol, missing)):
            self._fill(symbol, missing, end)
            missing = end
        for ts in sorted(ts for ts in known if start <= ts < missing):
            yield known[ts]
        for ts in [ts for ts in known if ts < min(start, self._latest[symbol]) - _REMEMBERED]:
            del known[ts]

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give the trading grid of each symbol.

        Raises:
            UnknownSymbol: if the venue does not list one of them.
        """
        return self._source.instruments(symbols)

    def take_revisions(self) -> list[Revision]:
        """Give bars that the venue told differently later, each once."""
        self._listen()
        taken, self._revisions = self._revisions, []
        return taken

    def close(self) -> None:
        """End the stream."""
        self._supervisor.close()

    def _listen(self) -> None:
        """Take in what the stream has brought."""
        while True:
            try:
                notice = self._notices.get_nowait()
            except queue.Empty:
                return
            if isinstance(notice, Opened):
                self._is_open = True
                self._unheard = set(self._symbols)
                self.sessions += 1
            elif isinstance(notice, Lost):
                self._is_open = False
            else:
                self._take(notice)

    def _take(self, message: Message) -> None:
        data = message.get("data", message)
        if data.get("e") != "kline" or data.get("s") not in self._symbols:
            return
        kline = data["k"]
        if kline["i"] != "1m":
            return
        symbol, ts = Symbol(data["s"]), int(kline["t"]) * 1000
        self._latest[symbol] = max(self._latest[symbol], ts)
        if kline["x"] is True:
            self.streamed += self._keep(_bar(symbol, kline))

    def _keep(self, bar: Bar) -> bool:
        """Store a bar and tell whether it is new; one that differs from the last is a revision."""
        was = self._closed[bar.symbol].get(bar.ts)
        if was is not None:
            if same_trade_facts(was, bar):
                return False
            _LOG.warning("%s at %d was revised by the venue", bar.symbol, bar.ts)
            self._revisions.append(Revision(bar.symbol, bar.ts, was, bar))
        self._closed[bar.symbol][bar.ts] = bar
        return was is None

    def _is_lost(self, symbol: Symbol, ts: Micros) -> bool:
        """Tell whether the closing of a bar that is over will not come by the stream any more."""
        if not self._is_open or ts < self._latest[symbol]:
            return True
        since = self._missed_since.get(symbol)
        if since is None or since[0] != ts:
            self._missed_since[symbol] = (ts, self._monotonic())
            return False
        return self._monotonic() - since[1] >= _OVERDUE_S

    def _fill(self, symbol: Symbol, start: Micros, end: Micros) -> None:
        """Read bars by REST, and those just before again, which may have been revised."""
        known = self._closed[symbol]
        again = start
        while again - MINUTE in known and start - again < _READ_AGAIN:
            again -= MINUTE
        for bar in self._source.bars(symbol, again, end):
            self.filled += self._keep(bar)
        if self._is_open:
            self._unheard.discard(symbol)


def _bar(symbol: Symbol, kline: Mapping[str, Any]) -> Bar:
    """Read a bar of the stream; its fields are those of REST under other names.

    Raises:
        VenueUnavailable: if it is not a bar.
    """
    try:
        row = [kline[name] for name in ("t", "o", "h", "l", "c", "v", "T", "q", "n")]
    except KeyError as error:
        raise VenueUnavailable(
            f"bar of {symbol}: the venue's message cannot be read", found=f"no field {error}"
        ) from None
    return bar_from_row(symbol, row)
