"""Build the larger bars of one month from its one-minute bars, cut by its sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from trading_assets.domain.bar import Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.bar_frame import between, validate_bars
from trading_assets.market.gaps import gaps
from trading_assets.market.resample import resample
from trading_assets.market.sessions import Sessions
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol, sessions_parent
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.market_tables import (
    CODE_VERSION,
    bars_table,
    published_from_manifest,
)
from trading_assets.workflows.native_bars import larger_of_native
from trading_assets.workflows.native_tables import native_size
from trading_assets.workflows.published import Published

Rows = Callable[[Manifest], pl.DataFrame]
"""Gives the proven rows of a version."""


def resample_month(
    desk: Desk, symbol: Symbol, month: Month, timeframe: Timeframe, *, rows: Rows | None = None
) -> Published:
    """Publish the bars of a size, such as `bars_1h`; buckets that have not ended are left out.

    Of a source of larger bars they are made of those, and empty where they would be smaller.

    A bar belongs to the month of its `ts`; the daily bar of a session that opens on the evening
    before the month needs the minutes of the month before, where they are there.

    Args:
        desk: where to read from and to publish.
        symbol: whose bars they are.
        month: of the bars.
        timeframe: their size.
        rows: how minutes are read, when several sizes are made of the same; from the store if not.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if the one-minute bars are not there.
        CorruptFile: if their file is damaged.
        DataError: if `timeframe` is one minute, or the calendar tells another past than before.
    """
    if timeframe is Timeframe.M1:
        raise DataError("One-minute bars are not resampled", expected="a larger size", found="1m")
    require_traded(desk.settings, symbol, month)
    minutes = desk.tables.require(bars_table(Timeframe.M1), symbol, month)
    sessions = sessions_of_symbol(desk, symbol)
    inputs = [*_evening_before(desk, sessions, minutes, month, timeframe), minutes]
    parents = {each.address: each.version for each in inputs}
    if sessions is not None:
        parents |= sessions_parent(sessions, month)
    table = bars_table(timeframe)
    manifest = desk.tables.standing(
        table, symbol, month, code_version=CODE_VERSION, parents=parents
    )
    changed = False
    end = minutes.extra["expected_end"]
    if manifest is None or (manifest.extra["expected_end"], manifest.gaps) != (end, minutes.gaps):
        if native_size(minutes) is not None:
            bars, facts = larger_of_native(desk, inputs, timeframe, sessions)
        else:
            frame = pl.concat((rows or desk.tables.read_manifest)(each) for each in inputs)
            bars = _resampled(desk, frame, symbol, month, timeframe, sessions, end)
            facts = _left_out(frame, sessions, month)
        manifest, changed = desk.tables.publish(
            table,
            symbol,
            month,
            bars,
            code_version=CODE_VERSION,
            parents=parents,
            gaps=minutes.gaps,
            extra={
                "source": minutes.extra["source"],
                "expected_end": end,
                "incomplete": bars.height - int(bars["complete"].sum()),
                **facts,
            },
        )
    told = {name: manifest.extra[name] for name in _TOLD if name in manifest.extra}
    return published_from_manifest(desk.tables, manifest, changed=changed, **told)


_TOLD = ("native", "empty_because", "incomplete", "calendar", "outside_sessions")


def _evening_before(
    desk: Desk,
    sessions: Sessions | None,
    minutes: Manifest,
    month: Month,
    timeframe: Timeframe,
) -> tuple[Manifest, ...]:
    """Give the minutes of the month before, if the month's first session began in it."""
    if sessions is None or timeframe is not Timeframe.D1:
        return ()
    first = sessions.session_of(month.start)
    if first is None or first.open >= month.start:
        return ()
    before = desk.tables.current(minutes.table, minutes.symbol, month.shift(-1))
    if before is None or native_size(before) is not native_size(minutes):
        return ()
    return (before,)


def _resampled(
    desk: Desk,
    frame: pl.DataFrame,
    symbol: Symbol,
    month: Month,
    timeframe: Timeframe,
    sessions: Sessions | None,
    end: Micros,
) -> pl.DataFrame:
    start = (month.shift(-1) if timeframe is Timeframe.D1 else month).start
    holes = _holes(desk, frame, symbol, sessions, start, end)
    bars = resample(frame, timeframe, now=end, sessions=sessions, holes=holes)
    bars = bars.filter(between(month.start, month.end))
    validate_bars(bars, symbol, timeframe, grid=None if sessions is None else Timeframe.M1)
    return bars


def _holes(
    desk: Desk,
    frame: pl.DataFrame,
    symbol: Symbol,
    sessions: Sessions | None,
    start: Micros,
    end: Micros,
) -> tuple[Gap, ...] | None:
    """List what is missing where silence has no bar; None where every minute has one.

    The first session counts from its open, but not from before `start`.
    """
    traits = traits_of_symbol(desk.settings, symbol)
    if traits.silent_minutes == "bars" or frame.is_empty():
        return None
    first = int(frame["ts"].to_physical()[0])
    opened = sessions.session_of(first) if sessions is not None else None
    return gaps(
        frame,
        first if opened is None else max(opened.open, start),
        end,
        sessions=sessions,
        longest_silence_minutes=traits.longest_silence_minutes,
    )


def _left_out(frame: pl.DataFrame, sessions: Sessions | None, month: Month) -> dict[str, Any]:
    """Count the minutes of the month that are in no session: pre-market, post-market."""
    if sessions is None:
        return {}
    own = frame.filter(between(month.start, month.end))
    outside = own.height - sessions.inside(own).height
    return {"calendar": sessions.calendar, "outside_sessions": outside}
