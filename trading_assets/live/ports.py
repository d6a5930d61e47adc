"""What a live session is plugged into: a memory, a deciding machine, this computer's own time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.events import BarReady, Event
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderStatus

if TYPE_CHECKING:
    from trading_assets.engine.machine import EngineOrder, Position
    from trading_assets.records.codes import Verdict


class JournalHistory(Protocol):
    """A book's memory, to be read."""

    def read(self, since: int = 0) -> Iterator[tuple[int, Event]]:
        """Yield (seq, event) of the rows after `since`, in order."""
        ...

    def latest(self, kind: str) -> Event | None:
        """Give the newest event of a kind (the name of its class), None when there is none."""
        ...

    def latest_snapshot(self) -> tuple[int, bytes] | None:
        """Give (seq, payload) of the newest whole snapshot."""
        ...


class Journal(JournalHistory, Protocol):
    """A book's memory; `append` returns only when the events cannot be lost any more."""

    @property
    def head(self) -> int:
        """Sequence number of the last row; 0 when there is none."""
        ...

    def append(self, events: Sequence[Event]) -> int:
        """Commit events together and give the sequence number of the last."""
        ...

    def save_snapshot(self, payload: bytes) -> None:
        """Store state as of the last row."""
        ...


class DecisionMachine(Protocol):
    """The compiled engine as a live session uses it."""

    @property
    def equity(self) -> float:
        """Equity in quote at the latest mark."""
        ...

    @property
    def drawdown(self) -> float:
        """Fraction below the highest equity."""
        ...

    @property
    def realised_pnl(self) -> Decimal:
        """Profit of all round trips after their fees, in quote."""
        ...

    @property
    def verdicts_by_tag(self) -> tuple[Mapping[Verdict, int], ...]:
        """How often each rule spoke, for each strategy of the setup."""
        ...

    def on_close(
        self, ts: Micros, bars: NDArray[np.float64], signals: NDArray[np.float64]
    ) -> tuple[EngineOrder, ...]:
        """Mark and decide at the close of the bar that opened at `ts`."""
        ...

    def on_fill(
        self, order_id: int, lots: int, price: float, fee_units: int, fee_in_base: bool, ts: Micros
    ) -> tuple[EngineOrder, ...]:
        """Book an execution of one of its orders; give the orders that it woke."""
        ...

    def on_closed(self, order_id: int, reason: OrderStatus, ts: Micros) -> tuple[EngineOrder, ...]:
        """Take an order off the table; what was filled of it stays; give the orders it woke."""
        ...

    def active_orders(self) -> Sequence[EngineOrder]:
        """List the orders that it counts on."""
        ...

    def cancel_requests(self) -> tuple[int, ...]:
        """List the orders at the venue that it wants withdrawn."""
        ...

    def balances(self) -> dict[str, Decimal]:
        """Give what it believes the book to hold of each asset."""
        ...

    def positions(self) -> Sequence[Position]:
        """Give one position per symbol, flat ones too."""
        ...

    @property
    def day_loss(self) -> float:
        """Fraction of the equity before the UTC day that its worst mark lies below it."""
        ...

    @property
    def halting_rule(self) -> str:
        """Name the loss limit of its own that stops entries, "" when none does."""
        ...

    def scale(self, multipliers: Sequence[float], max_risks: Sequence[float]) -> None:
        """Give each strategy less of what the setup gives it, from now on; see `Machine.scale`."""
        ...

    def leave(self, place: int) -> EngineOrder | str:
        """Give an exit at market of all that a book holds, or the rule against it."""
        ...

    def can_carry(self, former: Any) -> bool:
        """Tell whether the books of another machine fit its own."""
        ...

    def inherit(self, former: Any, *, carry: bool) -> None:
        """Take over from the machine of the release before, with its books or without."""
        ...

    def snapshot(self) -> bytes:
        """Give the whole state."""
        ...

    def state_hash(self) -> str:
        """Give the identity of the state."""
        ...


class Feed(Protocol):
    """Finished bars with their signals, strictly in order; `live.feed.BarFeed` is the real one."""

    def load(self, first: Micros) -> None:
        """Read the history that bars from `first` on need; `first` is the next bar handed out."""
        ...

    def poll(self, now: Micros) -> list[BarReady]:
        """Give the bars that have closed by `now` and were not handed out, oldest first."""
        ...

    def findings(self, now: Micros) -> Sequence[Event]:
        """Give what was wrong with the venue's bars since the last call, to be journalled."""
        ...


class LocalTime(Protocol):
    """Time of this machine that no clock setting can move: for timers and waits only."""

    def monotonic(self) -> float:
        """Give seconds since some fixed instant."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait until `stop` is set, at most `seconds`; tell whether it is set."""
        ...


class MachineTime:
    """The real one."""

    def monotonic(self) -> float:
        """Give seconds since some fixed instant."""
        return time.monotonic()

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait until `stop` is set, at most `seconds`; tell whether it is set."""
        return stop.wait(seconds)
