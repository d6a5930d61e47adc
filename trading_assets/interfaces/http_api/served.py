"""What the routes of one server share, and how a request gets at it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from anyio import CapacityLimiter
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from trading_assets.interfaces.http_api.access import Access, Identity
from trading_assets.interfaces.http_api.answers import Refusal
from trading_assets.interfaces.http_api.control_store import ControlStore
from trading_assets.interfaces.http_api.journal_answers import JournalAnswers
from trading_assets.interfaces.http_api.key_files import Scope
from trading_assets.interfaces.http_api.rate import TokenBucket

if TYPE_CHECKING:
    from trading_assets.live.ports import LocalTime
    from trading_assets.workflows.book_summary import BookStatuses
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.live_metrics import DeskMetrics

READS_PER_S, READS_AT_ONCE = 200.0, 400
COMMANDS_PER_S, COMMANDS_AT_ONCE = 5.0, 20
LOG_INS_PER_S, LOG_INS_AT_ONCE = 2.0, 20
_COMMANDS, _MOST_BUCKETS = 8, 1000
_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


@dataclass(slots=True)
class Served:
    """A desk behind a socket.

    Attributes:
        desk: what is shown; nothing in it is ever written but by commands.
        access: who may ask.
        store: what is remembered over restarts.
        hosts: values of `Host` that are ours.
        local: monotonic time, for limits on requests.
        statuses: of the books, as they were last seen.
        metrics: of the books, counted on from where they were last read.
        answers: what was answered of the books' journals as they end now.
        commands: threads for what people ask, which reads never fill.
    """

    desk: Desk
    access: Access
    store: ControlStore
    hosts: frozenset[str]
    local: LocalTime
    statuses: BookStatuses = field(init=False)
    metrics: DeskMetrics = field(init=False)
    answers: JournalAnswers = field(init=False)
    commands: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_COMMANDS))
    _buckets: dict[tuple[str, str], TokenBucket] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        from trading_assets.workflows.book_summary import BookStatuses
        from trading_assets.workflows.live_metrics import DeskMetrics

        self.statuses = BookStatuses(self.desk)
        self.metrics = DeskMetrics(self.desk)
        self.answers = JournalAnswers(self.desk)

    def take(self, what: str, who: str, *, per_s: float, burst: int) -> None:
        """Count a request.

        Raises:
            Refusal: 429 when there were too many; nothing was taken.
        """
        with self._lock:
            bucket = self._buckets.get((what, who))
            if bucket is None:
                if len(self._buckets) >= _MOST_BUCKETS:
                    self._buckets.clear()
                bucket = TokenBucket(self.local, per_s=per_s, burst=burst)
                self._buckets[what, who] = bucket
        wait_s = bucket.take()
        if wait_s > 0:
            raise Refusal(
                429,
                f"Too many requests ({what})",
                expected=f"at most {burst} at once and {per_s:g} a second",
                retry_after_s=int(wait_s) + 1,
            )


def served_of(request: Request) -> Served:
    """Give what this server serves."""
    served: Served = request.app.state.served
    return served


Shown = Annotated[Served, Depends(served_of)]


def _whoever(least: Scope, *, limit: str) -> Callable[..., Awaitable[Identity]]:
    async def identified(
        served: Shown,
        presented: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> Identity:
        if presented is None:
            raise Refusal(401, "This needs a bearer token", fix="Log in: POST /api/token.")
        identity = served.access.identity(presented.credentials)
        if identity.scope < least:
            raise Refusal(
                403,
                "This token may not do that",
                expected=f"scope {least.text}",
                found=identity.scope.text,
                fix=f"Log in with the {least.text} key.",
            )
        if limit == "reads":
            served.take(limit, identity.session, per_s=READS_PER_S, burst=READS_AT_ONCE)
        if limit == "commands":
            served.take(limit, identity.session, per_s=COMMANDS_PER_S, burst=COMMANDS_AT_ONCE)
        return identity

    return identified


Reader = Annotated[Identity, Depends(_whoever(Scope.READ, limit="reads"))]
"""Anybody with a token; reads are limited."""
Trader = Annotated[Identity, Depends(_whoever(Scope.TRADE, limit="commands"))]
"""May stop and tighten."""
Admin = Annotated[Identity, Depends(_whoever(Scope.ADMIN, limit="commands"))]
"""May resume, approve and arm."""
Halting = Annotated[Identity, Depends(_whoever(Scope.TRADE, limit=""))]
"""May stop; never limited."""


def request_digest(method: str, path: str, body: bytes) -> str:
    """Name a request, so that a key cannot stand for two."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()
