"""Trading calendars by name: their sessions, built from rules and from exchange_calendars."""

from __future__ import annotations

import datetime as dt
import re
import warnings
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from zoneinfo import ZoneInfo

import polars as pl

from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.market.sessions import (
    ALWAYS_OPEN,
    SESSIONS_SCHEMA,
    Sessions,
    always_open,
)

_RULES_VERSION = "1"
"""Raise it whenever an own rule gives other sessions."""

_FX = ("24x5", "FX")
_CME = ("CME", "CME_FX")
_EXCHANGE = re.compile(r"X[A-Z]{3}")
_NEW_YORK, _CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
_FRIDAY, _SATURDAY = 4, 5
_CURRENCIES_STAY_OPEN_SINCE = dt.date(2022, 1, 1)

Row = tuple[
    dt.date, dt.datetime | None, dt.datetime | None, dt.datetime | None, dt.datetime | None, bool
]
"""As in SESSIONS_SCHEMA, which refuses what must not be missing."""


def build_sessions(calendar: str, first: dt.date, last: dt.date) -> Sessions:
    """Build the sessions with labels from `first` to `last`, both inclusive.

    - `24/7`: the days of UTC.
    - `24x5`, also called `FX`: spot currencies, from Sunday 17:00 to Friday 17:00 New York. A
      session ends at 17:00 New York and bears the date on which it ends. There are no holidays:
      what venues leave out at Christmas shows as a gap.
    - `CME`: stock index futures, 17:00 to 16:00 Chicago with the hour's break in between. Holidays
      and early closes are those of exchange_calendars' CMES, which knows neither those of
      Juneteenth and July 3 nor the morning of Good Friday; the day after Thanksgiving and Christmas
      Eve end at 12:15. The hours are today's; until 2015-09-18 trading went on to 16:15.
    - `CME_FX`: currency futures such as 6E. The same hours, but since 2022 the other early closes
      of stocks do not shorten their day.
    - `XNYS`, `XNAS` and every other exchange that exchange_calendars knows by such a code.

    Args:
        calendar: its name.
        first: label of the first session.
        last: label of the last one.

    Returns:
        Sessions that know the days from `first` to `last`.

    Raises:
        ConfigurationError: if there is no such calendar.
    """
    start, end = _midnight(first), _midnight(last) + DAY
    if calendar == ALWAYS_OPEN:
        return always_open(start, end)
    if calendar in _FX:
        rows = _fx_rows(first, last)
    elif calendar in _CME:
        rows = _cme_rows(_library_rows("CMES", first, last), only_currencies=calendar == "CME_FX")
    else:
        rows = iter(_library_rows(_known(calendar), first, last))
    frame = pl.DataFrame(list(rows), schema=SESSIONS_SCHEMA, orient="row")
    return Sessions(calendar, frame, start, end)


def origin(calendar: str) -> str:
    """Give the name and version of what the sessions of a calendar come from."""
    if calendar == ALWAYS_OPEN or calendar in _FX:
        return f"trading_assets rules {_RULES_VERSION}"
    library = f"exchange_calendars {version('exchange_calendars')}"
    own = f", trading_assets rules {_RULES_VERSION}" if calendar in _CME else ""
    return library + own


def _known(calendar: str) -> str:
    import exchange_calendars

    if not _EXCHANGE.fullmatch(calendar) or calendar not in exchange_calendars.get_calendar_names():
        raise ConfigurationError(
            "There is no such calendar",
            expected=f"{', '.join((ALWAYS_OPEN, *_FX, *_CME))}, or the code of an exchange "
            "that exchange_calendars knows, such as XNYS",
            found=repr(calendar)[:80],
            fix="Correct `calendar` in [instruments.<SYMBOL>].",
        )
    return calendar


def _library_rows(code: str, first: dt.date, last: dt.date) -> list[Row]:
    """Give the sessions of exchange_calendars as plain values."""
    import exchange_calendars
    import pandas

    def moment(stamp: pandas.Timestamp) -> dt.datetime | None:
        return None if pandas.isna(stamp) else stamp.to_pydatetime()

    # The library wants a day more than is asked for where the span begins or ends on a holiday.
    margin = dt.timedelta(days=10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # pandas' words to the library
        calendar = exchange_calendars.get_calendar(
            code, start=str(first - margin), end=str(last + margin)
        )
        early = {stamp.date() for stamp in calendar.early_closes}
    schedule = calendar.schedule.loc[str(first) : str(last)]
    columns = [schedule[name] for name in ("open", "close", "break_start", "break_end")]
    return [
        (
            label.date(),
            moment(opens),
            moment(closes),
            moment(pause),
            moment(resume),
            label.date() in early,
        )
        for label, opens, closes, pause, resume in zip(schedule.index, *columns, strict=True)
    ]


def _cme_rows(rows: Iterable[Row], *, only_currencies: bool) -> Iterator[Row]:
    """Put the daily break in, since CMES has sessions of 24 hours; correct its early closes."""
    for label, opens, closes, *_, early in rows:
        ends: dt.datetime | None = closes
        is_early = early
        if label.month == 12 or (label.month == 11 and label.weekday() == _FRIDAY):
            ends = _at(label, dt.time(12, 15), _CHICAGO)
        elif only_currencies and label >= _CURRENCIES_STAY_OPEN_SINCE:
            is_early = False
        if not is_early:
            ends = _at(label, dt.time(16), _CHICAGO)
        yield label, opens, ends, None, None, is_early


def _fx_rows(first: dt.date, last: dt.date) -> Iterator[Row]:
    day = dt.timedelta(days=1)
    for number in range((last - first).days + 1):
        label = first + number * day
        if label.weekday() < _SATURDAY:
            close = dt.time(17)
            opens, closes = _at(label - day, close, _NEW_YORK), _at(label, close, _NEW_YORK)
            yield label, opens, closes, None, None, False


def _at(day: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, time, tzinfo=zone).astimezone(dt.UTC)


def _midnight(day: dt.date) -> Micros:
    return (day - dt.date(1970, 1, 1)).days * DAY
