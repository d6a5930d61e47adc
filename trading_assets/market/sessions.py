"""Trading sessions of a calendar: which minutes are expected, and where larger bars are cut."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month
from trading_assets.market.bar_frame import TS, instant, row_content_hash, row_text

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALWAYS_OPEN = "24/7"
"""The calendar of markets that never close; its sessions are the days of UTC."""

SESSIONS_SCHEMA = pl.Schema(
    {
        "session": pl.Date(),
        "open": TS,
        "close": TS,
        "break_start": TS,
        "break_end": TS,
        "early_close": pl.Boolean(),
    }
)
"""One row per session: its label, when trading starts (inclusive) and ends (exclusive), and the
break inside, null where there is none."""


@dataclass(frozen=True, slots=True)
class Session:
    """One session: label and instants; the break is None where there is none."""

    label: dt.date
    open: Micros
    close: Micros
    break_start: Micros | None
    break_end: Micros | None
    early_close: bool


@dataclass(frozen=True, slots=True)
class Stretches:
    """Trading without interruption; int64 arrays of one length, ascending.

    Attributes:
        start: first minute, in microseconds UTC.
        end: first instant after the last minute.
        row: row of the session in the table.
    """

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    row: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Sessions:
    """The sessions of one calendar over a span.

    Attributes:
        calendar: its name, such as `XNYS`.
        frame: SESSIONS_SCHEMA, ascending.
        start: from when on the table knows, a UTC midnight; asking for earlier is an error.
        end: until when it knows, exclusive, a UTC midnight.
    """

    calendar: str
    frame: pl.DataFrame
    start: Micros
    end: Micros

    def __post_init__(self) -> None:
        """Refuse a table that bars could not be cut by.

        Besides order and whole minutes two rules make larger bars causal and months independent:
        a session ends within the 24 hours after its label's midnight, and no bucket of up to an
        hour lies across a midnight.

        Raises:
            DataError: naming the rule and the first session that breaks it.
        """
        if self.frame.schema != SESSIONS_SCHEMA:
            raise DataError(
                f"Sessions of {self.calendar} have the wrong columns",
                expected=", ".join(SESSIONS_SCHEMA),
                found=", ".join(self.frame.columns),
            )
        for text, ok in _rules().items():
            bad = (~self.frame.select(ok).to_series().fill_null(value=False)).arg_true()
            if len(bad):
                raise self._bad(text, bad[0])
        across = _lies_across_midnight(self.stretches)
        if across is not None:
            raise self._bad("an hourly bar would lie across a midnight of UTC", across)

    @property
    def never_closes(self) -> bool:
        """Whether every minute is expected."""
        return self.calendar == ALWAYS_OPEN

    @cached_property
    def stretches(self) -> Stretches:
        """Trading between opens, breaks and closes: what bars must not lie across."""
        import numpy as np

        opens, closes, pauses, resumes = (
            self.frame[name].to_physical().to_numpy()
            for name in ("open", "close", "break_start", "break_end")
        )
        row = np.arange(self.frame.height)
        broken = self.frame["break_start"].is_not_null().to_numpy()
        start = np.concatenate([opens, resumes[broken]]).astype(np.int64)
        end = np.concatenate([np.where(broken, pauses, closes), closes[broken]]).astype(np.int64)
        order = np.argsort(start)
        return Stretches(start[order], end[order], np.concatenate([row, row[broken]])[order])

    @cached_property
    def joined_stretches(self) -> Stretches:
        """The same, joined where one session begins as the other ends: what gaps are cut by."""
        import numpy as np

        alone = self.stretches
        first = np.concatenate([[True], alone.start[1:] != alone.end[:-1]])[: len(alone.start)]
        last = np.concatenate([first[1:], [True]])[: len(alone.start)]
        return Stretches(alone.start[first], alone.end[last], alone.row[first])

    def session_of(self, ts: Micros) -> Session | None:
        """Give the session that an instant lies in, its break included; None between sessions."""
        self.require_known(ts, ts)
        row = self._row_before(ts)
        return None if row is None or self._session(row).close <= ts else self._session(row)

    def is_open(self, ts: Micros) -> bool:
        """Tell whether there is trading at an instant."""
        self.require_known(ts, ts)
        return bool(self.stretch_of(_one(ts))[0] >= 0)

    def next_open(self, ts: Micros) -> Micros:
        """Give the first instant at or after `ts` at which trading starts, also after a break."""
        self.require_known(ts, ts)
        return self._next(self.joined_stretches.start, ts)

    def next_close(self, ts: Micros) -> Micros:
        """Give the first instant after `ts` at which trading stops, also for a break."""
        self.require_known(ts, ts)
        return self._next(self.joined_stretches.end, ts + 1)

    def next_bucket(self, ts: Micros, size: Micros) -> Micros:
        """Give the first instant after `ts` at which a bar of a size begins.

        Bars count from the start of each stretch of trading, as `resample` cuts them.
        """
        self.require_known(ts, ts)
        at = int(self.stretch_of(_one(ts))[0])
        if at >= 0:
            start, end = int(self.stretches.start[at]), int(self.stretches.end[at])
            following = ts + size - (ts - start) % size
            if following < end:
                return following
        return self._next(self.stretches.start, ts + 1)

    def expected_minutes(self, start: Micros, end: Micros) -> int:
        """Count the minutes with open time in [start, end) that a bar is expected for."""
        import numpy as np

        self.require_known(start, end)
        first, last = start + -start % MINUTE, end + -end % MINUTE
        spans = np.minimum(self.stretches.end, last) - np.maximum(self.stretches.start, first)
        return int(np.clip(spans, 0, None).sum()) // MINUTE

    def minutes(self, start: Micros, end: Micros) -> NDArray[np.int64]:
        """List the open times of these minutes."""
        import numpy as np

        self.require_known(start, end)
        inside = self.clipped(start, end)
        counts = (inside.end - inside.start) // MINUTE
        before = np.repeat(np.cumsum(counts) - counts, counts)
        steps = np.arange(counts.sum()) - before
        minutes: NDArray[np.int64] = np.repeat(inside.start, counts) + steps * MINUTE
        return minutes

    def clipped(self, start: Micros, end: Micros) -> Stretches:
        """Give the joined stretches as far as they lie in [start, end)."""
        import numpy as np

        whole = self.joined_stretches
        first = np.maximum(whole.start, start + -start % MINUTE)
        last = np.minimum(whole.end, end + -end % MINUTE)
        some = last > first
        return Stretches(first[some], last[some], whole.row[some])

    def stretch_of(self, ts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the index of the stretch that each instant lies in, -1 outside of trading."""
        import numpy as np

        at = np.searchsorted(self.stretches.start, ts, side="right") - 1
        ends = np.concatenate([self.stretches.end, [0]])  # an end of -1, before all opens
        return np.where(ts < ends[at], at, -1)

    def stretch_at(self, ts: Micros) -> tuple[Micros, Micros] | None:
        """Give start and end of the stretch of trading that an instant lies in; None outside."""
        self.require_known(ts, ts)
        at = int(self.stretch_of(_one(ts))[0])
        return None if at < 0 else (int(self.stretches.start[at]), int(self.stretches.end[at]))

    def inside(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Keep the rows whose `ts` lies in a session and not in its break.

        Raises:
            DataError: if the table does not know the span of the rows.
        """
        ts = frame["ts"].to_physical().to_numpy()
        if len(ts):
            self.require_known(int(ts.min()), int(ts.max()) + MINUTE)
        return frame.filter(pl.Series(self.stretch_of(ts) >= 0))

    def cut(self, start: Micros, end: Micros) -> Sessions:
        """Give the sessions that touch [start, end)."""
        self.require_known(start, end)
        rows = self.frame.filter(
            (pl.col("open") < instant(end)) & (pl.col("close") > instant(start))
        )
        return Sessions(self.calendar, rows, start - start % DAY, end + -end % DAY)

    def version_of_month(self, month: Month) -> str:
        """Hash what the bars of a month depend on: the sessions that touch it or bear its label.

        Sessions of other months may come or change without changing it.
        """
        self.require_known(month.start, month.end)
        labels = (
            pl.col("session")
            .cast(TS)
            .is_between(instant(month.start), instant(month.end), closed="left")
        )
        touch = (pl.col("open") < instant(month.end)) & (pl.col("close") > instant(month.start))
        return row_content_hash(self.frame.filter(labels | touch))

    def require_known(self, start: Micros, end: Micros) -> None:
        """Refuse a span that the table does not know: "closed" would be a guess.

        Raises:
            DataError: naming both spans.
        """
        if start < self.start or end > self.end:
            raise DataError(
                f"Calendar {self.calendar} does not know this span",
                expected=f"instants in {_text(self.start)} to {_text(self.end)}",
                found=f"{_text(start)} to {_text(end)}",
                fix="Extend it with `trading-assets data calendars`.",
            )

    def _row_before(self, ts: Micros) -> int | None:
        row = int(self.frame["open"].search_sorted(_datetime(ts), side="right")) - 1
        return row if row >= 0 else None

    def _session(self, row: int) -> Session:
        label, *instants, early_close = self.frame.row(row)
        micros = [None if moment is None else _micros(moment) for moment in instants]
        start, end, pause, resume = micros
        assert start is not None and end is not None  # noqa: PT018, S101 - the schema's rules
        return Session(label, start, end, pause, resume, early_close)

    def _next(self, instants: NDArray[np.int64], ts: Micros) -> Micros:
        import numpy as np

        at = int(np.searchsorted(instants, ts))
        if at == len(instants):
            self.require_known(ts, self.end + 1)
        return int(instants[at])

    def _bad(self, text: str, row: int) -> DataError:
        return DataError(f"Sessions of {self.calendar}: {text}", found=row_text(self.frame, row))


def _rules() -> dict[str, pl.Expr]:
    """Give what must hold for every row, by what is wrong when it does not."""
    opens, closes = pl.col("open"), pl.col("close")
    pause, resume = pl.col("break_start"), pl.col("break_end")
    midnight = pl.col("session").cast(TS)
    day = pl.duration(days=1)
    whole = pl.all_horizontal(
        (pl.col(name).dt.epoch("us") % MINUTE == 0).fill_null(value=True)
        for name in ("open", "close", "break_start", "break_end")
    )
    return {
        "a value is missing": pl.all_horizontal(
            pl.col("session", "open", "close", "early_close").is_not_null()
        ),
        "labels do not increase": (pl.col("session").diff() > pl.duration()).fill_null(value=True),
        "it does not end after it opens": opens < closes,
        "it opens before the one before has closed": (opens >= closes.shift()).fill_null(
            value=True
        ),
        "an instant is not a whole minute": whole,
        "the break is not inside": (pause.is_null() & resume.is_null())
        | ((opens < pause) & (pause < resume) & (resume < closes)).fill_null(value=False),
        "it opens earlier than the day before its label": opens >= midnight - day,
        "it closes later than the day of its label": closes <= midnight + day,
    }


def _lies_across_midnight(stretches: Stretches) -> int | None:
    """Give the row of the first stretch that a midnight would cut inside an hourly bar."""
    import numpy as np

    midnight = stretches.start + -stretches.start % DAY
    inside = (stretches.start < midnight) & (midnight < stretches.end)
    bad = np.flatnonzero(inside & ((midnight - stretches.start) % Timeframe.H1.micros != 0))
    return int(stretches.row[bad[0]]) if len(bad) else None


def always_open(start: Micros, end: Micros) -> Sessions:
    """Give the days of UTC that touch [start, end), as sessions of the calendar 24/7."""
    start, end = start - start % DAY, end + -end % DAY
    days = pl.int_range(start, end, DAY, eager=True).cast(TS)
    nothing = pl.lit(None, dtype=TS)
    frame = pl.DataFrame({"open": days}).select(
        pl.col("open").dt.date().alias("session"),
        "open",
        (pl.col("open") + pl.duration(days=1)).alias("close"),
        nothing.alias("break_start"),
        nothing.alias("break_end"),
        pl.lit(value=False).alias("early_close"),
    )
    return Sessions(ALWAYS_OPEN, frame, start, end)


def _one(ts: Micros) -> NDArray[np.int64]:
    import numpy as np

    return np.array([ts], dtype=np.int64)


def _micros(moment: Any) -> Micros:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return int((moment - epoch) / dt.timedelta(microseconds=1))


def _datetime(ts: Micros) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=ts)


def _text(ts: Micros) -> str:
    return f"{_datetime(ts):%Y-%m-%d %H:%M}"
