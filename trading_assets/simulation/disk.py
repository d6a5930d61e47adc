"""The journal of a simulated book: durable or not at all, like the real one's transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trading_assets.domain.errors import InvariantError, RecoveryError
from trading_assets.domain.events import (
    Event,
    ForeignFillSeen,
    OrderFilled,
    OrderIntentCreated,
    OrderSubmitted,
)
from trading_assets.simulation.failpoints import Failpoints


class Disk:
    """What survives a process.

    Attributes:
        commits: events, as they were committed together.
        events: all of them in order.
        once: keys of rows that may stand there once only.
        snapshots: (seq, payload), oldest first.
        is_full: nothing more can be written.
        broken: the next commit fails, and what became of its rows: "written" or "not written".
        departed: client order ids with a durable row that they leave.
    """

    def __init__(self) -> None:
        self.commits: list[tuple[Event, ...]] = []
        self.events: list[Event] = []
        self.once: set[tuple[str, ...]] = set()
        self.snapshots: list[tuple[int, bytes]] = []
        self.is_full = False
        self.broken = ""
        self.departed: set[str] = set()

    def write(self, events: tuple[Event, ...]) -> None:
        """Add a commit."""
        self.commits.append(events)
        self.events += events
        for event in events:
            if isinstance(event, OrderSubmitted):
                self.departed.add(event.client_order_id)

    def rewrite(self, commits: list[tuple[Event, ...]]) -> None:
        """Hold these commits in place of the present ones."""
        self.commits = commits
        self.events = [event for commit in commits for event in commit]
        self.once = {key for event in self.events if (key := _key(event))}

    def crash(self, outcome: str) -> None:
        """End a process in the middle of things: the newest snapshot may be cut off, or be gone."""
        if self.snapshots and outcome != "kept":
            seq, payload = self.snapshots.pop()
            if outcome == "torn":
                self.snapshots.append((seq, payload[: len(payload) // 2]))

    def forget(self, commits: int) -> list[tuple[Event, ...]]:
        """Go back to an older copy of the journal; give the commits that it lacks."""
        kept = len(self.commits) - commits
        lost = self.commits[kept:]
        self.rewrite(self.commits[:kept])
        self.snapshots = [item for item in self.snapshots if item[0] <= len(self.events)]
        return lost


class SimulatedJournal:
    """One process's journal on a disk (`live.ports.Journal`).

    `append` keeps the promises of `storage.journal`: all rows or none, an intent once per client
    order id, a fill once per trade; after a refusal of the disk nothing more is written.
    """

    def __init__(self, disk: Disk, failpoints: Failpoints) -> None:
        self._disk = disk
        self._failpoints = failpoints
        self._has_failed = False

    @property
    def has_failed(self) -> bool:
        """Whether the disk refused a row: this process is over, the next may go on."""
        return self._has_failed

    @property
    def head(self) -> int:
        """Sequence number of the last row; 0 when there is none."""
        return len(self._disk.events)

    def append(self, events: Sequence[Event]) -> int:
        """Commit events together and give the sequence number of the last."""
        self._failpoints.point("before_commit")
        self._require_disk()
        for key in filter(None, map(_key, events)):
            if key in self._disk.once:
                raise InvariantError(
                    "The journal already holds this intent or fill", found=" ".join(key)
                )
            self._disk.once.add(key)
        self._write(tuple(events))
        self._failpoints.point("after_commit")
        return self.head

    def _write(self, events: tuple[Event, ...]) -> None:
        """Write; after an error of the device nobody knows whether the rows are there."""
        broken, self._disk.broken = self._disk.broken, ""
        if broken == "not written":
            self._disk.once.difference_update(map(_key, events))
        else:
            self._disk.write(events)
        if broken:
            self._has_failed = True
            raise RecoveryError("The journal cannot be written", found="input/output error")

    def save_snapshot(self, payload: bytes) -> None:
        """Store state as of the last row."""
        self._failpoints.point("before_snapshot")
        self._require_disk()
        self._disk.snapshots.append((self.head, payload))
        self._failpoints.point("after_snapshot")

    def read(self, since: int = 0) -> Iterator[tuple[int, Event]]:
        """Yield (seq, event) of the rows after `since`, in order."""
        return iter(list(enumerate(self._disk.events, 1))[since:])

    def latest(self, kind: str) -> Event | None:
        """Give the newest event of a kind, None when there is none."""
        found = (event for event in reversed(self._disk.events) if type(event).__name__ == kind)
        return next(found, None)

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """Give (seq, payload) of the newest snapshot."""
        return self._disk.snapshots[-1] if self._disk.snapshots else None

    def _require_disk(self) -> None:
        self._has_failed |= self._disk.is_full
        if self._has_failed:
            raise RecoveryError("The journal cannot be written", found="no space left on device")


def _key(event: Event) -> tuple[str, ...]:
    if isinstance(event, OrderIntentCreated):
        return ("intent", event.ticket.client_order_id)
    if isinstance(event, OrderFilled | ForeignFillSeen):
        return ("fill", event.fill.symbol, event.fill.trade_id)
    return ()
