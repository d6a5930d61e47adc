"""Drift of a month against the months before it, and of the features that matter."""

import polars as pl
import pytest

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.features.core import CORE
from trading_assets.features.drift import population_stability_index
from trading_assets.features.feature_set import FeatureSet
from trading_assets.features.formula import feature_from_formula
from trading_assets.workflows.build_features import build_features
from trading_assets.workflows.feature_drift import feature_drift
from trading_assets.workflows.train_month import train_month

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
SOL = Symbol("SOLUSDT")


def test_the_first_month_has_nothing_to_be_compared_with(desk):
    drift = feature_drift(desk, SOL, JANUARY)
    assert (drift.reference, drift.psi, drift.largest) == ((), {}, None)
    assert drift.beyond(0.0) == ()


def test_a_month_is_compared_with_the_months_before_it(desk):
    drift = feature_drift(desk, SOL, FEBRUARY)
    assert drift.reference == (JANUARY,)
    then, now = (desk.tables.read(CORE.table, SOL, month) for month in (JANUARY, FEBRUARY))
    assert drift.psi["rsi_14"] == population_stability_index(then["rsi_14"], now["rsi_14"])
    assert list(drift.psi.values()) == sorted(drift.psi.values(), reverse=True)
    assert set(drift.psi) == set(CORE.columns)
    assert drift.largest == max(drift.psi[name] for name in drift.top)
    assert set(drift.top) <= set(drift.psi)
    assert drift.psi["time_sin"] < 1e-3  # the time of day does not drift


def test_models_of_another_set_do_not_say_what_matters(desk):
    """Names are shared, so every gain of those models would look like one of this set."""
    formulas = {f"sma_{n}": f"close / sma(close, {n}) - 1" for n in range(2, 13)}
    formulas["volatility_1d"] = "realised_volatility(close, 288)"
    other = FeatureSet(
        "other",
        1,
        Timeframe.M5,
        tuple(feature_from_formula(name, f, Timeframe.M5) for name, f in formulas.items()),
    )
    for month in (JANUARY, FEBRUARY):
        build_features(desk, SOL, month, other)
    train_month(desk, FEBRUARY)
    assert set(feature_drift(desk, SOL, FEBRUARY, other).top) == set(other.columns)
    assert len(feature_drift(desk, SOL, FEBRUARY).top) == 10


def test_what_moved_is_named(tmp_path, make_filled_desk):
    desk = make_filled_desk(tmp_path)
    manifest = desk.tables.require(CORE.table, SOL, FEBRUARY)
    moved = desk.tables.read_manifest(manifest).with_columns(pl.col("rsi_14") + 25.0)
    desk.tables.publish(
        CORE.table,
        SOL,
        FEBRUARY,
        moved,
        code_version=manifest.code_version,
        parents=manifest.parents,
        extra=manifest.extra,
    )
    drift = feature_drift(desk, SOL, FEBRUARY)
    assert "rsi_14" in drift.beyond(1.0)
    assert drift.beyond(100.0) == ()


def test_a_month_without_features_is_named(desk):
    with pytest.raises(MissingPartition, match="features_5m/SOLUSDT/2024-03"):
        feature_drift(desk, SOL, Month(2024, 3))
