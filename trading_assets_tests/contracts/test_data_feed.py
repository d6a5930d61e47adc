"""What every feed of bars does, whatever the source, from its tables or straight from it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import trading_assets as ta
from trading_assets import bootstrap
from trading_assets.domain.bar import DAY, MINUTE, Timeframe
from trading_assets.domain.errors import DataError, MissingPartition, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import BAR_SCHEMA, RESAMPLED_SCHEMA, between, validate_bars
from trading_assets.market.history import DataFeed
from trading_assets.settings import Settings
from trading_assets.workflows.market_month import market_month
from trading_assets_tests.stand_ins.sources import FEBRUARY, KINDS, Span, source_of_kind

BTC = Symbol("BTCUSDT")
# The outage of the embedded exchange in this month; the other sources are given the same one.
HOLE = FEBRUARY.start + 27_570 * MINUTE, FEBRUARY.start + 27_720 * MINUTE
SPAN = Span(first=FEBRUARY.start + 17 * DAY, hole=HOLE)
SIZES = (Timeframe.M1, Timeframe.M5, Timeframe.H1, Timeframe.D1)


@dataclass(frozen=True)
class World:
    """A source, the settings that name it, and all of its month in every size, read once."""

    settings: Settings

    def feed(self, reads: str) -> DataFeed:
        return ta.data_feed(self.settings, from_vendor=reads == "vendor")

    @cache  # noqa: B019 - lives as long as its fixture
    def month(self, reads: str, size: Timeframe) -> pl.DataFrame:
        return self.feed(reads).get_history(BTC, FEBRUARY.start, FEBRUARY.end, size)

    def __hash__(self) -> int:
        return id(self)


# The embedded exchange is the venue behind `binance` here, too, and costs seconds each time.
SOURCES = [pytest.param(k, marks=pytest.mark.slow if k == "embedded" else ()) for k in KINDS]


@pytest.fixture(scope="module", params=SOURCES)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    root: Path = tmp_path_factory.mktemp(request.param)
    with source_of_kind(request.param, root, SPAN) as settings:
        market_month(bootstrap.desk(settings), BTC, FEBRUARY)
        yield World(settings)


@pytest.fixture(params=["tables", "vendor"])
def reads(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize("size", SIZES)
def test_bars_are_valid_ascending_and_name_their_source(
    world: World, reads: str, size: Timeframe
) -> None:
    frame = world.month(reads, size)
    assert frame.schema == (BAR_SCHEMA if size is Timeframe.M1 else RESAMPLED_SCHEMA)
    validate_bars(frame, BTC, size)
    assert frame["source"].unique().to_list() == [world.settings.source]
    assert frame["ts"].to_physical()[-1] == FEBRUARY.end - size.micros


def test_a_span_holds_its_start_and_not_its_end(world: World, reads: str) -> None:
    start, end = HOLE[1] + 3 * MINUTE, HOLE[1] + DAY
    given = world.feed(reads).get_history(BTC, start, end, Timeframe.M1)
    assert_frame_equal(given, world.month(reads, Timeframe.M1).filter(between(start, end)))
    assert given["ts"].to_physical().to_list() == list(range(start, end, MINUTE))


def test_what_is_missing_has_no_row_and_its_bars_say_so(world: World, reads: str) -> None:
    around = between(HOLE[0] - MINUTE, HOLE[1] + MINUTE)
    minutes = world.month(reads, Timeframe.M1).filter(around)
    assert minutes["ts"].to_physical().to_list() == [HOLE[0] - MINUTE, HOLE[1]]
    hours = world.month(reads, Timeframe.H1).filter(between(HOLE[0] - 30 * MINUTE, HOLE[1]))
    assert (hours["n_minutes"].to_list(), hours["complete"].to_list()) == ([30], [False])
    day = world.month(reads, Timeframe.D1).filter(between(HOLE[0] - DAY, HOLE[1]))
    assert (day["n_minutes"].to_list(), day["complete"].to_list()) == ([1290], [False])


@pytest.mark.parametrize("size", SIZES)
def test_the_tables_give_exactly_the_bars_of_their_source(world: World, size: Timeframe) -> None:
    assert_frame_equal(world.month("tables", size), world.month("vendor", size), check_exact=True)


def test_months_and_symbols_that_are_not_there_are_refused(world: World, reads: str) -> None:
    feed, long_ago = world.feed(reads), Month(2010, 1)
    refused = MissingPartition if reads == "tables" else DataError
    with pytest.raises(refused, match="2010-01"):
        feed.get_history(BTC, long_ago.start, long_ago.end, Timeframe.M1)
    with pytest.raises(UnknownSymbol, match="NOPE"):
        feed.get_history(Symbol("NOPE"), FEBRUARY.start, FEBRUARY.end, Timeframe.M1)
    with pytest.raises(DataError, match="span is empty"):
        feed.get_history(BTC, FEBRUARY.end, FEBRUARY.start, Timeframe.M1)


def test_the_tables_can_be_read_as_they_stood(world: World) -> None:
    manifest = bootstrap.desk(world.settings).tables.require("bars_1m", BTC, FEBRUARY)
    span = BTC, FEBRUARY.start, FEBRUARY.end, Timeframe.M1
    then = ta.data_feed(world.settings, as_of=manifest.published_at).get_history(*span)
    assert_frame_equal(then, world.month("tables", Timeframe.M1))
    with pytest.raises(MissingPartition, match="then"):
        ta.data_feed(world.settings, as_of=manifest.published_at - 1).get_history(*span)
