"""Freeze the sessions of the desk's calendars, so that no library can rewrite the past."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConflictError, DataError
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash
from trading_assets.market.bar_frame import row_text
from trading_assets.market.calendars import build_sessions, origin
from trading_assets.market.market_clock import MarketClock
from trading_assets.market.sessions import ALWAYS_OPEN, Sessions, always_open
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.published import Published

CALENDARS_TABLE = "calendars"
_CODE_VERSION = "1"
_KNOWN_AHEAD = 40 * DAY
_EPOCH = dt.date(1970, 1, 1)


def sessions_table(calendar: str) -> str:
    """Give the table of a calendar, such as `sessions_xnys`."""
    return f"sessions_{calendar.lower().replace('/', '_')}"


def session_calendars(desk: Desk) -> tuple[str, ...]:
    """List the calendars of the desk's symbols that have closes; 24/7 needs no table."""
    settings = desk.settings
    calendars = {settings.calendar_of(symbol) for symbol in settings.symbols}
    return tuple(sorted(calendars - {ALWAYS_OPEN}))


def freeze_calendars(desk: Desk, *, refreeze: bool = False) -> tuple[Published, ...]:
    """Bring the table of every calendar of the desk up to date.

    Raises:
        DataError: as `freeze_calendar` does.
        ConfigurationError: if a symbol's calendar does not exist.
    """
    return tuple(
        freeze_calendar(desk, calendar, refreeze=refreeze) for calendar in session_calendars(desk)
    )


def freeze_calendar(desk: Desk, calendar: str, *, refreeze: bool = False) -> Published:
    """Publish the sessions from a year before history to the end of next year.

    Whole years, so that the table changes once a year. Sessions that lie ahead follow the library;
    those that have closed stay as they were frozen.

    Args:
        desk: whose tables and clock.
        calendar: one with closes.
        refreeze: take the library's word for the past, too; bars are then made anew.

    Raises:
        DataError: if the library now says something else of a session that has closed.
        ConflictError: if another run has frozen it meanwhile.
        ConfigurationError: if there is no such calendar.
    """
    table = sessions_table(calendar)
    now = desk.clock.now()
    first = dt.date(desk.settings.first_month.year - 1, 1, 1)
    last = dt.date(Month.of(now).year + 1, 12, 31)
    frozen = desk.tables.current(table, None, None)
    if frozen is not None:
        first = min(first, _date(frozen.extra["start"]))
        last = max(last, _date(frozen.extra["end"] - DAY))
    built = build_sessions(calendar, first, last)
    if frozen is not None and not refreeze:
        _require_same_past(_read(desk, frozen), built, min(now, frozen.extra["end"]))
    manifest, changed = desk.tables.publish(
        table,
        None,
        None,
        built.frame,
        code_version=_CODE_VERSION,
        parents={},
        extra={
            "calendar": calendar,
            "origin": origin(calendar),
            "start": built.start,
            "end": built.end,
        },
    )
    return Published(
        table=table,
        symbol=None,
        month=None,
        version=manifest.version,
        rows=manifest.rows,
        changed=changed,
        metadata={
            "calendar": calendar,
            "origin": origin(calendar),
            "first": f"{first}",
            "last": f"{last}",
            "early_closes": built.frame["early_close"].sum(),
            "manifest": manifest.n,
        },
    )


def sessions_for(desk: Desk, calendar: str) -> Sessions:
    """Give the frozen sessions of a calendar; freeze them first when they do not reach far enough.

    Nothing else reads a calendar: history, gaps, larger bars and the market clock share this table.

    Raises:
        DataError: if they must be extended and the library now tells another past.
        CorruptFile: if the table's file is damaged.
    """
    if calendar == ALWAYS_OPEN:
        start = desk.settings.first_month.shift(-12).start
        return always_open(start, Month.of(desk.clock.now()).shift(13).start)
    manifest = desk.tables.current(sessions_table(calendar), None, None)
    if manifest is None or not _reaches(desk, manifest):
        # Another run of the same backfill may freeze the same sessions at the same moment.
        with suppress(ConflictError):
            freeze_calendar(desk, calendar)
        manifest = desk.tables.require(sessions_table(calendar), None, None)
    return _read(desk, manifest)


def sessions_of_symbol(desk: Desk, symbol: Symbol) -> Sessions | None:
    """Give the frozen sessions of a symbol's calendar; None when its market never closes."""
    calendar = desk.settings.calendar_of(symbol)
    return None if calendar == ALWAYS_OPEN else sessions_for(desk, calendar)


def market_clock(desk: Desk, symbol: Symbol, *, bar_seconds: int = 60) -> MarketClock:
    """Give the clock of a symbol's market: the desk's clock, and the sessions of history.

    Raises:
        DataError: as `sessions_for` does.
    """
    return MarketClock(
        desk.settings.calendar_of(symbol),
        bar_seconds,
        clock=desk.clock,
        sessions=sessions_of_symbol(desk, symbol),
    )


def expected_rows(desk: Desk, symbol: Symbol, frame: pl.DataFrame) -> pl.DataFrame:
    """Keep the minutes inside the sessions of a symbol's calendar: the filter of history and live.

    Raises:
        DataError: if the calendar does not know their span.
    """
    sessions = sessions_of_symbol(desk, symbol)
    return frame if sessions is None else sessions.inside(frame)


def sessions_parent(sessions: Sessions, month: Month) -> dict[str, str]:
    """Name the sessions of a month as a parent of its bars: only those that bear on them."""
    return {f"{sessions_table(sessions.calendar)}/{month}": sessions.version_of_month(month)}


def calendar_month(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Tell which sessions the bars of a month stand on; the version is the hash of those alone.

    So the bars of a month are stale when its own sessions change, never because a year was added.

    Raises:
        DataError: as `sessions_for` does.
    """
    sessions = sessions_of_symbol(desk, symbol)
    if sessions is None:
        return Published(
            CALENDARS_TABLE,
            symbol,
            month,
            version=content_hash(ALWAYS_OPEN),
            rows=month.days,
            changed=False,
            metadata={"calendar": ALWAYS_OPEN},
        )
    inside = sessions.cut(month.start, month.end)
    manifest = desk.tables.require(sessions_table(sessions.calendar), None, None)
    return Published(
        CALENDARS_TABLE,
        symbol,
        month,
        version=sessions.version_of_month(month),
        rows=inside.frame.height,
        changed=False,
        parents={manifest.address: manifest.version},
        metadata={
            "calendar": sessions.calendar,
            "origin": manifest.extra["origin"],
            "expected_minutes": sessions.expected_minutes(month.start, month.end),
            "early_closes": [f"{label}" for label in inside.frame.filter("early_close")["session"]],
        },
    )


def _reaches(desk: Desk, manifest: Manifest) -> bool:
    """Tell whether a table covers history, and some weeks ahead."""
    is_old_enough = manifest.extra["start"] <= desk.settings.first_month.shift(-1).start
    return is_old_enough and bool(manifest.extra["end"] >= desk.clock.now() + _KNOWN_AHEAD)


def _read(desk: Desk, manifest: Manifest) -> Sessions:
    facts = manifest.extra
    frame = desk.tables.read_manifest(manifest)
    return Sessions(facts["calendar"], frame, facts["start"], facts["end"])


def _require_same_past(frozen: Sessions, built: Sessions, now: Micros) -> None:
    """Refuse a build that tells another past than the frozen table.

    Raises:
        DataError: naming the first session that differs, as it was and as it would be.
    """
    old, new = (
        s.frame.filter(
            pl.col("session").is_between(_date(frozen.start), _date(frozen.end), closed="left")
        )
        for s in (frozen, built)
    )
    ended = pl.col("close").dt.epoch("us") <= now
    differing = pl.concat([old.filter(ended), new.filter(ended)])
    differing = differing.filter(~differing.is_duplicated()).sort("session")
    if differing.is_empty():
        return
    label = differing["session"][0]
    was, would_be = (
        _session_text(frame.filter(pl.col("session") == label)) for frame in (old, new)
    )
    raise DataError(
        f"Calendar {frozen.calendar} now tells another past: session {label}",
        expected=f"as frozen: {was}",
        found=f"{origin(frozen.calendar)}: {would_be}",
        fix="Nothing was changed. If the new one is right, run `trading-assets data calendars "
        "--refreeze`; the bars of these months are then made anew.",
    )


def _session_text(rows: pl.DataFrame) -> str:
    return row_text(rows, 0) if rows.height else "no session"


def _date(ts: Micros) -> dt.date:
    return _EPOCH + dt.timedelta(days=ts // DAY)
