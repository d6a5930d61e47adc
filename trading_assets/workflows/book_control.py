"""How people reach a book on this machine: the files in its folder, and who watches them."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from typing import Self

from trading_assets.domain.control import HaltRequest, PersonCommand
from trading_assets.domain.ports import Clock
from trading_assets.live.safety.arming import ArmToken
from trading_assets.live.safety.halt_signal import HaltSignal
from trading_assets.live.safety.latch import lift_latch, write_latch
from trading_assets.live.safety.watchdog import Watchdog
from trading_assets.storage.inbox import Inbox
from trading_assets.workflows.live_book import LiveBook


class Leave:
    """By whose leave a book trades real money, and whether it still holds."""

    def __init__(self, place: LiveBook, clock: Clock, token: ArmToken | None) -> None:
        """Keep a leave.

        Args:
            place: the book.
            clock: the machine's.
            token: what a person has allowed; None for play money, which needs no leave.
        """
        self._place = place
        self._clock = clock
        self.token = token

    def lapsed(self) -> HaltRequest | None:
        """Give a halt once the leave has ended: at its hour, or because a person took it back."""
        if self.token is None:
            return None
        if self._clock.now() >= self.token.expires:
            return HaltRequest("the arm token has expired", source="arming")
        if not self._place.arm_token.exists():
            reason = "the arm token was taken away"
            return HaltRequest(reason, source="arming")
        return None


class BookControl:
    """Latch and inbox as the executor's thread sees them."""

    def __init__(self, place: LiveBook, signalled: HaltSignal, leave: Leave) -> None:
        self._place = place
        self._leave = leave
        self._signalled = signalled
        self._inbox = Inbox(place.folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._inbox.close()

    def latched(self) -> HaltRequest | None:
        """Give the latch that is up, None when none is."""
        return self._place.latched() or self._signalled.latched() or self._leave.lapsed()

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


class Eyes:
    """Looks around from the watcher's thread, with a connection of its own to the inbox.

    What it finds wrong by itself becomes a latch; session and journal are not its to touch.
    """

    def __init__(
        self,
        place: LiveBook,
        leave: Leave,
        supervisor_timeout_s: float,
    ) -> None:
        """Begin to look.

        Args:
            place: the book.
            leave: by which the book trades.
            supervisor_timeout_s: see `live.safety.watchdog`.
        """
        self._place = place
        self._leave = leave
        self._watchdog = Watchdog(place.supervisor, supervisor_timeout_s, time.monotonic)
        self._inbox: Inbox | None = None

    def look(self) -> Hashable:
        """Give what people have asked so far; put the latch up where nobody watches or allows."""
        silence, lapse = self._watchdog.look(), self._leave.lapsed()
        if silence is not None:
            write_latch(self._place.halt, silence)
        if lapse is not None and self._place.latched() is None:
            write_latch(self._place.halt, lapse)
        if self._inbox is None:
            self._inbox = Inbox(self._place.folder)
        return self._place.latched(), self._inbox.last()

    def close(self) -> None:
        """Release the inbox, in the thread that opened it."""
        if self._inbox is not None:
            self._inbox.close()
