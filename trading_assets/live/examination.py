"""Looks at a release beside the executor's loop, which goes on deciding bars and heeding people.

What was found becomes an event only when the executor asks between two bars: the thread touches
neither session nor journal, and a replay reads the event.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from trading_assets.domain.errors import VenueError
from trading_assets.live.background import Background
from trading_assets.live.hand_over import Examined

Look = Callable[[str, threading.Event], Examined]
"""Loads a release, by its id, and looks whether it can be traded; may take seconds, and ends early
once the event is set. Raises VenueError where the venue cannot be asked."""

AGAIN_S = 5.0
FRESH_S = 10.0
"""What is awaited for longer is looked at again before it is traded: it may have been damaged."""


class Examiner(Background):
    """A thread that looks at one release at a time; entering starts it, leaving ends it."""

    def __init__(self, look: Look, monotonic: Callable[[], float]) -> None:
        """Get ready.

        Args:
            look: called in the thread only. An unexpected error of it counts as a refusal, since
                whatever it is, the release that is traded goes on.
            monotonic: local seconds.
        """
        super().__init__("examiner")
        self._look = look
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._asked = ""
        self._found: tuple[str, float, Examined | None] = ("", 0.0, None)

    def __call__(self, release_id: str) -> Examined | None:
        """Give what a look at a release has found; None while there is nothing fresh.

        Returns at once. After a look in which the venue could not be asked, the next one begins
        some seconds later.
        """
        with self._changed:
            of, ended_s, found = self._found
            age_s = self._monotonic() - ended_s
            if self._asked:
                return None
            if of == release_id and age_s < (AGAIN_S if found is None else FRESH_S):
                return found
            self._asked = release_id
            self._changed.notify_all()
            return None

    def wait(self, timeout_s: float) -> bool:
        """Wait for a look that is under way; tell whether it has ended."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._asked, timeout_s)

    def watch(self) -> None:
        """Look at what is asked for, until the end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._asked or self.ended.is_set())
                if self.ended.is_set():
                    return
                wanted = self._asked
            found = self._looked_at(wanted)
            with self._changed:
                self._found = (wanted, self._monotonic(), found)
                self._asked = ""
                self._changed.notify_all()

    def _looked_at(self, release_id: str) -> Examined | None:
        try:
            return self._look(release_id, self.ended)
        except VenueError:  # asked again soon
            return None
        except Exception as error:  # the book's journal gets it as the reason of a refusal
            what = str(error) or type(error).__name__
            return Examined(f"release {release_id} cannot be looked at: {what}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._changed:
            self.ended.set()
            self._changed.notify_all()
        super().__exit__(kind, error, trace)
