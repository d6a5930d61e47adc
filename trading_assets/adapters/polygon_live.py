"""Finished minutes of Polygon as they happen: its stream, and its history for what was missed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from trading_assets.adapters.http_reads import Backoff
from trading_assets.adapters.polygon import PolygonHistory
from trading_assets.adapters.polygon_socket import Message, PolygonSocket
from trading_assets.domain.bar import DAY, MINUTE, Bar
from trading_assets.domain.errors import RateLimited, VenueError, VenueUnavailable
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.ports import Clock
from trading_assets.market.live_minutes import LiveMinutes, Revision

_MS = 1000  # microseconds
_GRACE: Micros = 5_000_000  # the vendor holds a bar some two seconds for late trades
_LATE_TRADES = 16 * MINUTE  # it sends a bar again when a trade is reported up to 15 minutes late
_COMPARE_EVERY = 15 * MINUTE
_MAY_PASS = (VenueUnavailable, RateLimited)


class PolygonLive:
    """The live feed of symbols of Polygon; implements `domain.ports.BarSource`.

    A minute without a trade has no bar. What passed while there was no connection is read from the
    history before anything later is handed out, so bars come strictly in order. Some time later
    each stretch is read from the history again: what differs comes as a Revision. The stream tells
    neither quote volume nor the number of trades; they are None.

    Args:
        socket: of the stream; opened when it is first needed.
        history: of the same vendor, with the same key.
        clock: of this desk; the vendor has none to ask.
        symbols: whose bars are wanted; bars of one minute come in this order.
        first: open time of the first minute; None begins with the one that is forming.
        stream_delay_minutes: how late the stream is by the plan.
        history_delay_minutes: how long after its end the history has a bar.
    """

    def __init__(
        self,
        socket: PolygonSocket,
        history: PolygonHistory,
        clock: Clock,
        symbols: Sequence[Symbol],
        *,
        first: Micros | None = None,
        stream_delay_minutes: int = 0,
        history_delay_minutes: int = 0,
    ) -> None:
        self._socket = socket
        self._history = history
        self._clock = clock
        self._symbols = {history.vendor_symbol(symbol): symbol for symbol in symbols}
        self._stream_delay = stream_delay_minutes * MINUTE
        self._history_delay = history_delay_minutes * MINUTE
        forming = self.now() // MINUTE * MINUTE
        self._first = forming if first is None else first
        self._minutes = LiveMinutes(tuple(symbols), first=self._first, grace=_GRACE)
        self._missed_until: Micros | None = None  # end of what only the history still has
        self._compared = max(self._first, forming - _LATE_TRADES)
        self._revisions: list[Revision] = []
        self._stream_again, self._history_again = Backoff(clock), Backoff(clock)

    @property
    def trouble(self) -> VenueError | None:
        """Why no bars come just now; it passes by itself."""
        return self._stream_again.error or self._history_again.error

    def now(self) -> Micros:
        """Give the present of the stream."""
        return self._clock.now() - self._stream_delay

    def events(self, wait_s: float) -> list[Bar | Revision]:
        """Give finished bars in order, and revisions of earlier ones, as they come.

        Lost connections are opened again, with pauses that double up to a minute; `trouble` says
        what is wrong meanwhile.

        Args:
            wait_s: how long to wait for the first message, at most.

        Raises:
            VenueError: if the vendor refuses for good.
            CorruptFile: if its history cannot be used.
        """
        bars = self._advance(wait_s)
        revisions, self._revisions = self._revisions, []
        return [*revisions, *bars]

    def bars(self, symbol: Symbol, start: Micros, end: Micros) -> Iterator[Bar]:
        """Yield finished bars with open time in [start, end), strictly increasing.

        What is older than this feed comes from the vendor's history.

        Raises:
            VenueUnavailable: while there is no connection, or bars of the past are not there yet.
            VenueError: if the vendor refuses for good.
        """
        self._advance(0)
        edge = max(self._first, self._minutes.next_ts - DAY)
        past = min(end, edge)
        too_young = start < past and past + self._history_delay > self._clock.now()
        if self.trouble is not None or self._missed_until is not None or too_young:
            raise self.trouble or VenueUnavailable(
                "Polygon has not given all bars up to now",
                expected="those that passed without a connection, from its history",
                found=f"a history that is {self._history_delay // MINUTE} minutes late",
                fix="Try again later; set `delay_minutes` of the source as your plan has it.",
            )
        if start < past:
            yield from self._history.minutes(symbol, start, past)
        yield from self._minutes.handed(symbol, max(start, edge), end)

    def instruments(self, symbols: tuple[Symbol, ...]) -> tuple[Instrument, ...]:
        """Give instruments as declared; Polygon says nothing of grids.

        Raises:
            UnknownSymbol: naming the keys that are missing.
        """
        return self._history.instruments(symbols)

    def close(self) -> None:
        """Give the connection back."""
        self._socket.close()

    def _advance(self, wait_s: float) -> list[Bar]:
        """Take in what has come, and hand out what is due: nothing while a stretch is missing."""
        try:
            self._listen(wait_s)
        except _MAY_PASS as error:
            self._socket.close()
            self._stream_again.failed(error)
        if not self._socket.is_open:
            return []
        try:
            self._read_history()
        except _MAY_PASS as error:
            self._history_again.failed(error)
        return self._minutes.ready(self.now()) if self._missed_until is None else []

    def _listen(self, wait_s: float) -> None:
        if not self._socket.is_open:
            if not self._stream_again.is_due():
                self._stream_again.wait_at_most(wait_s)
                return
            self._socket.open(tuple(self._symbols))
            self._stream_again.succeeded()
            # A minute is sent when it is over, so the one that is forming will come whole.
            forming = self.now() // MINUTE * MINUTE
            if forming > self._minutes.next_ts:
                self._missed_until = forming
        for message in self._socket.receive(wait_s):
            revision = self._minutes.add(_bar(self._symbols, message))
            if revision is not None:
                self._revisions.append(revision)

    def _read_history(self) -> None:
        """Read what was missed, and what may have been revised, as far as it is there by now."""
        if not self._history_again.is_due():
            return
        now, until = self._clock.now(), self._missed_until
        if until is not None:
            if now < until + max(self._history_delay, self._stream_delay + _GRACE):
                return
            for symbol in self._symbols.values():
                for bar in self._history.minutes(symbol, self._minutes.next_ts, until):
                    self._minutes.add(bar)
            self._missed_until = None
        settled = now - max(self._history_delay, self._stream_delay + _LATE_TRADES)
        end = min(self._minutes.next_ts, settled // MINUTE * MINUTE)
        if end - self._compared >= _COMPARE_EVERY:
            for symbol in self._symbols.values():
                theirs = self._history.minutes(symbol, self._compared, end)
                self._revisions += self._minutes.compare(symbol, self._compared, end, theirs)
            self._compared = end
        self._history_again.succeeded()


def _bar(symbols: dict[str, Symbol], message: Message) -> Bar:
    """Read one aggregate of a minute.

    Raises:
        VenueUnavailable: if it is none, or not one that can be: the stream is opened again, and
            the history asked for the truth.
    """
    symbol = symbols.get(str(message.get("sym")))
    values = [message.get(name) for name in "seohlcv"]
    numbers = [value for value in values if isinstance(value, int | float)]
    if symbol is None or len(numbers) < len(values) or not _can_be(*numbers):
        raise VenueUnavailable(
            "The stream of Polygon gives bars that cannot be used",
            expected="whole minutes of the symbols that were asked for, low <= open, close <= high",
            found=str(message)[:200],
        )
    start, _, *amounts = numbers
    opened, high, low, close, volume = map(float, amounts)
    return Bar(symbol, int(start) * _MS, opened, high, low, close, volume, None, None)


def _can_be(
    start: float, end: float, opened: float, high: float, low: float, close: float, volume: float
) -> bool:
    is_minute = start * _MS % MINUTE == 0 and (end - start) * _MS == MINUTE
    around = 0 < low <= min(opened, close) and max(opened, close) <= high
    return is_minute and around and math.isfinite(high) and math.isfinite(volume) and volume >= 0
