"""How people reach a book on this machine: the files in its folder, and who watches them."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self

from trading_assets.domain.control import HaltRequest, PersonCommand
from trading_assets.live.safety.halt_signal import HaltSignal
from trading_assets.live.safety.latch import lift_latch, write_latch
from trading_assets.live.safety.watchdog import Watchdog
from trading_assets.live.safety.watcher import Watcher
from trading_assets.storage.inbox import Inbox
from trading_assets.workflows.live_book import LiveBook


class BookControl:
    """Latch and inbox as the executor's thread sees them."""

    def __init__(self, place: LiveBook, signalled: HaltSignal) -> None:
        self._place = place
        self._signalled = signalled
        self._inbox = Inbox(place.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inbox.close()

    def latched(self) -> HaltRequest | None:
        """Give the latch that is up, None when none is."""
        return self._place.latched() or self._signalled.latched()

    def put_up(self, request: HaltRequest) -> None:
        """Put the latch up, durably."""
        write_latch(self._place.halt, request)

    def lift(self, identity: str) -> bool:
        """Take this very latch down; tell whether none is up now."""
        if not lift_latch(self._place.halt, identity):
            return False
        self._signalled.lift()
        return True

    def commands(self, after: int) -> Sequence[PersonCommand]:
        """List the commands of the inbox after an id, in order.

        Raises:
            RecoveryError: if the inbox cannot be read.
        """
        return self._inbox.after(after)

    def begin_after(self, inbox_id: int) -> None:
        """Halt when the inbox was made anew beside a journal that has taken more from another.

        Nobody can say what stood in the one that has gone.

        Raises:
            RecoveryError: if the inbox cannot be written.
        """
        if self._inbox.begin_after(inbox_id):
            reason = f"the inbox is new, and the journal has taken {inbox_id} commands of another"
            self.put_up(HaltRequest(reason, source="inbox"))


@contextmanager
def watching(
    place: LiveBook, stop: threading.Event, supervisor_timeout_s: float
) -> Iterator[threading.Event]:
    """Watch a book's folder and its supervisor; give the event that ends the executor's waits."""
    eyes = _Eyes(place, Watchdog(place.supervisor, supervisor_timeout_s, time.monotonic))
    with Watcher(eyes.look, stop) as watcher:
        yield watcher.wake


class _Eyes:
    """Looks at latch and inbox from a thread of its own, with a connection of its own."""

    def __init__(self, place: LiveBook, watchdog: Watchdog) -> None:
        self._place = place
        self._watchdog = watchdog
        self._inbox: Inbox | None = None

    def look(self) -> Hashable:
        """Give what people have asked so far; put the latch up when the supervisor is silent."""
        request = self._watchdog.look()
        if request is not None:
            write_latch(self._place.halt, request)
        if self._inbox is None:
            self._inbox = Inbox(self._place.folder)
        return self._place.latched(), self._inbox.last()
