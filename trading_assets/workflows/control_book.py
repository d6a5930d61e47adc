"""What people ask of a book, from wherever they are: the latch first, then the inbox.

Nothing here talks to the executor. It sees the latch before its next send and the inbox within its
watcher's period; when it does not run, it takes both in before it trades again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trading_assets.domain.control import (
    CommandKind,
    HaltLevel,
    HaltRequest,
    TightLimits,
    confirmation_code,
)
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import LimitsTightened, TradingHalted, TradingResumed
from trading_assets.live.safety.latch import write_latch
from trading_assets.live.safety.people import halt_identity
from trading_assets.storage.inbox import Inbox
from trading_assets.storage.journal_reader import FILE
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that stands in the inbox.

    Attributes:
        is_running: whether an executor takes it now; otherwise the next start does.
    """

    inbox_id: int
    is_running: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a book is halted, and what lifts it.

    Attributes:
        reason: "" when it is not halted.
        code: what a resume has to repeat.
    """

    level: HaltLevel
    reason: str
    code: str


def ask_book(
    desk: Desk,
    book: str,
    kind: CommandKind,
    *,
    who: str,
    reason: str,
    source: str,
    arguments: dict[str, Any] | None = None,
) -> Asked:
    """Write a command into a book's inbox.

    Args:
        desk: gives settings and this machine's clock.
        book: name in the settings.
        kind: what is asked; a halt belongs to `halt_book`, a resume to `resume_book`.
        who: who asks.
        reason: why.
        source: by which way, see `domain.control.HaltRequest`.
        arguments: plain values of the kind.

    Raises:
        ConfigurationError: if the book is unknown, or name or reason are missing.
        RecoveryError: if the inbox cannot be written.
    """
    who, reason = _printable(who), _printable(reason)
    if not reason or not who:
        raise ConfigurationError(
            f"{kind.value} needs a reason and a name", expected="both", found="an empty text"
        )
    place = live_book(desk.settings, book)
    with Inbox(place.folder) as inbox:
        number = inbox.add(
            kind,
            asked=desk.clock.now(),
            who=who,
            reason=reason,
            source=source,
            arguments=arguments,
        )
    return Asked(number, place.is_running)


def halt_book(
    desk: Desk,
    book: str,
    *,
    level: HaltLevel = HaltLevel.HALT,
    who: str,
    reason: str,
    source: str,
) -> Asked:
    """Stop a book: its latch is up when this returns, and no entry leaves any more.

    Raises:
        ConfigurationError: if the book is unknown. A halt without a name or a reason halts.
        RecoveryError: if the inbox cannot be written; the latch is up all the same.
        OSError: if the latch cannot be written.
    """
    place = live_book(desk.settings, book)
    who, reason = _printable(who) or "somebody", _printable(reason) or "no reason given"
    write_latch(place.halt, HaltRequest(reason, level, source, who))
    is_flatten = level is HaltLevel.FLATTEN
    return ask_book(
        desk,
        book,
        CommandKind.FLATTEN_ALL if is_flatten else CommandKind.HALT_TRADING,
        who=who,
        reason=reason,
        source=source,
        arguments={"level": level.name},
    )


def tighten_book(
    desk: Desk, book: str, limits: Mapping[str, Any], *, who: str, reason: str, source: str
) -> Asked:
    """Ask for tighter limits; they hold from the next decision on, through every restart.

    Args:
        desk: gives settings and this machine's clock.
        book: name in the settings.
        limits: numbers by the names of `domain.control.TightLimits`.
        who: who asks.
        reason: why.
        source: by which way.

    Raises:
        ConfigurationError: if the book is unknown, name or reason are missing, a limit is none, or
            would be looser than one that the journal has. What the executor takes first counts:
            two that cross each other are judged again there, and the looser is journalled as
            refused.
        RecoveryError: if journal or inbox cannot be used.
    """
    wanted = TightLimits.from_texts(limits)
    place = live_book(desk.settings, book)
    if (place.folder / FILE).is_file():
        with place.journal() as journal:
            latest = journal.latest(LimitsTightened.__name__)
        if isinstance(latest, LimitsTightened):
            latest.limits.tightened_by(wanted)
    kind = CommandKind.TIGHTEN_LIMITS
    texts = wanted.to_texts()
    return ask_book(desk, book, kind, who=who, reason=reason, source=source, arguments=texts)


def standing(place: LiveBook) -> Standing:
    """Tell whether a book is halted: by its latch, else by its journal.

    Raises:
        RecoveryError: if the journal cannot be read.
    """
    latched = place.latched()
    level, reason = _journalled(place)
    code = confirmation_code(place.name, halt_identity(latched, reason))
    if latched is not None:
        return Standing(latched.level, latched.reason, code)
    return Standing(level, reason, code if reason else "")


def _printable(text: str) -> str:
    """Give a text as one line that every file and terminal can take."""
    return "".join(letter if letter.isprintable() else " " for letter in text).strip()


def _journalled(place: LiveBook) -> tuple[HaltLevel, str]:
    """Give level and reason of the halt that the journal says is in force, "" when none is."""
    none = HaltLevel.NONE, ""
    if not (place.folder / FILE).is_file():
        return none
    with place.journal() as journal:
        halted = journal.latest_row(TradingHalted.__name__)
        resumed = journal.latest_row(TradingResumed.__name__)
    if halted is None or (resumed is not None and resumed.seq > halted.seq):
        return none
    event = halted.event
    if not isinstance(event, TradingHalted):
        return HaltLevel.HALT, "no reason given"
    return event.level, event.reason or "no reason given"
