"""When a source of larger bars owes one: its grid in a calendar, and what is missing of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trading_assets.domain.bar import DAY, MINUTE, Gap, Timeframe
from trading_assets.domain.ids import Micros, Month
from trading_assets.market.sessions import Sessions

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class NativeGrid:
    """Bars of one size that are expected; int64 arrays of one length, ascending.

    Attributes:
        ts: open time as tables write it, in microseconds UTC: of a daily bar the midnight of its
            session's label.
        start: first instant of trading inside.
        end: first instant after it.
        minutes: of trading inside; a break is none.
    """

    ts: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    minutes: NDArray[np.int64]

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.ts)

    def of_gap(self, gap: Gap) -> NativeGrid:
        """Give the bars that a gap consists of."""
        return self.chosen((self.start >= gap.start) & (self.end <= gap.end + MINUTE))

    def around(self, gap: Gap) -> tuple[Micros, Micros]:
        """Give the open times of the bars before and after a gap, both inside the grid."""
        import numpy as np

        before = int(np.searchsorted(self.start, gap.start)) - 1
        after = int(np.searchsorted(self.end, gap.end + MINUTE, side="right"))
        return int(self.ts[before]), int(self.ts[after])

    def holds(self, ts: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell of each open time whether a bar is expected there."""
        import numpy as np

        return np.isin(ts, self.ts)

    def missing(
        self, ts: NDArray[np.int64], *, longest_silence_minutes: int = 0
    ) -> tuple[Gap, ...]:
        """List what is missing, in minutes of trading, as `market.gaps.gaps` does.

        So causes, confirmations and heat maps are the same for every size. What is missing over a
        close is two gaps.

        Args:
            ts: open times of the bars that are there, in any order.
            longest_silence_minutes: a shorter or equal absence is silence, no gap.
        """
        import numpy as np

        rows = np.flatnonzero(~np.isin(self.ts, ts))
        if not len(rows):
            return ()
        apart = (np.diff(rows) != 1) | (self.start[rows[1:]] != self.end[rows[:-1]])
        first, last = rows[np.r_[True, apart]], rows[np.r_[apart, True]]
        total = np.r_[0, np.cumsum(self.minutes)]
        return tuple(
            Gap(int(self.start[a]), int(self.end[b]) - MINUTE, minutes=int(total[b + 1] - total[a]))
            for a, b in zip(first, last, strict=True)
            if total[b + 1] - total[a] > longest_silence_minutes
        )

    def chosen(self, rows: NDArray[np.bool_]) -> NativeGrid:
        """Give some of the bars."""
        return NativeGrid(self.ts[rows], self.start[rows], self.end[rows], self.minutes[rows])


def native_grid(
    timeframe: Timeframe, start: Micros, end: Micros, sessions: Sessions | None
) -> NativeGrid:
    """List the bars with `ts` at or after `start` that have ended by `end`.

    They are those that `market.resample` would build of minutes: multiples of the size in UTC where
    the market never closes; else counted from each open, the last one of a session may be shorter,
    and a daily bar is a session.

    Raises:
        DataError: if `sessions` does not know the span.
    """
    if sessions is None or sessions.never_closes:
        grid = _of_utc(timeframe, start, end)
    else:
        sessions.require_known(start, max(start, end))
        grid = _days(sessions) if timeframe is Timeframe.D1 else _of_sessions(timeframe, sessions)
    return grid.chosen((grid.ts >= start) & (grid.end <= end))


def last_end(timeframe: Timeframe, month: Month, end: Micros, sessions: Sessions | None) -> Micros:
    """Give the end of the last bar that a month owes by `end`; its start if it owes none."""
    grid = native_grid(timeframe, month.start, end, sessions)
    return int(grid.end[-1]) if len(grid) else month.start


def _of_utc(timeframe: Timeframe, start: Micros, end: Micros) -> NativeGrid:
    import numpy as np

    size = timeframe.micros
    ts = np.arange(start + -start % size, max(start, end), size, dtype=np.int64)
    return NativeGrid(ts, ts, ts + size, np.full(len(ts), timeframe.minutes))


def _days(sessions: Sessions) -> NativeGrid:
    import numpy as np

    days, cuts = sessions.frame, sessions.stretches
    label = days["session"].to_physical().to_numpy().astype(np.int64) * DAY
    opens, closes = (days[n].to_physical().to_numpy().astype(np.int64) for n in ("open", "close"))
    minutes = np.bincount(cuts.row, (cuts.end - cuts.start) // MINUTE, days.height)
    return NativeGrid(label, opens, closes, minutes.astype(np.int64))


def _of_sessions(timeframe: Timeframe, sessions: Sessions) -> NativeGrid:
    import numpy as np

    cuts, size = sessions.stretches, timeframe.micros
    counts = -(-(cuts.end - cuts.start) // size)
    before = np.repeat(np.cumsum(counts) - counts, counts)
    ts = np.repeat(cuts.start, counts) + (np.arange(counts.sum()) - before) * size
    end = np.minimum(ts + size, np.repeat(cuts.end, counts))
    return NativeGrid(ts, ts, end, (end - ts) // MINUTE)
