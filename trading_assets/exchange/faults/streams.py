"""Planned misfortune on streams: what a test does to frames and connections.

For those who plan faults, all of it in one place (`exchange` is the running `Exchange`):

- `exchange.hub.faults.gap(name, n)`: withhold the next n messages of a stream;
- `exchange.hub.faults.duplicate(name, n)`: send the next n messages twice;
- `exchange.hub.faults.reorder(name)`: swap the next two messages;
- `exchange.hub.faults.reject_subscribe(n)`: refuse the next n subscriptions, market or user;
- `exchange.sockets.drop(line, code)`: close connections with a code, or cut them with None;
- `exchange.sockets.freeze(line)` and `thaw(line)`: data stops, pings go on;
- `exchange.sockets.stall(line)`: half-open, nothing is read, written or pinged any more.

`name` is a stream such as `btcusdt@kline_1m`, `USER_EVENTS` for the events of accounts, or "" for
any; `line` is a `connections.Line`, or None for all connections.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

USER_EVENTS = "user"
"""The name by which the events of accounts are meant."""


class _Kind(Enum):
    GAP = 0
    DUPLICATE = 1
    REORDER = 2


@dataclass(slots=True)
class _Rule:
    kind: _Kind
    name: str
    left: int
    held: tuple[str, str] | None = None


class StreamFaults:
    """Armed faults of messages; each message meets the first rule that fits."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._rejections = 0

    def gap(self, name: str, count: int) -> None:
        """Withhold the next `count` messages of a stream from all its subscribers."""
        self._rules.append(_Rule(_Kind.GAP, name, count))

    def duplicate(self, name: str, count: int) -> None:
        """Send each of the next `count` messages of a stream twice."""
        self._rules.append(_Rule(_Kind.DUPLICATE, name, count))

    def reorder(self, name: str) -> None:
        """Swap the next two messages of a stream (with "": of the first that has one)."""
        self._rules.append(_Rule(_Kind.REORDER, name, 2))

    def reject_subscribe(self, count: int) -> None:
        """Refuse the next `count` subscriptions."""
        self._rejections += count

    def clear(self) -> None:
        """Forget all; a message that was held for a swap is lost."""
        self._rules.clear()
        self._rejections = 0

    def takes_subscription(self) -> bool:
        """Whether a subscription that is being asked for is to be refused; counts it down."""
        if self._rejections == 0:
            return False
        self._rejections -= 1
        return True

    def passed(self, name: str, text: str) -> list[str]:
        """Give what is sent in place of one message of a stream."""
        rule = next((r for r in self._rules if r.name in {"", name}), None)
        if rule is None:
            return [text]
        if rule.held is not None and rule.held[0] != name:
            return [text]
        rule.left -= 1
        if rule.left == 0:
            self._rules.remove(rule)
        if rule.kind is _Kind.GAP:
            return []
        if rule.kind is _Kind.DUPLICATE:
            return [text, text]
        if rule.held is None:
            rule.held = (name, text)
            return []
        return [text, rule.held[1]]
