"""Buttons that work once: each is of one person in one chat, for half a minute."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum

from trading_assets.interfaces.telegram_bot.door import Person
from trading_assets.live.ports import LocalTime

LIFETIME_S = 30.0
"""Long enough to read what is about to happen; later a press is more likely one by chance."""

_MOST = 100


class Pressed(Enum):
    """What became of a button that was pressed."""

    TAKEN = "taken"
    NOT_YOURS = "not yours"
    EXPIRED = "expired"
    SPENT = "pressed already"


@dataclass(frozen=True, slots=True)
class _Offer:
    user_id: int
    chat_id: int
    step: str
    since_s: float


class Confirmations:
    """The buttons that are out; used by one thread."""

    def __init__(self, local: LocalTime) -> None:
        """Begin with none.

        Args:
            local: monotonic time, which no clock setting can move.
        """
        self._local = local
        self._offers: dict[str, _Offer] = {}
        self._spent: dict[str, _Offer] = {}

    def offer(self, person: Person, step: str) -> str:
        """Make a button for one person in one chat; give what it sends when it is pressed."""
        self._forget_old()
        while len(self._offers) >= _MOST:
            del self._offers[next(iter(self._offers))]
        nonce = secrets.token_urlsafe(12)
        now_s = self._local.monotonic()
        self._offers[nonce] = _Offer(person.user_id, person.chat_id, step, now_s)
        return f"{step}:{nonce}"

    def press(self, person: Person, sent: str) -> tuple[str, Pressed]:
        """Take a button; give its step, and what became of it.

        Somebody else's press takes nothing: the button stays good for whom it is of. Who presses
        again, because Telegram is slow to show anything, is not told that it was too late.
        """
        step, _, nonce = sent.partition(":")
        self._forget_old()
        spent = self._spent.get(nonce)
        offer = spent or self._offers.get(nonce)
        if offer is None or offer.step != step:
            return step, Pressed.EXPIRED
        if (offer.user_id, offer.chat_id) != (person.user_id, person.chat_id):
            return step, Pressed.NOT_YOURS
        if spent is not None:
            return step, Pressed.SPENT
        self._spent[nonce] = self._offers.pop(nonce)
        return step, Pressed.TAKEN

    def _forget_old(self) -> None:
        self._offers, self._spent = self._young(self._offers), self._young(self._spent)

    def _young(self, offers: dict[str, _Offer]) -> dict[str, _Offer]:
        since_s = self._local.monotonic() - LIFETIME_S
        return {nonce: offer for nonce, offer in offers.items() if offer.since_s >= since_s}
