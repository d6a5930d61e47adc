"""Signs of life of a running book: the heartbeat, and what an observer is told."""

from __future__ import annotations

from trading_assets.domain.events import Event, ReleaseAwaited, ReleaseRefused, ReleaseSwitched
from trading_assets.live.executor_terms import Observation, Pace, Surroundings
from trading_assets.live.policies.pauses import summary
from trading_assets.live.ports import Journal, LocalTime
from trading_assets.live.session import Session
from trading_assets.live.venue_time import VenueTime

_OF_RELEASES = {ReleaseAwaited: "awaits", ReleaseSwitched: "leaves for", ReleaseRefused: "refuses"}


class Signs:
    """Gives signs on every change of state, and as often as the pace says."""

    def __init__(
        self,
        session: Session,
        journal: Journal,
        clock: VenueTime,
        local: LocalTime,
        pace: Pace,
        around: Surroundings,
    ) -> None:
        self._session = session
        self._journal = journal
        self._clock = clock
        self._local = local
        self._pace = pace
        self._around = around
        self._state = ""
        self._reason = ""
        self._due_s = {"beat": 0.0, "observe": 0.0}

    def tell(self, state: str, reason: str = "") -> None:
        """Say what the executor does now."""
        is_news = state != self._state
        self._state, self._reason = state, reason
        now_s = self._local.monotonic()
        if self._is_due("beat", self._pace.heartbeat_s, now_s) or is_news:
            self._around.beat(state, self._journal.head, self._clock.now(), reason)
        if self._is_due("observe", self._pace.observe_s, now_s) or is_news:
            self._around.observe(self._observation(state, reason))

    def again(self) -> None:
        """Say the same once more, where that is due."""
        self.tell(self._state, self._reason)

    def tell_of(self, event: Event) -> None:
        """Tell of a release at once: it is news whatever the state."""
        release_id = getattr(event, "release_id", "")
        reason = getattr(event, "reason", "")
        text = f"{_OF_RELEASES[type(event)]} release {release_id or 'none'} {reason}".strip()
        self._around.observe(self._observation(self._state, text))

    def _observation(self, state: str, reason: str) -> Observation:
        machine = self._session.machine
        return Observation(
            state=state,
            ts=self._clock.now(),
            seq=self._journal.head,
            bars=self._session.state.bars,
            open_orders=len(self._session.state.orders),
            equity=float(machine.equity),
            drawdown=float(machine.drawdown),
            reason=reason or self._session.state.halted or summary(self._session.state),
        )

    def _is_due(self, what: str, every_s: float, now_s: float) -> bool:
        if now_s < self._due_s[what]:
            return False
        self._due_s[what] = now_s + every_s
        return True
