"""What a person is told of an alert, the same by every channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from trading_assets.domain.ids import Micros


@dataclass(frozen=True, slots=True)
class AlertMessage:
    """One change of one alert.

    Attributes:
        message_id: the same whenever the same change is told, so that a receiver can drop a
            message that it has: a process that is killed between an answer and its note of it
            tells once more.
        ts: the machine's clock, microseconds UTC.
        begins: whether the alert begins; else it is over.
        reason: its text, "" when it is over.
    """

    message_id: str
    book: str
    alert: str
    ts: Micros
    begins: bool
    reason: str

    @property
    def text(self) -> str:
        """Say it in a line."""
        said = f": {self.reason}" if self.reason else ""
        return f"{self.book}: {self.alert}{said}" if self.begins else f"{self.book}: {self._over}"

    @property
    def instant(self) -> str:
        """When, in ISO 8601, UTC."""
        return datetime.fromtimestamp(self.ts / 1_000_000, UTC).isoformat(timespec="milliseconds")

    @property
    def _over(self) -> str:
        return f"{self.alert} is over"

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values; `text` is what chat servers show."""
        return {
            "id": self.message_id,
            "book": self.book,
            "alert": self.alert,
            "state": "begins" if self.begins else "over",
            "reason": self.reason,
            "ts": self.instant,
            "text": self.text,
        }


class AlertChannel(Protocol):
    """A way to a person."""

    @property
    def name(self) -> str:
        """Of its cursor and for people."""
        ...

    def send(self, message: AlertMessage) -> None:
        """Deliver; returns once the other side has taken it.

        Raises:
            AlertUndelivered: if it has not, so that the message is sent again later.
            AlertRefused: if it never will take this one.
        """
        ...
