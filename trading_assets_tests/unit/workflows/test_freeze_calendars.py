"""Frozen calendars: the past stays as it was, and every month stands on its own sessions."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.calendars import build_sessions
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import (
    calendar_month,
    freeze_calendar,
    freeze_calendars,
    market_clock,
    sessions_for,
    sessions_of_symbol,
)
from trading_assets.workflows.market_month import market_month
from trading_assets.workflows.resample_month import resample_month

MakeDesk = Callable[..., Desk]
BTC = Symbol("BTCUSDT")
MARCH, APRIL = Month(2020, 3), Month(2020, 4)
END_OF_MAY = Month(2020, 6).start


@dataclass(frozen=True)
class At:
    """A clock that stands still."""

    instant: Micros

    def now(self) -> Micros:
        return self.instant

    def wait(self, seconds: float) -> None:
        raise AssertionError(f"nothing waits {seconds} s here")


@pytest.fixture
def session_desk(make_desk: MakeDesk, tmp_path: Path) -> Callable[..., Desk]:
    """Make a desk over the archive whose BTCUSDT trades by a calendar, at the end of May 2020."""

    def make(calendar: str, **variables: str) -> Desk:
        desk = make_desk(
            TA_SOURCE="archive",
            TA_ARCHIVE_ROOT=str(tmp_path / "mirror"),
            TA_SYMBOLS='["BTCUSDT"]',
            TA_HISTORY_START="2020-01",
            TA_INSTRUMENTS__BTCUSDT__CALENDAR=calendar,
            **variables,
        )
        return replace(desk, clock=At(END_OF_MAY))

    return make


def rewrite(desk: Desk, label: dt.date, **change: Any) -> None:
    """Put another session into the frozen table of New York, as an older library had it."""
    manifest = desk.tables.require("sessions_xnys", None, None)
    here = pl.col("session") == label
    frame = desk.tables.read_manifest(manifest).with_columns(
        pl.when(here).then(value).otherwise(pl.col(name)).alias(name)
        for name, value in change.items()
    )
    facts = manifest.extra | {"origin": "an older library"}
    desk.tables.publish(
        "sessions_xnys", None, None, frame, code_version="1", parents={}, extra=facts
    )


def test_a_calendar_is_frozen_on_first_use_to_the_end_of_next_year(
    session_desk: Callable[..., Desk],
) -> None:
    desk = session_desk("XNYS")
    sessions = sessions_for(desk, "XNYS")
    labels = sessions.frame["session"]
    assert (labels[0], labels[-1]) == (dt.date(2019, 1, 2), dt.date(2021, 12, 31))
    manifest = desk.tables.require("sessions_xnys", None, None)
    assert manifest.extra["origin"].startswith("exchange_calendars 4.")
    (again,) = freeze_calendars(desk)
    assert not again.changed
    assert sessions_for(desk, "XNYS").frame.equals(sessions.frame)


def test_a_library_that_tells_another_past_is_refused_by_name(
    session_desk: Callable[..., Desk],
) -> None:
    desk = session_desk("XNYS")
    freeze_calendar(desk, "XNYS")
    christmas_eve = dt.date(2019, 12, 24)
    rewrite(desk, christmas_eve, close=pl.col("close") + dt.timedelta(hours=3), early_close=False)
    with pytest.raises(DataError, match="another past: session 2019-12-24") as caught:
        freeze_calendars(desk)
    assert "2019-12-24 21:00" in caught.value.expected
    assert "2019-12-24 18:00" in caught.value.found
    assert "--refreeze" in caught.value.fix
    kept = sessions_for(desk, "XNYS").frame.filter(pl.col("session") == christmas_eve)
    assert kept["close"][0].hour == 21
    (anew,) = freeze_calendars(desk, refreeze=True)
    assert anew.changed
    assert len(desk.tables.history("sessions_xnys", None, None)) == 3


def test_a_session_that_the_library_lost_or_found_is_refused_too(
    session_desk: Callable[..., Desk],
) -> None:
    desk = session_desk("XNYS")
    freeze_calendar(desk, "XNYS")
    rewrite(desk, dt.date(2019, 12, 24), session=dt.date(2019, 12, 25))
    with pytest.raises(DataError, match="2019-12-24") as caught:
        freeze_calendars(desk)
    assert caught.value.expected == "as frozen: no session"


def test_the_future_follows_the_library(session_desk: Callable[..., Desk]) -> None:
    desk = session_desk("XNYS")
    freeze_calendar(desk, "XNYS")
    rewrite(desk, dt.date(2020, 12, 24), close=pl.col("close") + dt.timedelta(hours=3))
    assert freeze_calendar(desk, "XNYS").changed


def test_a_year_more_changes_no_month_that_was(session_desk: Callable[..., Desk]) -> None:
    desk = session_desk("XNYS")
    before = calendar_month(desk, BTC, MARCH)
    later = replace(desk, clock=At(Month(2021, 12).start))
    assert sessions_for(later, "XNYS").frame["session"][-1] == dt.date(2022, 12, 30)
    after = calendar_month(later, BTC, MARCH)
    assert (after.version, after.rows) == (before.version, 22)
    assert after.parents != before.parents


def test_a_market_that_never_closes_has_no_table(session_desk: Callable[..., Desk]) -> None:
    desk = session_desk("24/7")
    assert freeze_calendars(desk) == ()
    assert sessions_of_symbol(desk, BTC) is None
    assert sessions_for(desk, "24/7").is_open(MARCH.start)
    assert calendar_month(desk, BTC, MARCH).version == calendar_month(desk, BTC, APRIL).version
    assert desk.tables.tables() == ()


def test_the_market_clock_asks_the_frozen_sessions(session_desk: Callable[..., Desk]) -> None:
    desk = session_desk("XNYS")
    friday = Month(2020, 5).start + 28 * DAY  # 29 May 2020; 1 June is a Monday
    close = friday + 20 * 60 * MINUTE
    clock = market_clock(desk, BTC)
    assert clock.now_utc() == END_OF_MAY
    assert clock.next_bar_time(close - MINUTE) == END_OF_MAY + (13 * 60 + 30) * MINUTE
    rewrite(desk, dt.date(2020, 5, 29), close=pl.col("close") - dt.timedelta(hours=3))
    assert clock.is_trading_time(close - MINUTE)
    assert not market_clock(desk, BTC).is_trading_time(close - MINUTE)
    assert market_clock(session_desk("24/7"), BTC).is_trading_time(close)


def test_a_calendar_that_nobody_knows_is_refused(session_desk: Callable[..., Desk]) -> None:
    with pytest.raises(ConfigurationError, match="no such calendar"):
        freeze_calendars(session_desk("XABC"))


def test_days_of_cme_take_the_evening_of_the_month_before(
    session_desk: Callable[..., Desk], archive: Any
) -> None:
    desk = session_desk("CME")
    for month in (MARCH, APRIL):
        archive.put_month(month)
        market_month(desk, BTC, month)
    april = desk.tables.require("bars_1d", BTC, APRIL)
    first = desk.tables.read_manifest(april).row(0, named=True)
    assert (first["ts"].day, first["n_minutes"], first["complete"]) == (1, 1380, True)
    assert set(april.parents) == {
        "bars_1m/BTCUSDT/2020-03",
        "bars_1m/BTCUSDT/2020-04",
        "sessions_cme/2020-04",
    }
    march = desk.tables.read("bars_1d", BTC, MARCH)
    assert [ts.day for ts in march["ts"]][-1] == 31
    assert "bars_1m/BTCUSDT/2020-03" not in desk.tables.require("bars_1h", BTC, APRIL).parents
    known = build_sessions("CME", dt.date(2020, 3, 1), dt.date(2020, 5, 1))
    for table in ("bars_5m", "bars_1h"):
        counted = desk.tables.read(table, BTC, APRIL)["n_minutes"].sum()
        assert counted == known.expected_minutes(APRIL.start, APRIL.end)
    outside = desk.tables.require("bars_5m", BTC, APRIL).extra["outside_sessions"]
    assert outside == 30 * 1440 - known.expected_minutes(APRIL.start, APRIL.end)


def test_the_first_day_of_history_is_incomplete_until_the_evening_before_is_there(
    session_desk: Callable[..., Desk], archive: Any
) -> None:
    desk = session_desk("24x5")
    archive.put_month(APRIL)
    market_month(desk, BTC, APRIL)
    alone = desk.tables.read("bars_1d", BTC, APRIL).row(0, named=True)
    assert (alone["n_minutes"], alone["complete"]) == (21 * 60, False)
    archive.put_month(MARCH)
    market_month(desk, BTC, MARCH)
    assert resample_month(desk, BTC, APRIL, Timeframe.D1).changed
    whole = desk.tables.read("bars_1d", BTC, APRIL).row(0, named=True)
    assert (whole["n_minutes"], whole["complete"]) == (1440, True)


def test_bars_are_made_anew_when_their_sessions_change_and_not_otherwise(
    session_desk: Callable[..., Desk], archive: Any
) -> None:
    desk = session_desk("XNYS")
    archive.put_month(MARCH)
    market_month(desk, BTC, MARCH)
    later = replace(desk, clock=At(Month(2021, 12).start))
    sessions_for(later, "XNYS")
    assert not resample_month(later, BTC, MARCH, Timeframe.H1).changed
    rewrite(desk, dt.date(2020, 3, 13), close=pl.col("close") - dt.timedelta(hours=2))
    assert resample_month(desk, BTC, MARCH, Timeframe.H1).changed
    friday = desk.tables.read("bars_1d", BTC, MARCH).filter(pl.col("ts").dt.day() == 13)
    assert friday["n_minutes"][0] == 390
    resample_month(desk, BTC, MARCH, Timeframe.D1)
    friday = desk.tables.read("bars_1d", BTC, MARCH).filter(pl.col("ts").dt.day() == 13)
    assert friday.select("n_minutes", "complete").row(0) == (270, True)
    assert friday["ts"].to_physical()[0] % DAY == 0
