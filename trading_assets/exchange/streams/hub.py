"""Who listens to which market stream, and the order in which everything due goes out.

Streams are driven by market time: each has a next instant at which it has something to say. The
hub says all of it up to a given time, ordered by time, then by name, so the same subscriptions over
the same span give the same frames. Interim updates keep a pace on this machine's clock (2 s for
klines); with a warped clock, or a long step, they are thinned by `scale`. What must not be lost,
such as the closing update of a bar or a trade, never is.
"""

from __future__ import annotations

import heapq
from typing import Protocol

from trading_assets.domain.ids import Micros
from trading_assets.exchange.faults.streams import StreamFaults
from trading_assets.exchange.protocol.connections import Connection
from trading_assets.exchange.streams.event_units import event_in_micros


class Source(Protocol):
    """One market stream."""

    def next_due(self, after: Micros, scale: int) -> Micros:
        """Give the first instant after `after` at which something may be said."""
        ...

    def events(self, ts: Micros, scale: int) -> list[str]:
        """Give the payloads due at `ts`, in JSON; called once per due instant."""
        ...


class SourceMaker(Protocol):
    """Finds the market stream of a name."""

    def __call__(self, name: str, now: Micros) -> Source | None:
        """Give the stream, or None for a name without one."""
        ...


class Listener:
    """A connection's subscriptions, and the form in which it wants them."""

    def __init__(self, connection: Connection, *, combined: bool) -> None:
        self.connection = connection
        self.combined = combined
        self.names: dict[str, None] = {}


class StreamHub:
    """All market streams of one exchange.

    Attributes:
        now: market time up to which everything has been said.
        faults: what goes wrong on the way to the subscribers.
    """

    def __init__(self, make_source: SourceMaker, now: Micros) -> None:
        self.now = now
        self.faults = StreamFaults()
        self._make_source = make_source
        self._scale = 1
        self._serial = 0
        self._sources: dict[str, Source] = {}
        self._listeners: dict[str, dict[Listener, None]] = {}
        self._planned: dict[str, int] = {}
        self._due: list[tuple[Micros, str, int, Source]] = []

    @property
    def is_heard(self) -> bool:
        """Whether anyone listens to any stream."""
        return bool(self._sources)

    def subscribe(self, listener: Listener, name: str) -> None:
        """Add a stream to a listener, from now on; a name without a stream stays silent."""
        if name in listener.names:
            return
        listener.names[name] = None
        self._listeners.setdefault(name, {})[listener] = None
        if name not in self._sources:
            source = self._make_source(name, self.now)
            if source is not None:
                self._sources[name] = source
                self._plan(name, source, self.now)

    def unsubscribe(self, listener: Listener, name: str) -> None:
        """Take a stream from a listener; one that nobody listens to is forgotten."""
        listener.names.pop(name, None)
        listeners = self._listeners.get(name, {})
        listeners.pop(listener, None)
        if not listeners:
            self._listeners.pop(name, None)
            self._sources.pop(name, None)
            self._planned.pop(name, None)

    def forget(self, listener: Listener) -> None:
        """Take all streams from a listener that has gone."""
        for name in list(listener.names):
            self.unsubscribe(listener, name)

    def next_due(self) -> Micros | None:
        """Give the next instant at which something may be due, or None without subscriptions."""
        while self._due:
            due, name, serial, _ = self._due[0]
            if self._planned.get(name) == serial:
                return due
            heapq.heappop(self._due)
        return None

    def advance(self, until: Micros) -> None:
        """Say everything that is due after `now`, up to `until`."""
        while (due := self.next_due()) is not None and due <= until:
            _, name, _, source = heapq.heappop(self._due)
            for payload in source.events(due, self._scale):
                self._deliver(name, payload)
            self._plan(name, source, due)
        self.now = max(self.now, until)

    def set_scale(self, scale: int) -> None:
        """Thin interim updates: market seconds per second of pace, 1 or more."""
        if scale == self._scale:
            return
        self._scale = scale
        self._due.clear()
        for name, source in self._sources.items():
            self._plan(name, source, self.now)

    def _plan(self, name: str, source: Source, after: Micros) -> None:
        self._serial += 1
        self._planned[name] = self._serial
        due = source.next_due(after, self._scale)
        heapq.heappush(self._due, (due, name, self._serial, source))

    def _deliver(self, name: str, payload: str) -> None:
        listeners = self._listeners[name]
        for passed in self.faults.passed(name, payload):
            texts = {False: passed}
            for listener in listeners:
                unit = listener.connection.in_micros
                if unit not in texts:
                    texts[unit] = event_in_micros(passed)
                text = texts[unit]
                if listener.combined:
                    text = f'{{"stream":"{name}","data":{text}}}'
                listener.connection.push(text)
