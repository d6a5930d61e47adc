"""The loop around a session: polls bars, keeps book and venue together, and stops cleanly."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.commands import CancelOrder
from trading_assets.domain.control import HaltRequest
from trading_assets.domain.errors import (
    JournalUnwritable,
    RateLimited,
    RecoveryError,
    TradingAssetsError,
    VenueUnavailable,
)
from trading_assets.domain.events import (
    BarReady,
    Event,
    ReleaseSwitched,
    SessionClosed,
    SessionOpened,
)
from trading_assets.domain.ids import CLIENT_ORDER_ID_PREFIX, Micros
from trading_assets.domain.order import OrderTicket
from trading_assets.domain.ports import Broker
from trading_assets.live.closing import next_look_s
from trading_assets.live.effects import Effects
from trading_assets.live.executor_terms import (
    LiveSummary,
    Pace,
    Surroundings,
    quantile,
)
from trading_assets.live.hand_over import next_step
from trading_assets.live.patience import rest
from trading_assets.live.policies.book_policies import BookPolicies
from trading_assets.live.ports import Feed, Journal, LocalTime
from trading_assets.live.reconcile import SETTLING, Reconciler
from trading_assets.live.recovery import after_restart, never_sent
from trading_assets.live.resolution import Resolution
from trading_assets.live.safety.arming import approval
from trading_assets.live.safety.attention import Attention
from trading_assets.live.safety.collar import Collar, CollarTerms
from trading_assets.live.session import Session
from trading_assets.live.signs import Signs
from trading_assets.live.supervision.budget import budget_events
from trading_assets.live.venue_time import VenueTime

_LONGEST_PAUSE_S = 30.0
_STANDS_S = 0.2
"""So long this machine counts on from the venue's time: between a bar and its order each question
costs."""
_TIMED_BARS = 10_000
_LOOK_AGAIN_S = SETTLING / 1_000_000 + 1.0
"""After what could be a difference: soon enough to halt, late enough to be sure."""


class Executor:
    """Runs one book until it is told to stop."""

    def __init__(
        self,
        session: Session,
        journal: Journal,
        broker: Broker,
        feed: Feed,
        *,
        clock: VenueTime,
        local: LocalTime,
        timeframe: Timeframe,
        pace: Pace,
        around: Surroundings,
    ) -> None:
        self._session = session
        self._journal = journal
        self._broker = broker
        self._feed = feed
        self._clock = clock
        self._local = local
        self._size = timeframe.micros
        self._pace = pace
        self._around = around
        self._resolution = Resolution(broker, clock, local)
        self._reconciler = Reconciler(session.setup.book, session.setup.instruments, broker, clock)
        self._policies = BookPolicies(
            around.policies, session.setup, session.state, self._size, local.monotonic
        )
        self._effects = Effects(
            session,
            journal,
            broker,
            clock=clock,
            resolution=self._resolution,
            hold=self._hold,
            follow=self._policies.following,
            board=around.board,
        )
        terms = CollarTerms(pace.collar_pct, timeframe.micros, pace.late_bar, pace.max_open_orders)
        self._collar = Collar(session, clock, local, terms)
        self._attention = Attention(session, self._effects, around.control, clock)
        self._waiting: deque[BarReady] = deque()
        self._stop = threading.Event()
        self._bar_ms: deque[float] = deque(maxlen=_TIMED_BARS)
        self._max_bars: int | None = None
        self._asked_s = 0.0
        self._late_bars = 0
        self._switched_to = ""
        self._due_s = {"reconcile": 0.0}
        self._signs = Signs(session, journal, clock, local, pace, around)

    def run(self, stop: threading.Event, *, max_bars: int | None = None) -> LiveSummary:
        """Recover, reconcile, trade until `stop` is set, and close.

        Raises:
            RecoveryError: if book and venue disagree at the start; nothing is sent then.
            InvariantError: if the program is wrong; it sends nothing more.
        """
        self._stop = stop
        try:
            return self._run(stop, max_bars)
        except TradingAssetsError as error:
            if isinstance(error, JournalUnwritable):
                self._attention.latch_only(
                    HaltRequest(f"{error.what}: {error.found}", source="disk")
                )
            self._signs.tell("failed", str(error))
            raise

    def _run(self, stop: threading.Event, max_bars: int | None) -> LiveSummary:
        self._max_bars = max_bars
        self._persist(self._open)
        reason = "stopped"
        while not stop.is_set():
            if self._has_enough():
                reason = f"{max_bars} bars were asked for"
                break
            self._persist(self._turn)
            if self._switched_to:
                return self._summary(f"release {self._switched_to}", 0.0)
            pause_s = max(self._until_look_s(), self._effects.rest_s)
            self._effects.rest_s = 0.0
            self._wait(pause_s)
        return self._close(reason)

    def _has_enough(self) -> bool:
        most = self._max_bars
        return most is not None and self._effects.counts[BarReady.__name__] >= most

    def _until_look_s(self) -> float:
        passed = int((self._local.monotonic() - self._asked_s) * 1_000_000)
        return next_look_s(
            self._clock.now() + passed,
            self._session.state.last_bar,
            self._size,
            poll_s=self._pace.poll_s,
            eager_s=self._pace.eager_s,
        )

    # Start

    def _open(self) -> None:
        """Bring book and venue together; nothing is decided before that."""
        state = self._session.state
        now = self._clock.poll()
        if state.opened_ts is None:
            self._refuse_own_orders()
        if not self._is_open:
            setup = self._session.setup
            self._reconciler.expect_none_of(never_sent(state))
            opened = SessionOpened(
                now,
                setup.book,
                setup.release_id,
                self._broker.balances(),
                self._pace.orders_per_symbol,
            )
            self._effects.take(
                [opened, *approval(self._around.armed, now), *after_restart(state, now)]
            )
        self._signs.tell("starting")
        while state.in_doubt() or not self._reconcile():
            was_in_doubt = state.in_doubt()
            self._effects.take(self._resolution.step(state))
            is_resolved = was_in_doubt and not state.in_doubt()
            if self._wait(0.0 if is_resolved else self._pace.poll_s):
                return
            self._heed_people()
            self._clock.poll()
            self._signs.tell("starting")
        now = self._clock.poll()
        last = state.last_bar
        self._effects.take(self._policies.due(now))
        self._feed.load(now // self._size * self._size if last is None else self._after(last))

    def _after(self, last: Micros) -> Micros:
        """Give the first bar after one that may have been of another size."""
        return (last // self._size + 1) * self._size

    @property
    def _is_open(self) -> bool:
        return self._effects.counts[SessionOpened.__name__] > 0

    def _refuse_own_orders(self) -> None:
        ours = [
            report.client_order_id
            for report in self._broker.open_orders()
            if report.client_order_id.startswith(CLIENT_ORDER_ID_PREFIX)
        ]
        if ours:
            raise RecoveryError(
                f"Book {self._session.setup.book}: a new journal, but the venue works our orders",
                expected="an account without open orders of ours",
                found=", ".join(ours),
                fix="Restore the journal they belong to, or cancel them at the venue.",
            )

    # Loop

    def _turn(self) -> None:
        self._heed_people()
        now = self._clock.poll()
        self._effects.take(budget_events(self._session.state, self._around.budget(), now))
        self._collar.note_time()
        self._asked_s = self._local.monotonic()
        if self._policies.feed.was_away(now):
            self._effects.take(self._policies.due(now))
            self._reconcile_running()
        failure = self._take_bars(now)
        self._effects.take(self._policies.due(now))
        self._effects.take(self._resolution.step(self._session.state))
        is_due = self._is_due("reconcile", self._pace.reconcile_s, self._asked_s)
        if self._has_news() or self._policies.wants_look() or is_due:
            self._reconcile_running()
        if failure is not None:
            raise failure
        self._heed_release()
        self._signs.tell("halted" if self._session.state.halted else "trading")

    def _heed_release(self) -> None:
        """Make ready for another release of the book, and leave the present one between bars."""
        releases = self._around.releases
        if releases is None or self._waiting:
            return
        event = next_step(self._session, releases, self._clock.now())
        if event is not None:
            self._effects.take([event])
            self._signs.tell_of(event)
        if isinstance(event, ReleaseSwitched):
            self._switched_to = event.release_id

    def _take_bars(self, now: Micros) -> VenueUnavailable | None:
        """Handle the bars that have closed; a venue that gives none keeps nothing else waiting."""
        failure = None
        try:
            self._waiting += self._feed.poll(now)
        except VenueUnavailable as error:
            failure = error
        self._effects.take(self._feed.findings(now))
        while self._waiting and not self._stop.is_set() and not self._has_enough():
            self._on_bar(self._waiting[0])
            self._waiting.popleft()
            self._heed_people()
        return failure

    def _has_news(self) -> bool:
        """Tell whether something was heard of the account that the book does not know."""
        news = self._around.news()
        known = self._session.state.known_fills
        if not news.fills:
            return news.must_look
        return news.must_look or any(
            (fill.symbol, fill.trade_id) not in known for fill in news.fills
        )

    def _on_bar(self, bar: BarReady) -> None:
        if self._session.state.last_bar == bar.ts:
            return
        passed_s = self._local.monotonic() - self._asked_s
        if passed_s >= _STANDS_S:
            self._clock.poll()
            self._collar.note_time()
            passed_s = 0.0
        age = self._clock.now() + int(passed_s * 1_000_000) - (bar.ts + self._size)
        is_late = age > self._pace.late_bar
        self._late_bars += is_late
        ready = replace(bar, late=is_late)
        self._effects.take([*self._settled(bar), *self._policies.feed.before(ready), ready])
        if self._pace.latch_losses:
            self._attention.note_losses()
        self._bar_ms.append((self._local.monotonic() - self._asked_s) * 1000)
        self._signs.tell("halted" if self._session.state.halted else "trading")

    def _settled(self, bar: BarReady) -> list[Event]:
        """Give what the bar did to orders that no venue works: the book hears of it first."""
        now, state = self._clock.now(), self._session.state
        changed = self._around.settle(bar)
        return [event for report, fills in changed for event in state.news(report, fills, now)]

    def _reconcile(self) -> bool:
        self._session.check_engine()
        return self._reconciler.run(self._session.state, lambda event: self._effects.take([event]))

    def _reconcile_running(self) -> None:
        """Compare again; a difference that stays stops entries, and a person looks.

        What could not be compared is compared again soon: what called for it is not said twice.
        """
        is_clear = False
        try:
            is_clear = self._reconcile()
        except RecoveryError as error:
            is_clear = True  # that they differ is certain: the usual pace is enough
            if not self._session.state.halted:
                reason = f"{error.what}: {error.found}"
                self._attention.halt(HaltRequest(reason, source="reconcile"))
        finally:
            if not is_clear:
                again_s = self._local.monotonic() + _LOOK_AGAIN_S
                self._due_s["reconcile"] = min(self._due_s["reconcile"], again_s)

    def _heed_people(self) -> None:
        if self._attention.heed():
            self._due_s["reconcile"] = 0.0

    def _wait(self, seconds: float) -> bool:
        """Wait with signs of life, until people ask for something; tell whether to stop."""
        wake, every_s, sign = self._around.wake, self._pace.heartbeat_s, self._signs.again
        until = self._stop if wake is None else wake
        if rest(seconds, until, self._local, every_s=every_s, sign=sign) and wake is not None:
            wake.clear()
        return self._stop.is_set()

    def _hold(self, ticket: OrderTicket) -> str:
        """Give why an order must not leave now, "" when it may; exits pass a halt."""
        if self._stop.is_set():
            return "stopping"
        held = self._attention.hold(ticket) or self._policies.hold(ticket)
        return held or self._collar.refusal(ticket)

    def _persist(self, work: Callable[[], None]) -> None:
        """Do a piece of work; when the venue cannot answer, do it again later, until the stop."""
        pause_s = self._pace.poll_s
        while True:
            try:
                return work()
            except (VenueUnavailable, RateLimited) as error:
                self._signs.tell("venue_down", error.what)
                if isinstance(error, RateLimited):
                    pause_s = max(pause_s, error.retry_after_ms / 1000)
            if self._wait(pause_s):
                return None
            pause_s = min(2 * pause_s, max(pause_s, _LONGEST_PAUSE_S))

    # Stop

    def _close(self, reason: str) -> LiveSummary:
        """Withdraw what works at the venue, settle what can be settled in time, and sign off."""
        began = self._local.monotonic()
        state = self._session.state
        never = threading.Event()
        for order in tuple(state.orders.values()):
            self._effects.cancel(CancelOrder(order.ticket.symbol, order.client_order_id))
        while state.orders and self._local.monotonic() - began < self._pace.stop_s / 2:
            self._effects.take(self._resolution.step(state))
            self._local.wait(min(self._pace.poll_s, 0.2) if state.orders else 0.0, never)
        if self._is_open:
            self._effects.take([SessionClosed(self._clock.now(), reason)])
            self._effects.save_snapshot()
        self._signs.tell("stopped", reason)
        return self._summary(reason, self._local.monotonic() - began)

    def _summary(self, reason: str, stop_s: float) -> LiveSummary:
        state = self._session.state
        return LiveSummary(
            reason=reason,
            bars=self._effects.counts[BarReady.__name__],
            late_bars=self._late_bars,
            events=dict(self._effects.counts),
            open_orders=len(state.orders),
            equity=float(self._session.machine.equity),
            drawdown=float(self._session.machine.drawdown),
            seq=self._journal.head,
            stop_s=stop_s,
            bar_ms_p50=quantile(self._bar_ms, 0.50),
            bar_ms_p95=quantile(self._bar_ms, 0.95),
            switched_to=self._switched_to,
        )

    def _is_due(self, what: str, every_s: float, now_s: float) -> bool:
        if now_s < self._due_s[what]:
            return False
        self._due_s[what] = now_s + every_s
        return True
