"""A feed over declared files: restated, still forming, in another size, off the grid."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import trading_assets as ta
from trading_assets import bootstrap
from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import (
    ConfigurationError,
    DataError,
    MissingPartition,
)
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA
from trading_assets.settings import Settings
from trading_assets.workflows.market_month import market_month

COIN = Symbol("COIN")
MARCH = Month(2024, 3)
HOLE = MARCH.start + 90 * MINUTE
SIZES = (Timeframe.M1, Timeframe.M5, Timeframe.H1, Timeframe.D1)


def write_file(root: Path, close: float) -> None:
    minutes = range(MARCH.start, MARCH.end + 60 * MINUTE, MINUTE)
    opens = [ts // 10**6 for ts in minutes if not HOLE <= ts < HOLE + 5 * MINUTE]
    frame = pl.DataFrame({"ts": opens}).with_columns(
        open=2.0, high=4.0, low=1.0, close=close, volume=1.0
    )
    frame.write_csv(root / "COIN.csv")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("desk")
    (home / "trading_assets.toml").write_text("""
        source = "files"
        symbols = ["COIN", "SHARE", "ODD"]
        [sources.files]
        kind = "package"
        root = "."
        pattern = "{symbol}.csv"
        [sources.days]
        kind = "package"
        root = "."
        pattern = "{symbol}.csv"
        timeframe = "1d"
        columns = { ts = "date", open = "OPEN", high = "HIGH", low = "LOW", close = "CLOSE" }
        time = { format = "%Y-%m-%d" }
        newest_bar = "finished"
        [sources.hours]
        kind = "package"
        root = "."
        pattern = "{symbol}.csv"
        timeframe = "1h"
        columns = { ts = "date", open = "OPEN", high = "HIGH", low = "LOW", close = "CLOSE" }
        time = { format = "%Y-%m-%d %H:%M", zone = "UTC" }
        [instruments.SHARE]
        source = "days"
        [instruments.ODD]
        source = "hours"
        [sources.files.columns]
        ts = "TS"
        open = "Open"
        high = "High"
        low = "Low"
        close = "Close"
        volume = "Volume"
        """)
    write_file(home, 3.0)
    head = "Date,Open,High,Low,Close\n"
    (home / "SHARE.csv").write_text(head + "2024-03-01,2,4,1,3\n2024-03-04,3,4,1,2\n")
    (home / "ODD.csv").write_text(head + "2024-03-01 09:30,2,4,1,3\n2024-03-01 10:30,2,4,1,3\n")
    loaded = ta.load_settings({"TA_HOME": str(home)}).settings
    market_month(bootstrap.desk(loaded), COIN, MARCH)
    return loaded


def test_the_newest_bar_of_a_file_may_be_forming_and_is_not_given(settings: Settings) -> None:
    april = Month(2024, 4)
    frame = ta.data_feed(settings, from_vendor=True).get_history(
        COIN, april.start, april.end, Timeframe.M1
    )
    assert frame.height == 59  # the file has 60 minutes of April


def test_a_changed_file_restates_its_month_and_the_old_one_can_still_be_read(
    settings: Settings,
) -> None:
    desk = bootstrap.desk(settings)
    before = desk.tables.require("bars_1m", COIN, MARCH)
    write_file(settings.home, 3.5)
    try:
        raw, minutes, *_ = market_month(desk, COIN, MARCH)
    finally:
        write_file(settings.home, 3.0)
    assert raw.changed
    assert minutes.changed
    span = COIN, MARCH.start, MARCH.start + MINUTE, Timeframe.M1
    old = ta.data_feed(settings, as_of=before.published_at).get_history(*span)
    new = ta.data_feed(settings).get_history(*span)
    assert (old["close"][0], new["close"][0]) == (3.0, 3.5)
    with pytest.raises(MissingPartition, match="then"):
        ta.data_feed(settings, as_of=1).get_history(*span)
    with pytest.raises(ConfigurationError, match="as it is now"):
        ta.data_feed(settings, as_of=1, from_vendor=True)
    market_month(desk, COIN, MARCH)


def test_a_file_of_all_history_is_stored_once_for_all_its_months(settings: Settings) -> None:
    desk = bootstrap.desk(settings)
    market_month(desk, COIN, Month(2024, 4))
    files = desk.raw.root.rglob("COIN*.csv")
    assert {path.parent.name for path in files} == {"shared"}
    assert desk.raw.verify().faults == ()


def test_a_vendors_own_days_come_as_they_are_and_make_no_other_size(settings: Settings) -> None:
    feed = ta.data_feed(settings, from_vendor=True)
    days = feed.get_history(Symbol("SHARE"), MARCH.start, MARCH.end, Timeframe.D1)
    assert days.schema == RESAMPLED_SCHEMA
    assert days["ts"].dt.day().to_list() == [1, 4]
    assert (days["n_minutes"].to_list(), days["complete"].to_list()) == ([None] * 2, [True] * 2)
    market_month(bootstrap.desk(settings), Symbol("SHARE"), MARCH)
    tables = ta.data_feed(settings)
    for each in (feed, tables):
        with pytest.raises(DataError, match=r"no bars of 1h of SHARE.*days, which gives 1d"):
            each.get_history(Symbol("SHARE"), MARCH.start, MARCH.end, Timeframe.H1)
    ours = tables.get_history(Symbol("SHARE"), MARCH.start, MARCH.end, Timeframe.D1)
    assert_frame_equal(ours, days, check_exact=True)


def test_hours_that_are_off_their_grid_are_refused(settings: Settings) -> None:
    with pytest.raises(DataError, match="off the grid of 1h"):
        ta.data_feed(settings, from_vendor=True).get_history(
            Symbol("ODD"), MARCH.start, MARCH.end, Timeframe.H1
        )
