"""Trade a book's release until told to stop: the same for Dagster, systemd and a test."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.adapters.binance.filters import FilterCache
from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.domain.account import AccountNews
from trading_assets.domain.events import BarReady
from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Broker
from trading_assets.live.bar_screen import BarScreen
from trading_assets.live.examination import Examiner
from trading_assets.live.executor import Executor
from trading_assets.live.executor_terms import (
    LiveSummary,
    Observation,
    Settled,
    Surroundings,
    no_venue,
)
from trading_assets.live.feed import BarFeed
from trading_assets.live.hand_over import Releases
from trading_assets.live.lease import Lease, holder
from trading_assets.live.patience import Answer, Patience, StoppedWaiting
from trading_assets.live.policies.rules_watch import ReadRules
from trading_assets.live.ports import LocalTime, MachineTime
from trading_assets.live.recovery import recover
from trading_assets.live.safety.halt_signal import halt_on_signal
from trading_assets.live.venue_time import VenueTime
from trading_assets.storage.journal import Journal
from trading_assets.storage.release_store import Release
from trading_assets.workflows.armed import require_armed
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.guard import Guard, on_guard
from trading_assets.workflows.live_book import LiveBook, live_book, venue_client
from trading_assets.workflows.live_calendars import next_opens, sessions_of_release
from trading_assets.workflows.live_pulse import Pulse
from trading_assets.workflows.live_release import (
    examine_release,
    hand_over_of,
    release_to_trade,
    require_tradable,
)
from trading_assets.workflows.live_settings import pace_of, policies_of
from trading_assets.workflows.live_supervision import Supervision, enforced, supervise
from trading_assets.workflows.live_waiting import Waiting
from trading_assets.workflows.process_log import bound
from trading_assets.workflows.release_parts import (
    release_terms,
    signal_desk,
    terms_of,
    warm_engine,
)
from trading_assets.workflows.simulated_account import simulated_account
from trading_assets.workflows.upstream_of_release import upstream_watch
from trading_assets.workflows.venue_streams import MarketClock, account_news, venue_bars

_SECOND: Micros = 1_000_000
_SAME_CLOCK: Micros = 60 * _SECOND


def _silent(_: Observation) -> None:
    return None


def _untold(_state: str, _seq: int) -> None:
    return None


def run_live(
    desk: Desk,
    book: str,
    *,
    stop: threading.Event,
    observe: Callable[[Observation], None] = _silent,
    max_bars: int | None = None,
    local: LocalTime | None = None,
    wrap_broker: Callable[[Broker], Broker] = lambda broker: broker,
    told: Callable[[str, int], None] = _untold,
) -> LiveSummary:
    """Trade until `stop` is set.

    A new journal trades the book's current release; one that exists goes on with the release that
    it trades last. A release that is published meanwhile is taken between two bars, by the policy
    `live.hand_over`. A venue that limits requests at the start is waited for: others, or earlier
    lives of this book, may have spent what its address has.

    Args:
        desk: gives settings, releases and this machine's clock.
        book: name in the settings.
        stop: may be set at any time; the stop that follows is bounded by `live.stop_s`.
        observe: told on every change of state and once an hour; must return at once.
        max_bars: end after so many bars of this run.
        local: time for timers and waits; this machine's own unless a test passes another.
        wrap_broker: stands between executor and venue, for tests.
        told: is given state and last row at every sign of life; must return at once.

    Raises:
        LeaseHeld: if another executor trades the account.
        MissingPartition: if the book has no release.
        ConfigurationError: if venue, release and settings do not fit.
        VenueUnavailable: if the venue does not answer the first question; later it is waited for.
        RecoveryError: if journal and venue disagree; nothing is sent then.
    """
    place = live_book(desk.settings, book)
    require_armed(desk.settings, place, release_id="", now=desk.clock.now())
    client = venue_client(desk.settings, place)
    local = local or MachineTime()
    with ExitStack() as stack:
        stack.callback(client.close_connection)
        stack.enter_context(Lease(place.lease))
        signalled = stack.enter_context(halt_on_signal(place.halt))
        waiting = Waiting(place, desk.clock, observe=observe, told=told)
        beat_s = desk.settings.live.heartbeat_s
        patience = Patience(local, stop, every_s=beat_s, tell=waiting.tell)
        pager = KlinePager(client, desk.clock, max_attempts=1)
        source = BinanceBarSource(pager)
        try:
            epoch = _epoch(place, patience.ask(source.now), desk.clock.now())
        except StoppedWaiting:
            return waiting.stopped()
        release, is_new = release_to_trade(desk, place)
        journal = stack.enter_context(
            Journal(
                place.folder,
                book=place.name,
                epoch=epoch,
                clock=desk.clock,
                holder="process {pid} on {host}".format(**holder()),
            )
        )
        stack.enter_context(bound(book=place.name, run_id=f"{place.name}-{journal.lease}"))
        connect = partial(_broker, desk, time_is_auth=_is_auth(place, epoch))
        guard = stack.enter_context(on_guard(desk, place, signalled, stop, connect))
        run = _Run(
            desk, place, client, pager, source, journal, guard, epoch, local, observe, wrap_broker,
            told, patience,
        )  # fmt: skip
        return run.trade_all(release, stop, max_bars, is_new=is_new, waiting=waiting)


@dataclass(frozen=True, slots=True)
class _Run:
    """What lasts over all releases that a run trades."""

    desk: Desk
    place: LiveBook
    client: Any
    pager: KlinePager
    source: BinanceBarSource
    journal: Journal
    guard: Guard
    epoch: str
    local: LocalTime
    observe: Callable[[Observation], None]
    wrap_broker: Callable[[Broker], Broker]
    told: Callable[[str, int], None]
    patience: Patience

    def trade_all(
        self,
        release: Release,
        stop: threading.Event,
        max_bars: int | None,
        *,
        is_new: bool,
        waiting: Waiting,
    ) -> LiveSummary:
        """Trade one release after the other until the stop."""
        summary = None
        try:
            summary = self.trade(release, stop, max_bars, is_new=is_new)
            while summary.switched_to and not stop.is_set():
                release = self.desk.releases.get(summary.switched_to)
                left = None if max_bars is None else max_bars - summary.bars
                summary = summary.followed_by(self.trade(release, stop, left, is_new=False))
        except StoppedWaiting:
            stopped = waiting.stopped()
            return stopped if summary is None else summary.followed_by(stopped)
        return summary

    def trade(
        self, release: Release, stop: threading.Event, max_bars: int | None, *, is_new: bool
    ) -> LiveSummary:
        """Trade one release until the stop, or until the book leaves it for another."""
        desk, place, settings = self.desk, self.place, self.desk.settings
        symbols = release.spec.symbols
        now = desk.clock.now()
        armed = require_armed(settings, place, release_id=release.release_id, now=now)
        self.guard.leave.token = armed
        self._ask(
            release,
            lambda: require_tradable(settings, place, release, self.source, is_new=is_new),
        )
        filters = FilterCache(self.pager.entry)
        broker: Broker
        news: Callable[[], AccountNews] = AccountNews
        settle: Callable[[BarReady], Settled] = no_venue
        with ExitStack() as stack:
            bars = stack.enter_context(
                venue_bars(settings, self.pager, self.client.API_URL, symbols)
            )
            if place.settings.is_simulated:
                broker = simulated = simulated_account(
                    desk.releases, release, self.journal, desk.clock
                )
                settle = lambda bar: simulated.see(bar.ts, bar.bars)  # noqa: E731
            else:
                is_auth = _is_auth(place, self.epoch)
                broker = venue = self._ask(
                    release, lambda: _broker(desk, self.client, filters, time_is_auth=is_auth)
                )
                since = self._ask(release, self.source.now)
                news = stack.enter_context(
                    account_news(settings, self.client, venue, symbols, since=since)
                )
            is_wall = self.epoch == "wall"
            examiner = self._examiner(release, stack)
            supervision = supervise(desk, place, release, is_wall=is_wall)
            stack.callback(supervision.close)
            executor = _executor(
                desk,
                place,
                release,
                journal=self.journal,
                broker=self.wrap_broker(broker),
                source=bars,
                local=self.local,
                observe=self.observe,
                news=news,
                settle=settle,
                rules=filters.rules,
                guard=self.guard,
                releases=self._releases(examiner),
                supervision=supervision,
                told=self.told,
            )
            stack.enter_context(supervision)  # a month of rows, which recovery need not wait for
            return executor.run(stop, max_bars=max_bars)

    def _ask(self, release: Release, question: Callable[[], Answer]) -> Answer:
        """Ask the venue, with patience; a halt may withdraw meanwhile what the journal knows of."""

        def post_orders() -> None:
            terms = release_terms(self.place, release)
            before = terms_of(self.desk.releases, self.place)
            self.guard.board.post(recover(self.journal, terms.setup, terms.machines, before).state)

        return self.patience.ask(question, post_orders, bears_outages=True)

    def _examiner(self, present: Release, stack: ExitStack) -> Examiner:
        """Give a thread that looks at releases, by a connection of its own, while `stack` lasts."""
        client = venue_client(self.desk.settings, self.place)
        stack.callback(client.close_connection)
        source = BinanceBarSource(KlinePager(client, self.desk.clock, max_attempts=1))
        look = partial(examine_release, self.desk, self.place, source, present)
        return stack.enter_context(Examiner(look, time.monotonic))

    def _releases(self, examiner: Examiner) -> Releases:
        desk, place = self.desk, self.place
        policy, bars = hand_over_of(desk.settings, place)
        return Releases(
            current=lambda: place.settings.release or desk.releases.current_id(place.traded) or "",
            examine=examiner,
            policy=policy,
            bars=bars,
        )


def _executor(
    desk: Desk,
    place: LiveBook,
    release: Release,
    *,
    journal: Journal,
    broker: Broker,
    source: BinanceBarSource | StreamedBars,
    local: LocalTime,
    observe: Callable[[Observation], None],
    news: Callable[[], AccountNews],
    settle: Callable[[BarReady], Settled],
    rules: ReadRules,
    guard: Guard,
    releases: Releases,
    supervision: Supervision,
    told: Callable[[str, int], None],
) -> Executor:
    """Join all parts of a book."""
    spec = release.spec
    warm_engine(release)
    terms = release_terms(place, release)
    before = terms_of(desk.releases, place)
    session = recover(journal, terms.setup, terms.machines, before)
    guard.control.begin_after(session.state.inbox_id)
    clock = VenueTime(MarketClock(source, desk.clock), not_before=session.state.last_ts)
    pace = pace_of(desk.settings)
    sessions = sessions_of_release(desk, release)
    feed = BarFeed(
        source,
        signal_desk(release, sessions),
        spec.symbols,
        spec.timeframe,
        grace=pace.late_bar // 2,
        screen=BarScreen(desk.settings.live.jump_factor),
        sessions=sessions,
    )
    return Executor(
        session,
        journal,
        broker,
        feed,
        clock=clock,
        local=local,
        timeframe=spec.timeframe,
        pace=pace,
        around=Surroundings(
            beat=Pulse(place, session, supervision, desk.clock, told=told).beat,
            control=guard.control,
            observe=observe,
            news=news,
            settle=settle,
            wake=guard.wake,
            armed=guard.leave.token,
            policies=replace(
                policies_of(desk.settings, place),
                read_rules=rules,
                look_upstream=upstream_watch(desk, release, local.monotonic),
                next_open=next_opens(release, sessions),
                hours=sessions,
            ),
            budget=enforced(desk.settings, supervision),
            board=guard.board,
            releases=releases,
        ),
    )


def _is_auth(place: LiveBook, epoch: str) -> bool:
    """Tell whether the venue's time is the one by which it judges requests."""
    return place.settings.venue != "embedded" or epoch == "wall"


def _broker(
    desk: Desk, client: Any, filters: FilterCache | None = None, *, time_is_auth: bool
) -> BinanceBroker:
    """Join a client to its account, and sign by the venue's time."""
    broker = BinanceBroker(
        client,
        desk.clock,
        recv_window_ms=desk.settings.binance.recv_window_ms,
        time_is_auth=time_is_auth,
        filters=filters,
    )
    broker.synchronise()
    return broker


def _epoch(place: LiveBook, venue_now: Micros, machine_now: Micros) -> str:
    """Name the venue's clock: the world's, or one of its own that runs from another start.

    Only an embedded exchange has one of its own. At another venue it is this machine's clock that
    is wrong, and the book's journal is the same before and after it is set right.
    """
    if place.settings.market != "embedded" or abs(venue_now - machine_now) <= _SAME_CLOCK:
        return "wall"
    return "virtual"
