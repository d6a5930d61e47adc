"""Signs of life of a book that trades: the heartbeat, and beside it the book as it stands."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trading_assets.domain.ids import Micros, canonical_json
from trading_assets.domain.ports import Clock
from trading_assets.live.heartbeat import write_heartbeat
from trading_assets.live.session import Session
from trading_assets.live.supervision.budget import level_of
from trading_assets.workflows.journal_at import view_of
from trading_assets.workflows.live_book import LiveBook
from trading_assets.workflows.live_supervision import Supervision

FILE = "status.json"


class Pulse:
    """Writes both; called in the executor's thread only, which owns the session."""

    def __init__(
        self,
        place: LiveBook,
        session: Session,
        supervision: Supervision,
        clock: Clock,
        *,
        told: Callable[[str, int], None] = lambda _state, _seq: None,
    ) -> None:
        """Join what is told to where it is read.

        Args:
            place: the book.
            session: asked for what the book holds.
            supervision: asked for the figures.
            clock: the machine's.
            told: is given state and last row at every beat, for whoever started this process.
        """
        self._place = place
        self._session = session
        self._supervision = supervision
        self._clock = clock
        self._told = told
        self._counted = self._verdicts()
        self._latest: dict[str, Any] = {"bar": session.state.last_bar, "strategies": {}}

    def beat(self, state: str, seq: int, ts: Micros, note: str) -> None:
        """Replace both files; a reader sees old or new ones, never half.

        Args:
            state: what the executor does.
            seq: last row of the journal.
            ts: market time.
            note: why, "" where that goes without saying.

        Raises:
            OSError: if the disk refuses.
        """
        now = self._clock.now()
        book = self._session.state
        name, path = self._place.name, self._place.heartbeat
        write_heartbeat(path, book=name, state=state, seq=seq, ts=ts, beat=now, note=note)
        budget = self._supervision.budget()
        values = view_of(self._place.name, self._session, seq, ts).to_json() | {
            "state": state,
            "beat": now,
            "last_bar": book.last_bar,
            "level": book.level.name,
            "pauses": [
                {"symbol": symbol, "cause": cause, "reason": reason}
                for (symbol, cause), (reason, _) in sorted(book.pauses.items())
            ],
            "slo_level": level_of(book).name,
            "budget_left": budget.remaining if budget and not budget.failure else None,
            "alerts": self._supervision.alerts,
            "supervision": budget.failure if budget else "",
            "why": self._why(book.last_bar),
            "metrics": self._supervision.figures()
            | {"pnl_realized": float(self._session.machine.realised_pnl)},
        }
        file = self._place.folder / FILE
        temporary = file.with_suffix(".tmp")
        temporary.write_bytes(canonical_json(values))
        temporary.replace(file)
        self._told(state, seq)

    def _why(self, last_bar: Micros | None) -> dict[str, Any]:
        """Say what came of the bars since the beat before: per strategy, how often each rule spoke.

        A strategy has one verdict per symbol and bar: `accepted`, the first rule that said no, or
        what made a decision needless (`no_signal`, `no_change`, ...). Bars from before the executor
        began are none of them.
        """
        if last_bar != self._latest["bar"]:
            before, self._counted = self._counted, self._verdicts()
            fresh = {name: dict(now - before[name]) for name, now in self._counted.items()}
            self._latest = {"bar": last_bar, "strategies": fresh}
        return self._latest

    def _verdicts(self) -> dict[str, Counter[str]]:
        """Give how often each rule has spoken since the book began, by strategy."""
        counts = zip(self._session.setup.tags, self._session.machine.verdicts_by_tag, strict=True)
        return {
            name: Counter({verdict.name.lower(): count for verdict, count in found.items()})
            for name, found in counts
        }


def read_pulse(folder: Path) -> dict[str, Any] | None:
    """Give what the executor last wrote of the book, None when it never did."""
    try:
        values: dict[str, Any] = json.loads((folder / FILE).read_bytes())
    except FileNotFoundError:
        return None
    return values
