"""The bars that a live decision looked at: as the book saw them, and as the tables have them now.

A book sees bars through its feed and never through tables. What it saw since it began stands in its
journal; what it read before that, the history behind its first bar, was kept by nobody and is taken
from the tables. Both are laid side by side where both are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from trading_assets.domain.bar import Bar, Timeframe, minute_text
from trading_assets.domain.errors import DataError, VenueError
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.live.feed import bars_from_frame
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, between, with_minutes_inside
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.frame_span import reach
from trading_assets.workflows.market_tables import bars_table, is_of_own_source
from trading_assets.workflows.minutes import read_minutes
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.trace_journal import SeenBar


@dataclass(frozen=True, slots=True)
class MonthOfBars:
    """One month of what a decision looked at.

    Attributes:
        manifest: of the partition that has all of it; None where the tables end before.
        rows: as the tables, or else the history source, have them now; None where neither does.
        why: neither has them, "" when one does.
        seen: recorded bars of it.
        taken: bars from before the book's first one, which nobody recorded.
        lacks: whether such bars are needed and cannot be had.
        differing: recorded bars that are others now, or that only one side has; in words.
    """

    month: Month
    manifest: Manifest | None
    rows: pl.DataFrame | None
    why: str
    seen: int
    taken: int
    lacks: bool
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """The frame of one symbol under a decision.

    Attributes:
        rows: RESAMPLED_SCHEMA, ascending: recorded bars, and before them those of the tables.
    """

    rows: pl.DataFrame
    months: tuple[MonthOfBars, ...]

    @property
    def gap(self) -> str:
        """Why history is missing that nobody recorded, "" when it is there."""
        return next((each.why for each in self.months if each.lacks), "")


class FrameReader:
    """Reads such frames of one release; each partition is decoded once, each source asked once."""

    def __init__(
        self,
        desk: Desk,
        proofs: Provenance,
        timeframe: Timeframe,
        pinned: Mapping[str, str],
        sessions: Mapping[Symbol, Sessions],
    ) -> None:
        """Begin without frames.

        Args:
            desk: holds tables and the history source.
            proofs: finds versions.
            timeframe: of the release's bars.
            pinned: versions that the release names, by address; others are taken as they are now.
            sessions: of symbols whose markets close.
        """
        self._desk, self._proofs, self._timeframe = desk, proofs, timeframe
        self._pinned, self._sessions = pinned, sessions
        self._decoded: dict[tuple[str, str], pl.DataFrame] = {}
        self._asked: dict[tuple[Symbol, Micros, Micros], pl.DataFrame | str] = {}

    def manifests(self, symbol: Symbol, start: Micros, end: Micros) -> Mapping[Month, Manifest]:
        """Find the partitions of the frame in [start, end); a month that tables lack is left out.

        Raises:
            CorruptFile: if a manifest is damaged.
        """
        months = months_between(Month.of(start), Month.of(end - 1))
        found = {m: self._manifest(symbol, m, min(end, m.end)) for m in months}
        return {month: manifest for month, manifest in found.items() if manifest is not None}

    def read(
        self, symbol: Symbol, seen: Mapping[Micros, SeenBar], start: Micros, end: Micros
    ) -> SeenFrame:
        """Give the bars of a symbol with open time in [start, end).

        Args:
            symbol: whose bars.
            seen: all that the book recorded of it, ascending.
            start: first bar that the decision may depend on.
            end: behind the bar that it was decided on.

        Raises:
            CorruptFile: if a partition of it is damaged.
        """
        began = next(iter(seen), end)
        manifests = self.manifests(symbol, start, end)
        months = tuple(
            self._month(
                symbol, month, manifests.get(month), seen,
                max(start, month.start), min(end, month.end), began,
            )
            for month in months_between(Month.of(start), Month.of(end - 1))
        )  # fmt: skip
        inside = [item for ts, item in seen.items() if start <= ts < end]
        published = [each.rows for each in months if each.rows is not None]
        now = pl.concat(published) if published else pl.DataFrame(schema=RESAMPLED_SCHEMA)
        before = now.filter(between(start, min(began, end)))
        return SeenFrame(pl.concat([before, self._recorded(inside, now)]), months)

    def _month(
        self,
        symbol: Symbol,
        month: Month,
        manifest: Manifest | None,
        seen: Mapping[Micros, SeenBar],
        start: Micros,
        end: Micros,
        began: Micros,
    ) -> MonthOfBars:
        live = {ts: item.bar for ts, item in seen.items() if start <= ts < end}
        rows, why = self._rows(manifest, symbol, start, end, seen)
        if rows is None:
            return MonthOfBars(month, None, None, why, len(live), 0, start < began, ())
        now = bars_from_frame(rows)
        since = {ts: bar for ts, bar in now.items() if ts >= began}
        differing = tuple(_differences(live, since))
        taken = len(now) - len(since)
        return MonthOfBars(month, manifest, rows, "", len(live), taken, False, differing)

    def _manifest(self, symbol: Symbol, month: Month, end: Micros) -> Manifest | None:
        """Give the version that the release names, or else the current one, if it goes so far."""
        table, tables = bars_table(self._timeframe), self._desk.tables
        current = tables.current(table, symbol, month)
        if current is None:
            return None
        version = self._pinned.get(current.address, "")
        pinned = self._proofs.manifest((current.address, version)) if version else None
        for found in filter(None, (pinned, current)):
            if reach(found, self._timeframe) >= end and is_of_own_source(
                self._desk.settings, found
            ):
                return found
        return None

    def _rows(
        self,
        manifest: Manifest | None,
        symbol: Symbol,
        start: Micros,
        end: Micros,
        seen: Mapping[Micros, SeenBar],
    ) -> tuple[pl.DataFrame | None, str]:
        """Give the rows in [start, end), or why neither tables nor source have them."""
        span = between(start, end)
        if manifest is not None:
            return self._of_tables(manifest).filter(span), ""
        latest = max(seen, default=0) + self._timeframe.micros
        until = max(end, min(Month.of(start).end, latest))
        found = self._of_source(symbol, start, until)
        return (None, found) if isinstance(found, str) else (found.filter(span), "")

    def _of_tables(self, manifest: Manifest) -> pl.DataFrame:
        key = (manifest.address, manifest.version)
        if key not in self._decoded:
            rows = self._desk.tables.read_manifest(manifest)
            is_minutes = self._timeframe is Timeframe.M1
            self._decoded[key] = with_minutes_inside(rows) if is_minutes else rows
        return self._decoded[key]

    def _of_source(self, symbol: Symbol, start: Micros, end: Micros) -> pl.DataFrame | str:
        key = (symbol, start, end)
        if key not in self._asked:
            try:
                minutes = read_minutes(self._desk, [symbol], start, end)[symbol]
            except (DataError, VenueError) as error:
                self._asked[key] = f"neither tables nor source have it: {error.what}"
            else:
                sessions = self._sessions.get(symbol)
                self._asked[key] = resample(minutes, self._timeframe, sessions=sessions)
        return self._asked[key]

    def _recorded(self, seen: Sequence[SeenBar], now: pl.DataFrame) -> pl.DataFrame:
        """Lay recorded bars out as the signals saw them.

        A journal does not say how many minutes a bar has: the tables do, or a whole one has all.
        """
        minutes = dict(zip(now["ts"].to_physical().to_list(), now["n_minutes"], strict=True))
        whole = self._timeframe.micros // Timeframe.M1.micros
        rows = [
            (
                item.bar.ts, item.bar.symbol, item.bar.open, item.bar.high, item.bar.low,
                item.bar.close, item.bar.volume, item.bar.quote_volume, item.bar.n_trades, "venue",
                minutes.get(item.bar.ts, whole if item.is_complete else None), item.is_complete,
            )
            for item in seen
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=RESAMPLED_SCHEMA, orient="row")


def _differences(live: Mapping[Micros, Bar], now: Mapping[Micros, Bar]) -> list[str]:
    found = []
    for ts in sorted({*live, *now}):
        one, other = live.get(ts), now.get(ts)
        if one != other:
            found.append(f"{minute_text(ts)}: live {one or 'no bar'}, now {other or 'no bar'}")
    return found
