"""A source of daily bars, from the vendor's answer to the universe: no minute is ever made up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA, RESAMPLED_SCHEMA
from trading_assets.workflows.build_features import build_features, judge_features, look_ahead
from trading_assets.workflows.coverage import month_coverage
from trading_assets.workflows.data_diff import data_diff
from trading_assets.workflows.data_feed import PublishedFeed, VendorFeed
from trading_assets.workflows.data_quality import data_quality, quality_reports
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.export_bars import bars_of_span
from trading_assets.workflows.history_sources import open_history
from trading_assets.workflows.market_month import assemble_month, market_month, repair_bars
from trading_assets.workflows.minutes import read_minutes
from trading_assets.workflows.publish_universe import publish_universe
from trading_assets.workflows.query_tables import query_tables
from trading_assets.workflows.raw_report import raw_report
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.eodhd import EodhdStandIn, eodhd

APPLE = Symbol("AAPL")
MARCH, APRIL = Month(2024, 3), Month(2024, 4)
HOLIDAYS = ("2024-03-29",)
DECLARED = """
    source = "eodhd"
    symbols = ["AAPL"]
    history_start = "2024-03"
    [sources.eodhd]
    kind = "eodhd"
    url = "{url}"
    max_attempts = 1
    [instruments.AAPL]
    vendor_symbol = "AAPL.US"
    calendar = "XNYS"
    quote = "USD"
    tick = "0.01"
    lot = "1"
    asset_class = "equity"
"""


def sessions_only(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the days on which New York traded, as the vendor does."""
    return [
        row
        for row in rows
        if dt.date.fromisoformat(row["date"]).weekday() < 5 and row["date"] not in HOLIDAYS
    ]


def without(*days: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda rows: [row for row in sessions_only(rows) if row["date"] not in days]


@pytest.fixture
def vendor() -> Iterator[EodhdStandIn]:
    with eodhd(key="secret") as stand_in:
        stand_in.first_days = {"AAPL.US": dt.date(2020, 1, 1)}
        stand_in.rewrite = sessions_only
        yield stand_in


@pytest.fixture
def desk(vendor: EodhdStandIn, tmp_path: Path, make_desk: Callable[..., Desk]) -> Desk:
    (tmp_path / "trading_assets.toml").write_text(DECLARED.format(url=vendor.url))
    return make_desk(TA_EODHD_API_KEY="secret")


def day(number: int) -> int:
    return MARCH.start + (number - 1) * DAY


def test_days_become_daily_bars_and_no_other_table_has_a_row(desk: Desk) -> None:
    _, minutes, fives, hours, days = market_month(desk, APPLE, MARCH)
    assert [each.rows for each in (minutes, fives, hours, days)] == [0, 0, 0, 20]
    assert minutes.metadata["native"] == "1d"
    assert (minutes.metadata["native_rows"], minutes.metadata["gaps"]) == (20, 0)
    assert fives.metadata["empty_because"].startswith("eodhd gives bars of 1d")
    assert desk.tables.read("bars_1m", APPLE, MARCH).schema == BAR_SCHEMA
    bars = desk.tables.read("bars_1d", APPLE, MARCH)
    assert bars.schema == RESAMPLED_SCHEMA
    assert bars["n_minutes"].null_count() == bars.height
    assert bars["complete"].all()
    assert bars["ts"].to_physical().to_list()[:2] == [day(1), day(4)]
    native = desk.tables.read("native_1d", APPLE, MARCH)
    assert native.drop("source").equals(bars.select(native.columns).drop("source"))
    answer = query_tables(desk, "select count(*) as n from bars_1d where n_minutes is null")
    assert answer.rows == [(20,)]


def test_a_missing_day_is_a_gap_and_a_holiday_is_none(desk: Desk, vendor: EodhdStandIn) -> None:
    vendor.rewrite = without("2024-03-06")
    market_month(desk, APPLE, MARCH)
    (row,) = data_quality(desk)
    assert (row.start, row.end) == ("2024-03-05 00:00", "2024-03-07 00:00")
    assert (row.minutes, row.native_bars, row.confirmed) == (390, 1, "")
    (report,) = quality_reports(desk)
    assert (report["rows"], report["unconfirmed_gaps"]) == (19, 1)
    shares = month_coverage(desk, APPLE, MARCH)
    raw = raw_report(desk, APPLE, MARCH)
    assert (raw.facts["unconfirmed_gaps"], raw.coverage) == (1, shares)
    assert (shares[4][15], shares[5][15], shares[6][15]) == (1.0, 0.0, 1.0)
    assert shares[1] == shares[28] == (None,) * 24  # a Saturday, Good Friday


def test_a_repair_brings_the_day_or_writes_down_that_the_vendor_lacks_it(
    desk: Desk, vendor: EodhdStandIn
) -> None:
    vendor.rewrite = without("2024-03-06", "2024-03-12")
    market_month(desk, APPLE, MARCH)
    vendor.rewrite = without("2024-03-12")
    _, minutes, *_, days = repair_bars(desk, APPLE, MARCH)
    assert (minutes.metadata["gaps"], minutes.metadata["unconfirmed_gaps"]) == (1, 0)
    assert days.rows == 19
    (row,) = data_quality(desk)
    assert (row.start, row.confirmed != "") == ("2024-03-11 00:00", True)
    asked = len(vendor.asked)
    assert not repair_bars(desk, APPLE, MARCH)[0].changed
    assert len(vendor.asked) == asked


def test_a_restated_day_is_another_version_of_the_minutes_and_of_the_days_alone(
    desk: Desk, vendor: EodhdStandIn
) -> None:
    before = market_month(desk, APPLE, MARCH)
    again = assemble_month(desk, APPLE, MARCH)
    assert not any(each.changed for each in again)
    vendor.rewrite = lambda rows: [
        row | {"high": row["high"] + 1} if row["date"] == "2024-03-07" else row
        for row in sessions_only(rows)
    ]
    after = market_month(desk, APPLE, MARCH, refresh=True)
    changed = [
        now.table for was, now in zip(before, after, strict=True) if was.version != now.version
    ]
    assert changed == ["raw_klines", "bars_1m", "bars_1d"]
    assert after[1].metadata["restated"] == 1
    assert after[1].metadata["made_of_the_old_rows"]["partitions"] == [
        "bars_1d/AAPL/2024-03",
        "bars_1h/AAPL/2024-03",
        "bars_5m/AAPL/2024-03",
    ]
    diff = data_diff(desk, APPLE, MARCH)
    assert diff.counts() == {"changed": 1, "added": 0, "removed": 0}
    assert diff.restated["ts"].to_physical().to_list() == [day(7)]


def test_a_gap_that_an_outage_explains_has_its_cause(
    desk: Desk, vendor: EodhdStandIn, tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    vendor.rewrite = without("2024-03-06")
    (tmp_path / "outages.csv").write_text(
        "venue,symbol,first_missing,last_missing,cause,evidence\n"
        "eodhd,AAPL,2024-03-06 14:30,2024-03-06 20:59,vendor_outage,seen\n"
    )
    known = make_desk(TA_EODHD_API_KEY="secret", TA_QUALITY__OUTAGES=str(tmp_path / "outages.csv"))
    minutes = market_month(known, APPLE, MARCH)[1]
    assert (minutes.metadata["gaps"], minutes.metadata["unexplained_gaps"]) == (1, 0)


def test_a_day_on_a_holiday_is_kept_apart(desk: Desk, vendor: EodhdStandIn) -> None:
    holiday = {"date": "2024-03-29", "open": 1, "high": 2, "low": 1, "close": 1, "volume": 1}
    vendor.rewrite = lambda rows: [*sessions_only(rows), holiday]
    *_, days = market_month(desk, APPLE, MARCH)
    assert (days.rows, days.metadata["outside_sessions"]) == (20, 1)
    assert desk.tables.require("native_1d", APPLE, MARCH).rows == 21


def test_the_universe_stands_on_days_of_the_vendor(desk: Desk) -> None:
    market_month(desk, APPLE, MARCH)
    published = publish_universe(desk, APRIL)
    assert published.metadata["members"] == ["AAPL"]
    row = desk.tables.read("universe", None, APRIL).row(0, named=True)
    assert row["median_quote_volume"] > 0
    assert published.parents["bars_1d/AAPL/2024-03"]


def test_features_of_days_are_an_empty_month_that_says_why(desk: Desk) -> None:
    market_month(desk, APPLE, MARCH)
    published = build_features(desk, APPLE, MARCH)
    assert published.rows == 0
    assert "smaller ones are not made up" in published.metadata["warm_up"]
    assert all(found.passed for found in judge_features(desk, APPLE, MARCH))
    with pytest.raises(DataError, match="no bars of 5m of AAPL"):
        look_ahead(desk, APPLE, MARCH, cuts=12, seed=1)


def test_who_asks_for_smaller_bars_is_told_that_there_are_none(desk: Desk) -> None:
    market_month(desk, APPLE, MARCH)
    span = APPLE, MARCH.start, MARCH.end
    refused = "no bars of 5m of AAPL.*eodhd, which gives 1d"
    for feed in (PublishedFeed(desk), VendorFeed(desk)):
        with pytest.raises(DataError, match=refused):
            feed.get_history(*span, Timeframe.M5)
        assert feed.get_history(*span, Timeframe.D1).height == 20
    with pytest.raises(DataError, match=refused):
        bars_of_span(desk, APPLE, Timeframe.M5, MARCH.start, MARCH.end)
    assert bars_of_span(desk, APPLE, Timeframe.D1, MARCH.start, MARCH.end).height == 20
    with pytest.raises(DataError, match="no bars of 1m of AAPL"):
        read_minutes(desk, [APPLE], MARCH.start, MARCH.end)


def test_a_month_of_which_no_session_has_closed_yet_is_empty_and_no_error(
    desk: Desk, vendor: EodhdStandIn
) -> None:
    june = Month(2024, 6)  # begins on a Saturday
    clock = JumpingClock()
    early = replace(desk, clock=clock, history=partial(open_history, desk.settings, clock))
    for day_of_june in (1, 3):
        vendor.now = dt.datetime(2024, 6, day_of_june, 12, tzinfo=dt.UTC)
        clock.instant = june.start + (day_of_june - 1) * DAY + DAY // 2
        _, minutes, *_, days = market_month(early, APPLE, june)
        found = minutes.metadata
        assert (found["native_rows"], found["gaps"], days.rows) == (0, 0, 0)
        assert month_coverage(early, APPLE, june)[0] == (None,) * 24


HOURS = """
    source = "hours"
    symbols = ["SHARE", "COIN"]
    history_start = "2024-03"
    [sources.hours]
    kind = "package"
    root = "."
    pattern = "{symbol}.csv"
    timeframe = "1h"
    newest_bar = "finished"
    columns = { ts = "t", open = "o", high = "h", low = "l", close = "c", volume = "v" }
    [sources.quarters]
    kind = "package"
    root = "."
    pattern = "{symbol}.csv"
    timeframe = "15m"
    newest_bar = "finished"
    columns = { ts = "t", open = "o", high = "h", low = "l", close = "c", volume = "v" }
    [instruments.SHARE]
    calendar = "XNYS"
    [instruments.COIN]
    source = "quarters"
"""


def write(path: Path, opens: list[int]) -> None:
    pl.DataFrame({"t": [ts // 10**6 for ts in opens]}).with_columns(
        o=2.0, h=4.0, l=1.0, c=3.0, v=1.5
    ).write_csv(path)


def test_hours_count_from_the_open_and_make_days(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    (tmp_path / "trading_assets.toml").write_text(HOURS)
    hour = Timeframe.H1.micros
    first, second, fourth = (day(n) + 14 * hour + hour // 2 for n in (1, 4, 5))
    opens = [start + n * hour for start in (first, second, fourth) for n in range(7)]
    opens.remove(second + 2 * hour)
    before_the_open = first - hour
    write(tmp_path / "SHARE.csv", [before_the_open, *opens, first - hour // 3])
    desk = make_desk()
    _, minutes, fives, hours, days = market_month(desk, Symbol("SHARE"), MARCH)
    assert (minutes.metadata["native_rows"], minutes.metadata["off_grid"]) == (21, 1)
    assert (minutes.metadata["gaps"], minutes.metadata["missing_minutes"]) == (1, 60)
    assert (fives.rows, hours.rows, days.rows) == (0, 20, 3)
    assert hours.metadata["outside_sessions"] == 1
    bars = desk.tables.read("bars_1d", Symbol("SHARE"), MARCH)
    assert bars["complete"].to_list() == [True, False, True]
    assert bars["volume"].to_list() == [10.5, 9.0, 10.5]
    assert bars["n_minutes"].null_count() == 3
    assert bars["ts"].to_physical().to_list() == [day(1), day(4), day(5)]


def test_quarters_of_a_market_that_never_closes_make_hours_and_days(
    tmp_path: Path, make_desk: Callable[..., Desk]
) -> None:
    (tmp_path / "trading_assets.toml").write_text(HOURS)
    quarter = Timeframe.M15.micros
    opens = [MARCH.start + n * quarter for n in range(2 * 96) if n != 5]
    write(tmp_path / "COIN.csv", opens)
    desk = make_desk()
    coin = Symbol("COIN")
    _, minutes, fives, quarters, hours, days = market_month(desk, coin, MARCH)
    assert (minutes.metadata["native_rows"], minutes.metadata["missing_minutes"]) == (191, 15)
    assert (fives.rows, quarters.rows, hours.rows, days.rows) == (0, 191, 48, 2)
    incomplete = desk.tables.read("bars_1h", coin, MARCH).filter(~pl.col("complete"))
    assert incomplete["ts"].to_physical().to_list() == [MARCH.start + Timeframe.H1.micros]
    feed = VendorFeed(desk)
    theirs = feed.get_history(coin, MARCH.start, MARCH.end, Timeframe.H1)
    assert theirs.equals(desk.tables.read("bars_1h", coin, MARCH))
