"""What people ask of a live book: how far it is halted, and the commands of its inbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from enum import Enum, IntEnum
from typing import Any, Self

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, content_hash

_CODE_LENGTH = 6
_LEAST = Decimal("0.0001")
_RANGES = {"risk_multiplier": (_LEAST, 1), "weight": (_LEAST, 1), "risk_bps": (_LEAST, 10_000)}
_ANY_AMOUNT = (0, 10**15)


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
    STOP_STRATEGY = "StopStrategy"
    START_STRATEGY = "StartStrategy"


@dataclass(frozen=True, slots=True)
class HaltRequest:
    """A latch that is up: entries are stopped until a person resumes.

    Attributes:
        source: by which way it came: `cli`, `http`, `telegram`, `dagster`, `file`, `signal`,
            `watchdog`, `risk`, `reconcile`.
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


@dataclass(frozen=True, slots=True)
class _OnlyTighter:
    """Numbers that only ever become smaller while a book trades; None is none."""

    @classmethod
    def from_texts(cls, texts: Mapping[str, Any]) -> Self:
        """Read limits from names and numbers as text.

        Raises:
            ConfigurationError: for an unknown name, a number out of its range, or none at all.
        """
        names = [field.name for field in fields(cls)]
        unknown = sorted(texts.keys() - set(names))
        if unknown or not texts:
            raise ConfigurationError(
                "No such limit",
                expected=f"one or more of {', '.join(names)}",
                found=", ".join(unknown) or "none",
            )
        return cls(**{name: _limit(name, text) for name, text in texts.items()})

    def tightened_by(self, other: Self) -> Self:
        """Give both together.

        Raises:
            ConfigurationError: if the other would loosen one.
        """
        changes = {f.name: getattr(other, f.name) for f in fields(other)}
        changes = {name: value for name, value in changes.items() if value is not None}
        for name, value in changes.items():
            standing = getattr(self, name)
            if standing is not None and value > standing:
                raise loosened(name, standing, value)
        return replace(self, **changes)

    def to_texts(self) -> dict[str, str]:
        """Give what is set, as text."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: str(value) for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class TightLimits(_OnlyTighter):
    """Limits that people set while a book trades, besides its release's own.

    They hold for entries.

    Attributes:
        max_order_notional: quote per order.
        max_position_pct: of equity, per symbol.
        max_orders_per_day: entries per UTC day.
        daily_loss_bps: of the equity before the UTC day; halts the book.
        max_open_orders: orders of the book that have not ended.
        risk_multiplier: of what the strategies are given of the equity, above 0 to 1.
    """

    max_order_notional: Decimal | None = None
    max_position_pct: Decimal | None = None
    max_orders_per_day: Decimal | None = None
    daily_loss_bps: Decimal | None = None
    max_open_orders: Decimal | None = None
    risk_multiplier: Decimal | None = None


@dataclass(frozen=True, slots=True)
class StrategyLimits(_OnlyTighter):
    """The same for one strategy of a book.

    Attributes:
        weight: of what its release allocates to it, above 0 to 1.
        risk_bps: of the equity that it sizes on, at risk per trade, in basis points.
    """

    weight: Decimal | None = None
    risk_bps: Decimal | None = None


def loosened(name: str, standing: Decimal, wanted: Decimal) -> ConfigurationError:
    """Say that a limit would become wider than the one that stands."""
    return ConfigurationError(
        f"{name} can only be tightened while the book trades",
        expected=f"{standing} at most",
        found=str(wanted),
        fix="Promote a release with the wider limit, and begin a new journal.",
    )


def _limit(name: str, text: Any) -> Decimal:
    try:
        value = Decimal(str(text))
    except InvalidOperation:
        value = Decimal("NaN")
    least, most = _RANGES.get(name, _ANY_AMOUNT)
    fits = value.is_finite() and least <= value <= most
    if name in {"max_orders_per_day", "max_open_orders"}:
        fits = fits and value == int(value)
    if not fits:
        raise ConfigurationError(
            f"Not a value of {name}",
            expected=f"a number from {least} to {most}",
            found=repr(text)[:40],
        )
    return value


def confirmation_code(book: str, identity: str) -> str:
    """Give what a person repeats to lift one halt and no later one.

    Args:
        book: its name.
        identity: of the latch, or of the journal's halt when the latch has gone.
    """
    return content_hash([book, identity])[:_CODE_LENGTH].upper()
