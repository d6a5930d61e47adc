"""What a bot has to say: a bounded queue, so that a Telegram that is dead keeps nothing waiting."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

MOST = 100
OLDEST_S = 120.0
"""An answer that could not be delivered for so long says what may no longer be true."""

LONGEST_TEXT = 4000
"""Characters that one message may have; Telegram takes 4096."""

_LONGEST_PAUSE_S = 30.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a message that was sent.

    Attributes:
        again_s: it did not get through, and may after so many seconds; None where that is over.
        failure: why it never will, "" when it has arrived.
    """

    again_s: float | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One thing to be said.

    Attributes:
        button: label and data of the one button below it, None for none.
        replaces: number of the bot's own message that it takes the place of, 0 for a new one.
        pressed: id of a button's press that it answers; the text is shown beside the button then.
    """

    chat_id: int
    text: str
    button: tuple[str, str] | None = None
    replaces: int = 0
    pressed: str = ""


class Outbox:
    """Messages in order; the oldest goes when it is full. Used in one event loop.

    A chat that has lost messages is told how many by the next one that it gets.

    Attributes:
        lost: how many were never delivered.
    """

    def __init__(
        self, send: Callable[[Outgoing], Awaitable[Delivery]], *, most: int = MOST
    ) -> None:
        """Begin empty.

        Args:
            send: delivers one message.
            most: messages that may wait.
        """
        self._send = send
        self._most = most
        self._waiting: deque[tuple[float, Outgoing]] = deque()
        self._changed = asyncio.Event()
        self._is_sending = False
        self._untold: Counter[int] = Counter()  # lost messages by chat
        self.lost = 0

    def put(self, message: Outgoing) -> None:
        """Let a message wait for its turn; returns at once."""
        if len(self._waiting) >= self._most:
            place = int(self._is_sending and self._most > 1)  # what is on its way may arrive
            _, oldest = self._waiting[place]
            del self._waiting[place]
            self._lose(oldest, "too many wait")
        self._waiting.append((asyncio.get_running_loop().time(), message))
        self._changed.set()

    async def run(self) -> None:
        """Deliver messages as they come, until it is cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self.flush()

    async def flush(self) -> None:
        """Deliver what waits, each as often as it needs within its time."""
        pause_s = 0.0
        while self._waiting:
            since_s, message = self._waiting[0]
            delivery = await self._try(message)
            if delivery.again_s is None:
                self._drop(message, delivery.failure)
                pause_s = 0.0
                continue
            pause_s = max(delivery.again_s, min(2 * pause_s, _LONGEST_PAUSE_S))
            if asyncio.get_running_loop().time() + pause_s - since_s > OLDEST_S:
                self._drop(message, "it could not be delivered in time")
                pause_s = 0.0
                continue
            await asyncio.sleep(pause_s)

    async def _try(self, message: Outgoing) -> Delivery:
        """Send a message, with word of those that its chat has lost."""
        lost = 0 if message.pressed else self._untold[message.chat_id]
        news = f"(lost here before this: {lost})\n" if lost else ""
        self._is_sending = True
        try:
            delivery = await self._send(replace(message, text=news + message.text))
        finally:
            self._is_sending = False
        if delivery == Delivery():
            self._untold[message.chat_id] -= lost
        return delivery

    def _drop(self, message: Outgoing, failure: str) -> None:
        """Take a message out, unless it had to make room meanwhile; with a failure it is lost."""
        if self._waiting and self._waiting[0][1] is message:
            self._waiting.popleft()
            if failure:
                self._lose(message, failure)

    def _lose(self, message: Outgoing, why: str) -> None:
        self.lost += 1
        self._untold[message.chat_id] += not message.pressed
        _log.warning("a message of the bot was lost: %s", why)
