"""What people ask of a running book: their latch and their inbox, taken into the journal in order.

A command is copied into the journal once, together with what follows from it; the journal's last
inbox id says where to go on, so an end of the process between reading and writing neither loses
nor repeats one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from trading_assets.domain.control import (
    CommandKind,
    HaltLevel,
    HaltRequest,
    PersonCommand,
    StrategyLimits,
    TightLimits,
    confirmation_code,
)
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import (
    CommandReceived,
    Event,
    LimitsTightened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.ids import Micros, Symbol, content_hash
from trading_assets.domain.policy_events import EntriesAllowed
from trading_assets.domain.strategy_events import (
    StrategyEvent,
    StrategyStarted,
    StrategyStopped,
    StrategyTightened,
)
from trading_assets.live.book_state import BookState, SessionSetup
from trading_assets.live.policies.pauses import BY_PEOPLE
from trading_assets.live.strategy_stance import SILENT, require_stopped, size_of, tightened

_LEVELS = {CommandKind.HALT_TRADING: HaltLevel.HALT, CommandKind.FLATTEN_ALL: HaltLevel.FLATTEN}
_OF_STRATEGY = frozenset({CommandKind.STOP_STRATEGY, CommandKind.START_STRATEGY})


class Control(Protocol):
    """By what people reach a book: a latch that anybody can put up, an inbox that only grows."""

    def latched(self) -> HaltRequest | None:
        """Give the latch that is up, None when none is; asked right before every send."""
        ...

    def put_up(self, request: HaltRequest) -> None:
        """Put the latch up, durably."""
        ...

    def lift(self, identity: str) -> bool:
        """Take this very latch down; tell whether none is up now."""
        ...

    def commands(self, after: int) -> Sequence[PersonCommand]:
        """List the commands of the inbox after an id, in order."""
        ...


class Unattended:
    """Nobody asks for anything."""

    def latched(self) -> HaltRequest | None:
        """Give no latch."""
        return None

    def put_up(self, request: HaltRequest) -> None:
        """Keep none: the journal has it."""

    def lift(self, identity: str) -> bool:
        """Tell that none is up."""
        return True

    def commands(self, after: int) -> Sequence[PersonCommand]:
        """List none."""
        return ()


def halt_identity(latched: HaltRequest | None, reason: str) -> str:
    """Name the halt in force: the latch's file, or what the journal says when there is none.

    Args:
        latched: the latch.
        reason: of the journal's latest halt, "" when entries are not stopped.
    """
    if latched is not None and latched.identity:
        return latched.identity
    return content_hash(["journal", reason]) if reason else ""


def events_of(
    command: PersonCommand, setup: SessionSetup, state: BookState, control: Control, ts: Micros
) -> list[Event]:
    """Give what a command becomes in the journal; a resume's latch is lifted once that is durable.

    Were it lifted before, a process that dies in between would leave a book without its latch, and
    a resume whose code no longer confirms anything.
    """
    if command.kind is CommandKind.RESUME_TRADING:
        latched = control.latched()
        refused = _against_resume(command, setup.book, state, latched)
        latch = latched.identity if latched is not None else ""
        resumed = TradingResumed(ts, command.reason, command.who, command.inbox_id, latch)
        return [_received(command, ts, refused), *([] if refused else [resumed])]
    is_tightening = command.kind is CommandKind.TIGHTEN_LIMITS
    if command.kind in _OF_STRATEGY or (is_tightening and "strategy" in arguments_of(command)):
        return _on_strategy(command, setup, state, ts)
    if is_tightening:
        return _tightening(command, state, ts)
    if command.kind is CommandKind.ACKNOWLEDGE_SYMBOL:
        return _acknowledgement(command, state, ts)
    events: list[Event] = [_received(command, ts)]
    if command.kind in _LEVELS:
        arguments = arguments_of(command)
        level = HaltLevel.__members__.get(str(arguments.get("level")), HaltLevel.NONE)
        level = level or _LEVELS[command.kind]  # a halt that says no level of ours is a halt
        if level >= state.level:
            reason = by_whom(command.reason, command.who)
            events.append(TradingHalted(ts, reason, level, command.source, command.inbox_id))
    return events


def halt_of(request: HaltRequest, ts: Micros) -> TradingHalted:
    """Give what a latch becomes in the journal."""
    return TradingHalted(ts, by_whom(request.reason, request.who), request.level, request.source)


def by_whom(reason: str, who: str) -> str:
    """Give a reason with the name behind it."""
    return f"{reason} ({who})" if who else reason


def arguments_of(command: PersonCommand) -> dict[str, Any]:
    """Read what a command needs besides its kind; what cannot be read is nothing."""
    try:
        values = json.loads(command.arguments)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}


def _tightening(command: PersonCommand, state: BookState, ts: Micros) -> list[Event]:
    try:
        wanted = TightLimits.from_texts(arguments_of(command))
        limits = state.tightened.tightened_by(wanted)
    except ConfigurationError as error:
        return [_received(command, ts, _said(error))]
    return [_received(command, ts), LimitsTightened(ts, limits, command.inbox_id)]


def _on_strategy(
    command: PersonCommand, setup: SessionSetup, state: BookState, ts: Micros
) -> list[Event]:
    """Give what a command to one strategy becomes."""
    try:
        event = _of_strategy(command, setup, state, ts)
    except ConfigurationError as error:
        return [_received(command, ts, _said(error))]
    return [_received(command, ts), event]


def _of_strategy(
    command: PersonCommand, setup: SessionSetup, state: BookState, ts: Micros
) -> StrategyEvent:
    values = arguments_of(command)
    name, number = str(values.pop("strategy", "")), command.inbox_id
    size = size_of(name, setup.sizes_by_tag, setup.release_id)
    stance = state.strategies.get(name, SILENT)
    if command.kind is CommandKind.STOP_STRATEGY:
        return StrategyStopped(ts, name, command.reason, command.who, number)
    if command.kind is CommandKind.START_STRATEGY:
        require_stopped(name, stance)
        if not command.reason.strip() or not command.who.strip():
            raise ConfigurationError("A start needs a reason and a name", expected="both")
        return StrategyStarted(ts, name, command.reason, command.who, number)
    limits = tightened(name, size, stance, StrategyLimits.from_texts(values))
    return StrategyTightened(ts, name, limits, number)


def _said(error: ConfigurationError) -> str:
    return f"{error.what}: expected {error.expected}. {error.fix}".strip()


def _acknowledgement(command: PersonCommand, state: BookState, ts: Micros) -> list[Event]:
    symbol = Symbol(str(arguments_of(command).get("symbol", "")))
    causes = sorted(cause for of, cause in state.pauses if of == symbol and cause in BY_PEOPLE)
    if not causes:
        return [_received(command, ts, f"{symbol or 'the book'} waits for no acknowledgement")]
    reason = by_whom(command.reason, command.who)
    number = command.inbox_id
    allowed = (EntriesAllowed(ts, symbol, cause, reason, number) for cause in causes)
    return [_received(command, ts), *allowed]


def _received(command: PersonCommand, ts: Micros, refused: str = "") -> CommandReceived:
    return CommandReceived(
        ts,
        command.inbox_id,
        command.asked,
        command.kind,
        command.who,
        command.reason,
        command.source,
        command.arguments,
        refused,
    )


def _against_resume(
    command: PersonCommand, book: str, state: BookState, latched: HaltRequest | None
) -> str:
    """Give why a book must not go on, "" when it may."""
    identity = halt_identity(latched, state.halted)
    if not identity:
        return "the book is not halted"
    if not command.reason.strip() or not command.who.strip():
        return "a resume needs a reason and a name"
    if arguments_of(command).get("code") != confirmation_code(book, identity):
        return "the code confirms another halt than the one in force"
    return ""
