"""What every source of market history does, whatever stands behind it."""

import json
from collections.abc import Iterator
from hashlib import sha256

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager, RestHistory
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError, MissingPartition, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.market.bar_frame import validate_bars
from trading_assets.market.decoding import check_container, decode, decode_object, month_rows
from trading_assets.market.history import HistorySource, SourceTraits
from trading_assets.market.oddities import CLOSE_TS
from trading_assets.market.quality import clean_bars
from trading_assets.market.resample import resample
from trading_assets.workflows.history_sources import open_history, traits_of
from trading_assets_tests.stand_ins.sources import KINDS, source_of_kind

BTC = Symbol("BTCUSDT")
MARCH = Month(2024, 3)
TRAITS: dict[str, SourceTraits] = {}


@pytest.fixture(scope="module", params=KINDS)
def source(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[HistorySource]:
    kind = request.param
    with source_of_kind(kind, tmp_path_factory.mktemp(kind)) as settings:
        TRAITS[kind] = traits_of(settings, kind)
        with open_history(settings, WallClock()) as sources:
            yield sources.of(BTC)


def test_objects_cover_a_past_month_without_holes_or_overlap(source: HistorySource) -> None:
    listing = source.listing(BTC, MARCH)
    assert (listing.start, listing.end) == (MARCH.start, MARCH.end)
    borders = [MARCH.start, *(item.end for item in listing.objects)]
    assert borders[:-1] == [item.start for item in listing.objects]
    assert borders[-1] == MARCH.end
    assert all(item.finished for item in listing.objects)
    assert len({item.name for item in listing.objects}) == len(listing.objects)
    assert source.listing(BTC, MARCH) == listing


def test_the_same_bytes_come_twice_and_hold_bars_of_their_span(source: HistorySource) -> None:
    listing = source.listing(BTC, MARCH)
    for item in (listing.objects[0], listing.objects[-1]):
        data = source.fetch(BTC, item)
        assert source.fetch(BTC, item) == data
        assert item.vendor_sha256 in ("", sha256(data).hexdigest())
        check_container(item.kind, data, item.name)
        ts = decode_object(item, data, TRAITS[source.name])["ts"].to_physical()
        assert item.start <= ts[0] <= ts[-1] < item.end


def test_a_month_makes_valid_bars(source: HistorySource) -> None:
    listing = source.listing(BTC, MARCH)
    data = ((item, source.fetch(BTC, item)) for item in listing.objects)
    rows = month_rows(data, TRAITS[source.name], MARCH)
    frame, report = clean_bars(
        rows, BTC, source.name, month=MARCH, start=listing.start, end=listing.end
    )
    validate_bars(frame, BTC)
    assert (report.duplicates, report.off_grid, report.unfinished) == (0, (), 0)
    assert report.rows + report.missing_minutes == 31 * 1440


def test_months_outside_history_and_unknown_symbols_are_refused(source: HistorySource) -> None:
    with pytest.raises(DataError, match="in the future"):
        source.listing(BTC, Month.of(source.now()).shift(1))
    with pytest.raises(DataError, match="2010-01"):
        source.listing(BTC, Month(2010, 1))
    with pytest.raises((UnknownSymbol, MissingPartition), match="NOPEXYZ"):
        source.listing(Symbol("NOPEXYZ"), MARCH)
    with pytest.raises(UnknownSymbol, match="NOPEXYZ"):
        source.instruments((BTC, Symbol("NOPEXYZ")))


def test_instruments_have_grids(source: HistorySource) -> None:
    (instrument,) = source.instruments((BTC,))
    assert (instrument.symbol, instrument.base, instrument.quote) == ("BTCUSDT", "BTC", "USDT")
    assert instrument.tick > 0
    assert instrument.lot > 0


def test_its_raw_bytes_have_a_folder_of_their_own(source: HistorySource) -> None:
    assert source.name in source.store
    assert "/" not in source.store


def test_our_larger_bars_are_those_that_the_embedded_exchange_serves() -> None:
    config = ExchangeConfig(symbols=("BTCUSDT",), port=0)
    with running_exchange(config) as exchange:
        client = make_client(exchange.api_url, timeout_s=5, recv_window_ms=5000)
        history = RestHistory(
            KlinePager(client, WallClock(), max_attempts=2), name="embedded", store="embedded"
        )
        outage = Month(2024, 2)
        listing = history.listing(BTC, outage)
        rows = pl.concat(
            decode(item.kind, history.fetch(BTC, item), item.name) for item in listing.objects
        )
        span = {"startTime": outage.start // 1000, "endTime": outage.end // 1000 - 1}
        hours = client.get_klines(symbol=BTC, interval="1h", limit=1000, **span)
        client.close_connection()
    minutes, _ = clean_bars(rows, BTC, "embedded", month=outage, start=outage.start, end=outage.end)
    theirs = decode("klines_json", json.dumps(hours).encode(), "hours").drop(CLOSE_TS)
    ours = resample(minutes, Timeframe.H1)
    assert_frame_equal(ours.select(theirs.columns), theirs, check_exact=True)
