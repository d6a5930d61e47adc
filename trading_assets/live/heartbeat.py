"""A sign of life beside the journal: who runs the book, and when it last said so."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from trading_assets.domain.ids import Micros, canonical_json
from trading_assets.live.lease import boot_id, holder


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """One sign of life.

    Attributes:
        state: what the executor does: `starting`, `trading`, `halted`, `venue_down`, `rate_limited`
            (waits before it starts), `stopped`, `failed`.
        seq: last row of the journal.
        ts: market time.
        beat: the machine's own clock, microseconds UTC.
        note: why the state is what it is, "" where that goes without saying.
    """

    book: str
    pid: int
    host: str
    boot_id: str
    state: str
    seq: int
    ts: Micros
    beat: Micros
    note: str = ""

    @property
    def is_of_this_boot(self) -> bool:
        """Whether the machine has not been restarted since."""
        return self.boot_id == boot_id()


def write_heartbeat(
    path: Path, *, book: str, state: str, seq: int, ts: Micros, beat: Micros, note: str = ""
) -> None:
    """Replace the sign of life; a reader sees the old or the new one, never half."""
    me = holder()
    heartbeat = Heartbeat(
        book, int(me["pid"]), str(me["host"]), str(me["boot_id"]), state, seq, ts, beat, note
    )
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(canonical_json(asdict(heartbeat)))
    temporary.replace(path)


def read_heartbeat(path: Path) -> Heartbeat | None:
    """Give the latest sign of life, None when there is none."""
    try:
        return Heartbeat(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        return None
