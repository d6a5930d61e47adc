"""What happened: the journal's vocabulary, and all that a live session ever reacts to."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from trading_assets.domain.account import Balance, Fill
from trading_assets.domain.bar import Bar
from trading_assets.domain.control import CommandKind, HaltLevel, TightLimits
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import OrderReport, OrderTicket
from trading_assets.domain.policy_events import (
    BarRefused,
    BarRevised,
    BreakerTripped,
    EntriesAllowed,
    EntriesPaused,
    TradingRulesSeen,
    UpstreamStale,
)
from trading_assets.domain.strategy_events import (
    StrategyStarted,
    StrategyStopped,
    StrategyTightened,
)


@dataclass(frozen=True, slots=True)
class SignalRow:
    """The finished signal of one symbol at one bar close.

    Attributes:
        values: the signal columns in the order of the strategy's family; NaN means no opinion.
        row_hash: SHA-256 of symbol, bar time and the bytes of `values`.
        forecast_id: hash of the prediction behind it, "" when it uses none.
        tag: name of the strategy where several share the book, "" where one is alone.
    """

    symbol: Symbol
    ts: Micros
    values: tuple[float, ...]
    row_hash: str
    forecast_id: str = ""
    tag: str = ""


@dataclass(frozen=True, slots=True)
class BarReady:
    """All bars that closed at one instant, with their signals, in the order of the symbols.

    A symbol whose bar is missing at the venue is absent from both tuples.

    Attributes:
        late: the bar came too long after its close to be traded; it moves the state of the book
            and causes no order.
        incomplete: symbols whose bar lacks a minute that the venue did not give in time.
    """

    ts: Micros
    bars: tuple[Bar, ...]
    rows: tuple[SignalRow, ...]
    late: bool = False
    incomplete: tuple[Symbol, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionOpened:
    """A session started trading a release; the venue's balances were these, unmanaged.

    Attributes:
        orders_per_symbol: how many orders of one strategy and symbol may be open at a time.
    """

    ts: Micros
    book: str
    release_id: str
    opening: tuple[Balance, ...]
    orders_per_symbol: int = 1


@dataclass(frozen=True, slots=True)
class OrderIntentCreated:
    """A decision produced an order; from here on its id is spent.

    Attributes:
        fitted: what was changed to keep the venue's present rules, "" when nothing.
    """

    ts: Micros
    ticket: OrderTicket
    engine_order_id: int
    fitted: str = ""


@dataclass(frozen=True, slots=True)
class DecisionDropped:
    """A decision did not become an order; `rule` says which rule said no first."""

    ts: Micros
    symbol: Symbol
    tag: str
    bar_ts: Micros
    rule: str


@dataclass(frozen=True, slots=True)
class OrderSubmitted:
    """The order is about to leave; after this row it may be at the venue.

    Attributes:
        auth_ts: venue auth clock at sending; with `recv_window_ms` it bounds when the venue may
            still accept the request.
    """

    ts: Micros
    client_order_id: str
    auth_ts: Micros
    recv_window_ms: int


@dataclass(frozen=True, slots=True)
class OrderReported:
    """The venue's word on an order: accepted, cancelled, expired, rejected, filled."""

    ts: Micros
    report: OrderReport


@dataclass(frozen=True, slots=True)
class OrderRefused:
    """The venue refused the order for certain."""

    ts: Micros
    client_order_id: str
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class OrderOutcomeUnknown:
    """The answer to a submission was lost."""

    ts: Micros
    client_order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderProvenAbsent:
    """The venue cannot have the order, nor ever get it; the decision is dropped."""

    ts: Micros
    client_order_id: str
    evidence: str


@dataclass(frozen=True, slots=True)
class OrderFilled:
    """One execution of one of our orders."""

    ts: Micros
    fill: Fill


@dataclass(frozen=True, slots=True)
class ForeignOrderSeen:
    """Somebody else's order stands in our account; it is reported, never touched."""

    ts: Micros
    report: OrderReport


@dataclass(frozen=True, slots=True)
class ForeignFillSeen:
    """An execution that is not of an order of ours; its amounts are counted apart.

    It is somebody else's, or one that its order cannot have had: beyond what was asked, say.
    """

    ts: Micros
    fill: Fill


@dataclass(frozen=True, slots=True)
class Reconciled:
    """The book and the venue agree: these orders, fills and balances were compared."""

    ts: Micros
    orders: int
    fills: int
    balances: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class EquityMarked:
    """Equity of the book after a bar, in quote."""

    ts: Micros
    equity: Decimal
    drawdown: float


@dataclass(frozen=True, slots=True)
class CommandReceived:
    """A person's command, copied from the inbox once; what follows from it stands beside it.

    Attributes:
        refused: why it was not carried out, "" when it was.
    """

    ts: Micros
    inbox_id: int
    asked: Micros
    kind: CommandKind
    who: str
    reason: str
    source: str
    arguments: str = "{}"
    refused: str = ""


@dataclass(frozen=True, slots=True)
class TradingHalted:
    """Entries stopped until a person resumes.

    Attributes:
        level: how far; it only rises until a person resumes.
        source: by which way it came, see `domain.control.HaltRequest`.
        inbox_id: the command that asked for it, 0 for none.
    """

    ts: Micros
    reason: str
    level: HaltLevel = HaltLevel.HALT
    source: str = ""
    inbox_id: int = 0


@dataclass(frozen=True, slots=True)
class TradingResumed:
    """A person allowed entries again.

    Attributes:
        latch: identity of the latch that is taken down once this is durable, "" when none was up.
    """

    ts: Micros
    reason: str
    operator: str
    inbox_id: int = 0
    latch: str = ""


@dataclass(frozen=True, slots=True)
class BookArmed:
    """A person's approval by which this session trades real money.

    Attributes:
        host: of the venue.
        expires: the machine's clock, microseconds UTC.
        fallback: the release before, to which the book may go back by it; "" for none.
        capital: most of the equity, in quote, that strategies are given; None for all of it.
        step: of the ramp, from 0.
        conduct_id: of the report on the release's probation that it stands on.
    """

    ts: Micros
    by: str
    reason: str
    host: str
    release_id: str
    expires: Micros
    fallback: str = ""
    capital: Decimal | None = None
    step: int = 0
    conduct_id: str = ""


@dataclass(frozen=True, slots=True)
class LimitsTightened:
    """A person made limits tighter; these are all of them now."""

    ts: Micros
    limits: TightLimits
    inbox_id: int = 0


@dataclass(frozen=True, slots=True)
class ReleaseAwaited:
    """The book has got another release, and makes ready for it: no more entries of the present.

    Attributes:
        release_id: that is awaited; "" when the present one is the book's again.
        policy: `carry`, `when_flat` or `close`.
        bars: after how many bars `when_flat` becomes `close`.
    """

    ts: Micros
    release_id: str
    policy: str
    bars: int


@dataclass(frozen=True, slots=True)
class ReleaseSwitched:
    """From here on the book trades another release.

    Attributes:
        carried: positions and working orders go on; otherwise there were none.
    """

    ts: Micros
    previous: str
    release_id: str
    carried: bool


@dataclass(frozen=True, slots=True)
class ReleaseRefused:
    """A release of the book cannot be traded; the present one goes on."""

    ts: Micros
    release_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """A clean end; a restart continues from here."""

    ts: Micros
    reason: str


Event = (
    BarReady
    | SessionOpened
    | OrderIntentCreated
    | DecisionDropped
    | OrderSubmitted
    | OrderReported
    | OrderRefused
    | OrderOutcomeUnknown
    | OrderProvenAbsent
    | OrderFilled
    | ForeignOrderSeen
    | ForeignFillSeen
    | Reconciled
    | EquityMarked
    | CommandReceived
    | TradingHalted
    | TradingResumed
    | LimitsTightened
    | BookArmed
    | UpstreamStale
    | BarRevised
    | BarRefused
    | TradingRulesSeen
    | BreakerTripped
    | EntriesPaused
    | EntriesAllowed
    | StrategyStopped
    | StrategyStarted
    | StrategyTightened
    | ReleaseAwaited
    | ReleaseSwitched
    | ReleaseRefused
    | SessionClosed
)
