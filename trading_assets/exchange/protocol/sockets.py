"""All open WebSockets of an exchange: who may open one, and how long it lasts."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator

from trading_assets.domain.ids import Micros
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.connections import Connection, Line, Wire

LIFE: Micros = 86_400_000_000
"""How long a connection lasts, in market time."""

GOING_AWAY = 1001
_WINDOW: Micros = 300_000_000


class Sockets:
    """The open connections, oldest first.

    Args:
        connect_limit: connections per address and five minutes of the wall clock; 0 for any number.
    """

    def __init__(self, connect_limit: int) -> None:
        self._limit = connect_limit
        self._attempts: dict[str, deque[Micros]] = defaultdict(deque)
        self._open: dict[Connection, None] = {}

    def admit(self, address: str, wall: Micros) -> None:
        """Count an attempt to connect.

        Raises:
            Refused: -1003, HTTP 429, beyond the limit.
        """
        if not self._limit:
            return
        attempts = self._attempts[address]
        while attempts and attempts[0] <= wall - _WINDOW:
            attempts.popleft()
        if len(attempts) >= self._limit:
            wait_s = (attempts[0] + _WINDOW - wall) // 1_000_000 + 1
            text = f"Too many connections; current limit is {self._limit} per 5 MINUTE."
            raise Refused(-1003, text, status=429, retry_after_s=wait_s)
        attempts.append(wall)

    def open(self, line: Line, now: Micros, wire: Wire, *, in_micros: bool = False) -> Connection:
        """Take in a connection that has been accepted."""
        connection = Connection(line, now, wire, in_micros=in_micros)
        self._open[connection] = None
        return connection

    def forget(self, connection: Connection) -> None:
        """Let a connection go that has ended."""
        self._open.pop(connection, None)

    def __len__(self) -> int:
        """Give the number of open connections."""
        return len(self._open)

    def of(self, line: Line | None) -> Iterator[Connection]:
        """Yield the open connections of one kind, or all, oldest first."""
        for connection in list(self._open):
            if line in {None, connection.line}:
                yield connection

    # --- the end of a life

    def next_end(self) -> Micros | None:
        """Give the market time at which the oldest connection ends."""
        oldest = next(iter(self._open), None)
        return None if oldest is None else oldest.opened + LIFE

    def end_old(self, now: Micros) -> None:
        """Close the connections that have lasted 24 h of market time."""
        while (end := self.next_end()) is not None and end <= now:
            oldest = next(iter(self._open))
            oldest.close(GOING_AWAY, "connection is valid for 24 hours only")
            self.forget(oldest)

    # --- faults

    def drop(self, line: Line | None, code: int | None) -> int:
        """Close connections with a code, or cut them with None; give how many."""
        dropped = 0
        for connection in self.of(line):
            if code is None:
                connection.abort()
            else:
                connection.close(code)
            dropped += 1
        return dropped

    def freeze(self, line: Line | None) -> None:
        """Withhold all data of connections; pings go on. New connections are not concerned."""
        for connection in self.of(line):
            connection.is_frozen = True

    def thaw(self, line: Line | None) -> None:
        """Send data again; what was withheld is lost."""
        for connection in self.of(line):
            connection.is_frozen = False

    def stall(self, line: Line | None) -> None:
        """Make connections half-open: neither read, written nor pinged any more."""
        for connection in self.of(line):
            connection.stall()
