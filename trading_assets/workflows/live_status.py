"""How a book is doing, for people and for health checks: by its lease, its files, its journal."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import Micros
from trading_assets.live.heartbeat import Heartbeat, read_heartbeat
from trading_assets.live.recovery import last_release
from trading_assets.storage.journal_reader import FILE
from trading_assets.workflows.control_book import standing
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.journal_at import book_at
from trading_assets.workflows.live_book import LiveBook, live_book
from trading_assets.workflows.live_pulse import read_pulse
from trading_assets.workflows.slo_report import budget_left, market_now

TRADING, HALTED, NOT_RUNNING, STALE = 0, 1, 2, 3
_SILENCE_S = 30.0
"""The longest that an executor is silent on purpose: its longest pause while a venue is down."""


@dataclass(frozen=True, slots=True)
class BookStatus:
    """A book at this moment.

    Attributes:
        code: 0 trades, 1 runs and opens no position, 2 does not run, 3 runs and gives no sign.
        state: what the executor last said of itself, "" when it never did.
        holder: who holds the account's lease, "" when nobody does.
        heartbeat_age_s: by the machine's clock; None without a heartbeat.
        bar_lag_s: market seconds since the last bar has closed that the book knows; None before it.
        seq: last row of the journal.
        spec: name of what its release trades, "" without a release.
        timeframe: size of its bars, such as `5m`; "" without a release.
        budget_left: share of the error budget; None before the first opening.
        book: equity, positions, orders and limits as of `book["seq"]`; empty before the first row.
        note: why the state is what it is: what the executor waits for, or what has ended it.
    """

    name: str
    code: int
    verdict: str
    state: str
    holder: str
    heartbeat_age_s: float | None
    level: str
    reason: str
    seq: int
    release_id: str
    bar_lag_s: float | None
    budget_left: float | None
    book: dict[str, Any]
    note: str = ""
    spec: str = ""
    timeframe: str = ""

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return asdict(self)


def live_status(desk: Desk, name: str, *, before: BookStatus | None = None) -> BookStatus:
    """Look at a book; nothing is asked of the executor or the venue.

    Args:
        desk: whose book.
        name: in the settings.
        before: what was seen of it last; what has not changed since is not rebuilt.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if its journal cannot be read.
    """
    place = live_book(desk.settings, name)
    heartbeat = read_heartbeat(place.heartbeat)
    age_s = None if heartbeat is None else (desk.clock.now() - heartbeat.beat) / 1_000_000
    halt = standing(place)
    book, seq, release_id, now = _read(desk, place, before)
    code, said = verdict(desk, place, heartbeat, age_s, is_halted=bool(halt.reason))
    last_bar = book.get("last_bar")
    spec, timeframe = _traded(desk, release_id, before)
    bar_size = Timeframe(timeframe).micros if timeframe else 0
    return BookStatus(
        name=name,
        code=code,
        verdict=said,
        state=heartbeat.state if heartbeat else "",
        holder=_holder(place),
        heartbeat_age_s=age_s,
        level=halt.level.name,
        reason=halt.reason,
        note=heartbeat.note if heartbeat else "",
        seq=seq,
        release_id=release_id,
        bar_lag_s=None if last_bar is None else (now - last_bar - bar_size) / 1_000_000,
        budget_left=_budget_left(desk, place, book),
        book=book,
        spec=spec,
        timeframe=timeframe,
    )


def verdict(
    desk: Desk,
    place: LiveBook,
    heartbeat: Heartbeat | None,
    age_s: float | None,
    *,
    is_halted: bool,
) -> tuple[int, str]:
    """Judge a book by its lease and its heartbeat, `age_s` old; give the code and its words."""
    if not place.is_running:
        return NOT_RUNNING, "not running"
    silence_s = _SILENCE_S + 3 * desk.settings.live.heartbeat_s
    if heartbeat is None or age_s is None or age_s > silence_s:
        return STALE, f"gives no sign of life for more than {silence_s:g} s"
    if is_halted:
        return HALTED, "halted"
    if heartbeat.state != "trading":
        return HALTED, heartbeat.state.replace("_", " ")
    return TRADING, "trading"


def _budget_left(desk: Desk, place: LiveBook, book: dict[str, Any]) -> float | None:
    """Take what a running executor says of its error budget, else read its journal."""
    said = book.get("budget_left") if place.is_running else None
    return budget_left(desk, place) if said is None else float(said)


def _read(
    desk: Desk, place: LiveBook, before: BookStatus | None
) -> tuple[dict[str, Any], int, str, Micros]:
    """Give the book, the journal's last row, its release and market time."""
    if not (place.folder / FILE).is_file():
        return {}, 0, "", 0
    with place.journal() as journal:
        rows = journal.tail(1)
        release_id = last_release(journal) or ""
        now = market_now(desk, journal)
    seq = rows[-1].seq if rows else 0
    found = read_pulse(place.folder)
    is_known = found is not None and (place.is_running or found["seq"] == seq)
    if found is not None and is_known:
        return found, seq, release_id, now
    if before is not None and (before.seq, before.release_id) == (seq, release_id):
        return before.book, seq, release_id, now
    return (book_at(desk, place.name).to_json() if release_id else {}), seq, release_id, now


def _traded(desk: Desk, release_id: str, before: BookStatus | None) -> tuple[str, str]:
    """Give name and size of bars of what a release trades; a release never changes."""
    if before is not None and before.release_id == release_id:
        return before.spec, before.timeframe
    spec = desk.releases.get(release_id).spec if release_id else None
    return (spec.name, spec.timeframe.value) if spec else ("", "")


def _holder(place: LiveBook) -> str:
    """Name who holds the lease, by what it wrote into the file."""
    if not place.is_running:
        return ""
    try:
        found = json.loads(place.lease.read_bytes())
        return f"process {found['pid']} on {found['host']}"
    except (ValueError, KeyError, TypeError):
        return "a process that has not said its name"
