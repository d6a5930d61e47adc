"""Forecasts of this moment, on the embedded exchange: the bits of the batch, nobody's orders."""

import json
from pathlib import Path

import polars as pl
import pytest

from trading_assets.domain.bar import DAY, Timeframe
from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.domain.instants import instant_from_text
from trading_assets.features.anchor import anchor
from trading_assets.market.bar_frame import between
from trading_assets.workflows import forecast_now as module
from trading_assets.workflows.build_features import build_features
from trading_assets.workflows.forecast_month import forecast_month
from trading_assets.workflows.forecast_now import forecast_now
from trading_assets.workflows.fresh_bars import fresh_bars
from trading_assets.workflows.market_month import market_month
from trading_assets.workflows.risk_factor import HISTORY
from trading_assets.workflows.train_month import train_month

SOL = Symbol("SOLUSDT")
JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
NOON = instant_from_text("2024-02-10T12:02")
PACKAGE = Path(forecast_now.__code__.co_filename).parents[1]


@pytest.fixture(scope="module")
def desk(tmp_path_factory, make_desk_in):
    """A desk that holds January of the embedded exchange, and the model of February."""
    made = make_desk_in(
        tmp_path_factory.mktemp("now"), TA_SYMBOLS='["SOLUSDT"]', TA_MODEL__ROUNDS="5"
    )
    market_month(made, SOL, JANUARY)
    build_features(made, SOL, JANUARY)
    train_month(made, FEBRUARY)
    return made


@pytest.fixture(scope="module")
def told(desk):
    return forecast_now(desk, at=NOON)


@pytest.mark.slow
def test_documents_are_those_that_readers_expect(desk, told):
    (forecast,) = told.forecasts
    model = desk.models.require(FEBRUARY, "1h")
    assert (forecast["asset"], forecast["horizon"]) == ("SOLUSDT", "1h")
    assert forecast["timestamp"] == "2024-02-10T12:00:00Z"
    assert forecast["model_id"] == model.model_id
    assert forecast["purpose"] == "research"
    assert len(forecast["bars_hash"]) == len(forecast["features_hash"]) == 64
    (risk,) = told.risk
    assert {"risk_factor", "reasons", "timestamp"} < set(risk)
    assert risk["timestamp"] == "2024-02-10T12:00:00Z"
    assert json.loads(json.dumps([forecast, risk])) == [forecast, risk]
    assert told.changed == 2
    assert told.skipped == {}


@pytest.mark.slow
def test_rows_are_added_once_and_never_changed(desk, told):
    kept = desk.tables.read("forecasts_now", SOL, FEBRUARY)
    again = forecast_now(desk, at=NOON + 60_000_000)  # the same bar
    assert (again.changed, again.version) == (0, told.version)
    later = forecast_now(desk, at=NOON + 3600 * 1_000_000)
    assert later.changed >= 1
    now = desk.tables.read("forecasts_now", SOL, FEBRUARY)
    assert now.head(kept.height).equals(kept)
    assert now["timestamp"].to_list() == sorted(now["timestamp"].to_list())
    assert set(now["purpose"]) == {"research"}
    with pytest.raises(DataError, match="reaches beyond"):
        forecast_now(desk, at=NOON - 24 * 3600 * 1_000_000)
    assert desk.tables.months("bars_1m", SOL) == (JANUARY,)  # nothing else is published


@pytest.mark.slow
def test_forecasts_and_bars_have_the_bits_of_the_batch(desk, told):
    start = anchor(FEBRUARY, HISTORY)
    with desk.history() as sources:
        fresh = fresh_bars(desk, sources.of(SOL), SOL, start, NOON)
    market_month(desk, SOL, FEBRUARY)
    build_features(desk, SOL, FEBRUARY)
    forecast_month(desk, SOL, FEBRUARY)
    months = [desk.tables.read("bars_5m", SOL, month) for month in (JANUARY, FEBRUARY)]
    batch = pl.concat(months).filter(between(start, NOON - 2 * 60_000_000))
    assert fresh.equals(batch)
    with desk.history() as sources:
        assert fresh_bars(desk, sources.of(SOL), SOL, start, NOON).equals(fresh)
    kept = desk.tables.read("forecasts_now", SOL, FEBRUARY).head(1)
    same = desk.tables.read("forecasts", SOL, FEBRUARY).join(kept.select("ts"), on="ts")
    assert same.select("prediction", "confidence", "forecast_id").equals(
        kept.select("prediction", "confidence", "forecast_id")
    )
    assert Timeframe.M5.micros + int(kept["ts"].to_physical()[0]) == NOON - 2 * 60_000_000


@pytest.mark.slow
def test_the_factor_has_the_bits_of_the_batch_however_far_features_look_back(desk, told):
    start = anchor(FEBRUARY, HISTORY)
    with desk.history() as sources:
        further = fresh_bars(desk, sources.of(SOL), SOL, start - DAY, NOON)
    forecasts = desk.tables.read("forecasts_now", SOL, FEBRUARY).head(1)
    none = {"": None}
    anchored = further.filter(between(start, NOON))
    assert further.height == anchored.height + 288
    once, twice = (
        module._judged(desk, SOL, bars, forecasts, None, none) for bars in (anchored, further)
    )
    assert once == twice


@pytest.mark.slow
def test_a_month_without_a_model_is_an_error(desk):
    with pytest.raises(MissingPartition, match="1h model of 2024-03"):
        forecast_now(desk, at=Month(2024, 3).start + 24 * 3600 * 1_000_000)


def test_nothing_that_trades_reads_them():
    rooms = ("live", "engine", "risk", "backtest", "strategies", "exchange")
    files = [path for room in rooms for path in (PACKAGE / room).rglob("*.py")]
    files += (PACKAGE / "workflows").glob("*live*.py")
    assert len(files) > 100
    readers = [
        path.name
        for path in files
        for name in ("forecasts_now", "risk_updates", "forecast_now")
        if name in path.read_text()
    ]
    assert readers == []
