"""People of a simulated world: a latch and an inbox that outlive the processes of the book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from trading_assets.domain.control import (
    CommandKind,
    HaltLevel,
    HaltRequest,
    PersonCommand,
    confirmation_code,
)
from trading_assets.domain.ids import Micros, canonical_json
from trading_assets.simulation.virtual_time import VirtualTime

_WHO = "somebody"


class SimulatedPeople:
    """What people have asked of the book (`live.safety.people.Control`).

    Attributes:
        asked: all commands of the inbox, in order.
        latch: that is up, None when none is.
    """

    def __init__(self, book: str) -> None:
        self._book = book
        self.asked: list[PersonCommand] = []
        self.latch: HaltRequest | None = None
        self._latches = 0

    # What they do

    def ask(
        self, kind: CommandKind, ts: Micros, arguments: Mapping[str, str] | None = None
    ) -> None:
        """Write a command into the inbox."""
        self.asked.append(
            PersonCommand(
                len(self.asked) + 1, ts, kind, _WHO, "a person said so", "cli",
                canonical_json(dict(arguments or {})).decode(),
            )
        )  # fmt: skip

    def stop(self, strategy: str, ts: Micros) -> None:
        """Ask for a stop of one strategy."""
        self.ask(CommandKind.STOP_STRATEGY, ts, {"strategy": strategy})

    def start(self, strategy: str, time: VirtualTime) -> None:
        """Ask for its start, at the moment that it is by then."""
        self.ask(CommandKind.START_STRATEGY, time.now, {"strategy": strategy})

    def halt(self, level: HaltLevel) -> None:
        """Put the latch up by hand."""
        self.put_up(HaltRequest("a person said so", level))

    def resume(self, ts: Micros) -> None:
        """Ask for the end of the halt in force, with its code."""
        if self.latch is not None:
            code = confirmation_code(self._book, self.latch.identity)
            self.ask(CommandKind.RESUME_TRADING, ts, {"code": code})

    # What the book sees

    def latched(self) -> HaltRequest | None:
        """Give the latch while it is up."""
        return self.latch

    def put_up(self, request: HaltRequest) -> None:
        """Put the latch up; a level never falls."""
        if self.latch is None or request.level > self.latch.level:
            self._latches += 1
            self.latch = replace(request, identity=f"latch {self._latches}")

    def lift(self, identity: str) -> bool:
        """Take this very latch down; tell whether none is up now."""
        if self.latch is not None and self.latch.identity == identity:
            self.latch = None
        return self.latch is None

    def commands(self, after: int) -> Sequence[PersonCommand]:
        """List the commands of the inbox after an id, in order."""
        return self.asked[after:]
