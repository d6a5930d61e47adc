"""What people ask of a live book: how far it is halted, and the commands of its inbox."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from trading_assets.domain.ids import Micros, content_hash

_CODE_LENGTH = 6


class HaltLevel(IntEnum):
    """How far a book is halted; each level does what the ones below it do."""

    NONE = 0
    PAUSE = 1  # no entries
    HALT = 2  # and entries that work at the venue are withdrawn; exits stay
    FLATTEN = 3  # and every order is withdrawn, and what the book holds is sold at market


class CommandKind(Enum):
    """What a person can ask of a book."""

    HALT_TRADING = "HaltTrading"
    FLATTEN_ALL = "FlattenAll"
    RESUME_TRADING = "ResumeTrading"
    CANCEL_ALL = "CancelAll"
    RECONCILE_STATE = "ReconcileState"
    SAVE_SNAPSHOT = "SaveSnapshot"
    TIGHTEN_LIMITS = "TightenLimits"
    ACKNOWLEDGE_SYMBOL = "AcknowledgeSymbol"


@dataclass(frozen=True, slots=True)
class HaltRequest:
    """A latch that is up: entries are stopped until a person resumes.

    Attributes:
        source: by which way it came: `cli`, `http`, `dagster`, `file`, `signal`, `watchdog`,
            `risk`, `reconcile`.
        who: the person, "" for a machine.
        identity: names this very latch, so that a resume cannot lift a later one.
    """

    reason: str
    level: HaltLevel = HaltLevel.HALT
    source: str = "file"
    who: str = ""
    identity: str = ""


@dataclass(frozen=True, slots=True)
class PersonCommand:
    """One row of a book's inbox.

    Attributes:
        inbox_id: its place in the inbox; ids only grow.
        asked: the machine's clock when it was written, microseconds UTC.
        arguments: canonical JSON of what the kind needs.
    """

    inbox_id: int
    asked: Micros
    kind: CommandKind
    who: str
    reason: str
    source: str
    arguments: str = "{}"


def confirmation_code(book: str, identity: str) -> str:
    """Give what a person repeats to lift one halt and no later one.

    Args:
        book: its name.
        identity: of the latch, or of the journal's halt when the latch has gone.
    """
    return content_hash([book, identity])[:_CODE_LENGTH].upper()
