"""Calibration as it is known when a month begins: pooled, causal, and heeded by the risk factor."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol
from trading_assets.forecasting.forecaster import FORECAST_SCHEMA
from trading_assets.workflows.measure_calibration import CALIBRATION, measure_calibration
from trading_assets.workflows.risk_factor import risk_factor_month

SOL = Symbol("SOLUSDT")
JANUARY, FEBRUARY, MARCH = (Month(2024, number) for number in (1, 2, 3))
BAR = 5 * MINUTE


@pytest.fixture
def own_desk(tmp_path, make_desk_in, publish_bars):
    made = make_desk_in(tmp_path)
    for month in (JANUARY, FEBRUARY, MARCH):
        publish_bars(made, SOL, month)
    return made


def _lay_forecasts(desk, month, stated, *, hit_rate=0.5, last=None):
    """State one confidence all month; so many directions come true as the bars say.

    Args:
        last: foretell only bars that open before it.
    """
    bars = desk.tables.read("bars_5m", SOL, month)
    closes = bars["close"].to_numpy()
    came = np.append(closes[12:] / closes[:-12] - 1.0, np.zeros(12))
    is_right = np.random.default_rng(int(month.start)).random(len(came)) < hit_rate
    rows = bars.select("ts", "symbol").with_columns(
        horizon=pl.lit("1h"),
        prediction=pl.Series(np.where(is_right, came, -came)),
        confidence=pl.lit(stated),
        model_id=pl.lit("m"),
        model_version=pl.lit("1"),
        forecast_id=pl.lit("f"),
    )
    rows = rows if last is None else rows.filter(pl.col("ts").dt.epoch("us") < last)
    rows = rows.select(FORECAST_SCHEMA.names()).cast(dict(FORECAST_SCHEMA))
    desk.tables.publish("forecasts", SOL, month, rows, code_version=str(stated), parents={},
                        extra={"models": {"1h": "m"}})  # fmt: skip


def _row(desk, month):
    (row,) = desk.tables.read(CALIBRATION, SOL, month).to_dicts()
    return row


def test_the_months_before_are_pooled_and_an_error_is_found(own_desk):
    _lay_forecasts(own_desk, JANUARY, 0.80, hit_rate=0.6)
    _lay_forecasts(own_desk, FEBRUARY, 0.80, hit_rate=0.6)
    made = measure_calibration(own_desk, SOL, MARCH)
    row = _row(own_desk, MARCH)
    assert row["error"] == pytest.approx(0.2, abs=0.02)
    assert 0.15 < row["least"] < row["error"]
    # From the first hour's close on: thirteen bars of each span are known only after it.
    assert row["rows"] == 60 * 288 - 13
    assert (row["blocks"], row["first"].day, row["last"].day) == (60, 1, 29)
    assert made.metadata["months"] == 2
    assert not measure_calibration(own_desk, SOL, MARCH).changed


def test_what_comes_later_changes_nothing_before(own_desk):
    """Forecasts of February that were known in it count for March, and none for February."""
    _lay_forecasts(own_desk, JANUARY, 0.55)
    measure_calibration(own_desk, SOL, FEBRUARY)
    before = own_desk.tables.require(CALIBRATION, SOL, FEBRUARY)
    _lay_forecasts(own_desk, FEBRUARY, 0.99)
    assert not measure_calibration(own_desk, SOL, FEBRUARY).changed
    assert own_desk.tables.require(CALIBRATION, SOL, FEBRUARY).version == before.version

    # A forecast counts from the month in which its return is known.
    measure_calibration(own_desk, SOL, MARCH)
    rows = _row(own_desk, MARCH)["rows"]
    _lay_forecasts(own_desk, FEBRUARY, 0.98, last=MARCH.start - 13 * BAR)
    measure_calibration(own_desk, SOL, MARCH)
    assert _row(own_desk, MARCH)["rows"] == rows


def test_the_factor_of_a_month_heeds_what_was_known_before_it(own_desk):
    for month in (JANUARY, FEBRUARY):
        _lay_forecasts(own_desk, month, 0.9, hit_rate=0.5)
    measure_calibration(own_desk, SOL, FEBRUARY)
    made = risk_factor_month(own_desk, SOL, FEBRUARY)
    assert made.metadata["miscalibrated share"] == 1.0
    log = own_desk.tables.read("risk_log", SOL, FEBRUARY)
    assert log["calibration_error"].unique().to_list() == [_row(own_desk, FEBRUARY)["least"]]
    assert log["risk_factor"].max() == 0.8


def test_nothing_and_months_that_are_held_out_are_not_known(own_desk, tmp_path, make_desk_in):
    made = measure_calibration(own_desk, SOL, FEBRUARY)
    assert (made.rows, made.metadata["months"]) == (0, 0)
    _lay_forecasts(own_desk, JANUARY, 0.9)
    _lay_forecasts(own_desk, FEBRUARY, 0.9)
    assert measure_calibration(own_desk, SOL, MARCH).metadata["months"] == 2
    held_out = make_desk_in(tmp_path, TA_HOLDOUT__FIRST="2024-02", TA_HOLDOUT__LAST="2024-02")
    assert measure_calibration(held_out, SOL, MARCH).metadata["months"] == 1
    row = _row(held_out, MARCH)
    assert row["rows"] == 31 * 288 - 12  # returns of the last hour lie in the month held out
    assert row["last"] == datetime(2024, 2, 1, tzinfo=UTC)  # known at the close of January


def test_how_many_months_and_how_sure_are_settings(own_desk, tmp_path, make_desk_in):
    for month in (JANUARY, FEBRUARY):
        _lay_forecasts(own_desk, month, 0.7)
    measure_calibration(own_desk, SOL, MARCH)
    least = _row(own_desk, MARCH)["least"]
    fewer = make_desk_in(
        tmp_path,
        TA_RISK_FACTOR__CALIBRATION_MONTHS="1",
        TA_RISK_FACTOR__CALIBRATION_CONFIDENCE="0.6",
    )
    made = measure_calibration(fewer, SOL, MARCH)
    assert made.metadata["months"] == 1  # of January only what became known in February
    row = _row(fewer, MARCH)
    assert row["rows"] == 29 * 288
    assert row["least"] != least
