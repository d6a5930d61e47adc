"""Who and what a bot obeys: people and chats by number, messages typed by hand just now."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from trading_assets.domain.errors import ConfigurationError

OLDEST_S = 60.0
"""A message that took longer may say what its author no longer means."""

_log = logging.getLogger(__name__)


class Refusal(Enum):
    """Why a message or a button is not obeyed."""

    STRANGER = "a stranger"
    STRANGE_CHAT = "a chat that is not ours"
    FORWARDED = "a forwarded message"
    EDITED = "an edited message"
    OLD = "an old message"


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, and where.

    Attributes:
        user_id, chat_id: numbers that Telegram gives once; names can change hands.
        name: as the person calls themselves; for people only.
    """

    user_id: int
    chat_id: int
    name: str = ""

    @property
    def who(self) -> str:
        """The number first, as it stands in the journal."""
        return f"{self.user_id} {self.name}".strip()


@dataclass(frozen=True, slots=True)
class Came:
    """What is known of a message or of a button that was pressed.

    Attributes:
        age_s: since it was written, by this machine's clock; 0 for a button, whose own lifetime
            counts.
        is_forwarded: somebody else wrote it: another person, a channel, another bot.
    """

    person: Person
    age_s: float = 0.0
    is_edited: bool = False
    is_forwarded: bool = False


class Door:
    """Lets in what is obeyed; writes down and counts the rest.

    Attributes:
        refused: how often each refusal came since the start.
    """

    def __init__(self, user_ids: Collection[int], chat_ids: Collection[int]) -> None:
        """Take both lists.

        Raises:
            ConfigurationError: if one is empty: a bot that obeys everybody is refused.
        """
        for name, numbers in (("user_ids", user_ids), ("chat_ids", chat_ids)):
            if not numbers:
                raise ConfigurationError(
                    f"telegram.{name} is empty",
                    expected="the numbers of those who may command live books",
                    found="none",
                    fix="Write the bot a message, read your number in the log of `trading-assets "
                    "telegram serve` as a refused stranger (give it a wrong number first), and "
                    "add it. A private chat has the number of its person.",
                )
        self._user_ids, self._chat_ids = frozenset(user_ids), frozenset(chat_ids)
        self.refused: Counter[Refusal] = Counter()

    def refusal(self, came: Came) -> Refusal | None:
        """Give why something is not obeyed, None when it is; a refusal is logged and counted."""
        found = self._refusal(came)
        if found is not None:
            self.refused[found] += 1
            person = came.person
            _log.warning(
                "refused %s: user %s in chat %s", found.value, person.user_id, person.chat_id
            )
        return found

    def summary(self) -> str:
        """Say what was refused since the start, "" when nothing was."""
        counts = ", ".join(f"{what.value} {count}" for what, count in self.refused.items())
        return counts and f"not obeyed: {counts}"

    def _refusal(self, came: Came) -> Refusal | None:
        if came.person.user_id not in self._user_ids:
            return Refusal.STRANGER
        if came.person.chat_id not in self._chat_ids:
            return Refusal.STRANGE_CHAT
        if came.is_forwarded:
            return Refusal.FORWARDED
        if came.is_edited:
            return Refusal.EDITED
        # One from the future means that a clock is wrong: then nobody knows how old it is.
        return Refusal.OLD if abs(came.age_s) > OLDEST_S else None
