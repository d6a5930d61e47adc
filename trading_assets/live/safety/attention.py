"""The executor's ear for people: holds entries, takes commands in, withdraws what must go."""

from __future__ import annotations

from contextlib import suppress

from trading_assets.domain.commands import CancelOrder
from trading_assets.domain.control import CommandKind, HaltLevel, HaltRequest
from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import CommandReceived, Event, TradingResumed
from trading_assets.domain.order import OrderTicket
from trading_assets.domain.ports import Clock
from trading_assets.live.effects import Effects
from trading_assets.live.exits import withdrawals
from trading_assets.live.safety.people import Control, events_of, halt_of
from trading_assets.live.session import Session
from trading_assets.live.tightening import RISK, loss_rule


class Attention:
    """Listens to one book's people, in the one thread that may touch session and journal."""

    def __init__(self, session: Session, effects: Effects, control: Control, clock: Clock) -> None:
        self._session = session
        self._effects = effects
        self._control = control
        self._clock = clock

    def hold(self, ticket: OrderTicket) -> str:
        """Give why an entry must not leave now, "" when it may; exits pass every halt."""
        if ticket.reduce_only:
            return ""
        latched = self._control.latched()
        return self._session.state.halted or (latched.reason if latched else "")

    def heed(self) -> bool:
        """Do what people ask; tell whether book and account are to be compared now.

        The venue is asked for nothing but withdrawals, and its silence is no error here: what must
        go is withdrawn again at the next call.
        """
        events = self._take_commands()
        self._take_latch()
        for command in withdrawals(self._session.state):
            if isinstance(command, CancelOrder):
                self._effects.cancel(command)
        return any(_asks_to_compare(event) for event in events)

    def halt(self, request: HaltRequest) -> None:
        """Stop the book by itself: in the journal and, for the next process too, by the latch."""
        self._effects.take([halt_of(request, self._clock.now())])
        self.latch_only(request)

    def latch_only(self, request: HaltRequest) -> None:
        """Put the latch up beside what the journal says, or in place of it."""
        with suppress(OSError):  # the journal has it, or its own refusal ends the process
            self._control.put_up(request)

    def note_losses(self) -> None:
        """Halt for a loss that has just passed its limit; one that still stands is not news."""
        state, machine = self._session.state, self._session.machine
        rule = loss_rule(state, machine)
        if rule and rule != state.loss_rule:
            reason = f"{rule}: {machine.day_loss:.2%} of the day, drawdown {machine.drawdown:.2%}"
            self.halt(HaltRequest(reason, source=RISK))

    def _take_commands(self) -> list[Event]:
        state = self._session.state
        taken: list[Event] = []
        try:
            commands = self._control.commands(state.inbox_id)
        except RecoveryError as error:
            if state.level < HaltLevel.HALT:
                self.halt(HaltRequest(f"{error.what}: {error.found}", source="inbox"))
            return taken
        for command in commands:
            setup, now = self._session.setup, self._clock.now()
            events = events_of(command, setup, state, self._control, now)
            self._effects.take(events)
            taken += events
            for event in events:
                if isinstance(event, TradingResumed):
                    self._lift(event.latch)
        return taken

    def _take_latch(self) -> None:
        state, latched = self._session.state, self._control.latched()
        if latched is not None and latched.identity == state.lifted != "":
            self._lift(state.lifted)  # resumed from, by a process that died before it did this
            latched = self._control.latched()
        if latched is None or latched.identity == state.lifted != "":
            return  # one that the disk does not let go holds entries, and is no new halt
        if latched.level > state.level:
            self._effects.take([halt_of(latched, self._clock.now())])

    def _lift(self, identity: str) -> None:
        """Take the latch down that the journal has resumed from; a later one stays."""
        with suppress(
            OSError
        ):  # it stays up, entries are held by it, and the next call tries again
            self._control.lift(identity)


def _asks_to_compare(event: Event) -> bool:
    return isinstance(event, CommandReceived) and event.kind is CommandKind.RECONCILE_STATE
