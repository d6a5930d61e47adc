"""What passes between an executor and whoever runs it: its pace, its surroundings, its reports."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace

from trading_assets.domain.account import AccountNews, Fill
from trading_assets.domain.events import BarReady
from trading_assets.domain.ids import Micros
from trading_assets.domain.order import OrderReport
from trading_assets.live.board import OrderBoard
from trading_assets.live.hand_over import Releases
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.safety.arming import ArmToken
from trading_assets.live.safety.people import Control
from trading_assets.live.supervision.budget import Budget

Settled = tuple[tuple[OrderReport, tuple[Fill, ...]], ...]
"""Orders that a bar has changed: the report of each, and all its executions so far."""


def no_venue(_: BarReady) -> Settled:
    """Give nothing: a venue works the orders, and its word comes another way."""
    return ()


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the executor does what; seconds are local time, micros are market time.

    Attributes:
        late_bar: a bar handled later than this after its close is not traded.
        stop_s: budget of a clean stop.
        eager_s: pause between two looks while a bar is due; 0 for `poll_s` always.
        collar_pct, max_open_orders: see `live.safety.collar`; 0 is no limit.
        latch_losses: a loss beyond its limit halts the book until a person resumes; otherwise
            entries stop for as long as the limit's own rule says.
        orders_per_symbol: how many orders of one strategy and symbol may be open at a time.
    """

    poll_s: float
    late_bar: Micros
    stop_s: float
    heartbeat_s: float
    reconcile_s: float = 60.0
    eager_s: float = 0.0
    orders_per_symbol: int = 1
    observe_s: float = 3600.0
    latch_losses: bool = True
    collar_pct: float = 0.0
    max_open_orders: int = 0


@dataclass(frozen=True, slots=True)
class Observation:
    """The book as it stands, told on every change of state and once an hour."""

    state: str
    ts: Micros
    seq: int
    bars: int
    open_orders: int
    equity: float
    drawdown: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LiveSummary:
    """What one run of the executor did.

    Attributes:
        late_bars: bars that came too late to be traded.
        switched_to: the release that the book trades from now on, "" when it was not switched.
        events: number of journal rows this run wrote, by kind.
        open_orders: orders that had not ended; the next start resolves them.
        seq: last row of the journal.
        stop_s: how long the clean stop took.
        bar_ms_p50, bar_ms_p95: local milliseconds from asking for a finished bar to the answers to
            its orders; 0 without bars.
    """

    reason: str
    bars: int
    late_bars: int
    events: dict[str, int]
    open_orders: int
    equity: float
    drawdown: float
    seq: int
    stop_s: float
    bar_ms_p50: float
    bar_ms_p95: float
    switched_to: str = ""

    def followed_by(self, other: LiveSummary) -> LiveSummary:
        """Give the sum of two runs of one process, the second with the release after."""
        counts = Counter(self.events) + Counter(other.events)
        return replace(
            other,
            bars=self.bars + other.bars,
            late_bars=self.late_bars + other.late_bars,
            events=dict(counts),
        )


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an executor touches besides venue and journal.

    Attributes:
        beat: writes a sign of life: (state, seq, market time, why the state is what it is or "").
        control: by what people reach the book.
        observe: is told the state of the book; must return at once.
        news: what was heard of the account; may raise VenueUnavailable or RateLimited.
        board: where the orders at work are posted for other threads.
        armed: by whose leave the book trades real money; None for play money.
        releases: by what the executor learns of other releases; None keeps the present one.
        wake: set when people ask for something, and by a stop; ends a wait. None where nobody can.
        policies: how the book answers to what it did not cause.
        settle: lets a broker without a venue see a bar before the book does, and gives the reports
            and executions that came of it.
        budget: what is left of the error budget; None while that is unknown. Must return at once.
    """

    beat: Callable[[str, int, Micros, str], None]
    control: Control
    observe: Callable[[Observation], None]
    news: Callable[[], AccountNews] = AccountNews
    wake: threading.Event | None = None
    armed: ArmToken | None = None
    policies: PolicyTerms = field(default_factory=PolicyTerms)
    settle: Callable[[BarReady], Settled] = no_venue
    budget: Callable[[], Budget | None] = lambda: None
    board: OrderBoard = field(default_factory=OrderBoard)
    releases: Releases | None = None


def quantile(values: Collection[float], share: float) -> float:
    """Give the value below which a share of values lies, 0 without values."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0
