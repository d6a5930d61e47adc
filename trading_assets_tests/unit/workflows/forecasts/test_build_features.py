from dataclasses import replace

import polars as pl
import pytest

from trading_assets.domain.errors import CorruptFile, DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol
from trading_assets.features.core import CORE
from trading_assets.features.momentum import MOMENTUM
from trading_assets.workflows.build_features import (
    FEATURES,
    build_features,
    judge_features,
    look_ahead,
)

_JANUARY, _FEBRUARY = Month(2024, 1), Month(2024, 2)
_SOL = Symbol("SOLUSDT")


@pytest.fixture
def own_desk(tmp_path, make_desk_in, publish_bars):
    made = make_desk_in(tmp_path)
    for month in (_JANUARY, _FEBRUARY):
        publish_bars(made, _SOL, month)
    return made


def _planted(column: pl.Expr) -> object:
    first = CORE.features[0]
    return replace(CORE, features=(replace(first, make=lambda _: column), *CORE.features[1:]))


def test_a_month_is_published_with_its_evidence(desk):
    made = build_features(desk, _SOL, _FEBRUARY)
    assert (made.table, made.symbol, made.month) == (FEATURES, _SOL, _FEBRUARY)
    assert made.rows == 29 * 288
    assert set(made.parents) == {"bars_5m/SOLUSDT/2024-01", "bars_5m/SOLUSDT/2024-02"}
    assert made.metadata["incomplete_rows"] == 0
    assert made.metadata["look_ahead_cuts"] == 12
    assert made.metadata["warm_up"].startswith("proven")
    rows = desk.tables.read(FEATURES, _SOL, _FEBRUARY)
    assert rows.columns == ["ts", "symbol", *CORE.columns]
    assert desk.tables.require(FEATURES, _SOL, _FEBRUARY).code_version == CORE.code_version


def test_rows_without_full_warm_up_are_null_and_counted(desk):
    made = build_features(desk, _SOL, _JANUARY)
    assert made.metadata["incomplete_rows"] == 3 * 288 - 1
    assert made.metadata["warm_up"].startswith("not proven")


def test_nothing_is_written_when_bars_and_code_are_the_same(own_desk, publish_bars):
    first = build_features(own_desk, _SOL, _FEBRUARY)
    again = build_features(own_desk, _SOL, _FEBRUARY)
    assert (first.changed, again.changed) == (True, False)
    assert again.version == first.version
    publish_bars(own_desk, _SOL, _JANUARY, seed=1)  # the warm-up reaches into January
    assert build_features(own_desk, _SOL, _FEBRUARY).changed


def test_every_set_has_a_table_of_its_own(own_desk):
    made = build_features(own_desk, _SOL, _FEBRUARY, MOMENTUM)
    assert made.table == "features_5m_momentum"
    assert made.metadata["warm_up"].startswith("proven")
    manifest = own_desk.tables.require(made.table, _SOL, _FEBRUARY)
    assert manifest.code_version == MOMENTUM.code_version
    assert manifest.extra["feature_set"] == "momentum"
    assert all(found.passed for found in judge_features(own_desk, _SOL, _FEBRUARY, MOMENTUM))


def test_a_month_does_not_depend_on_months_behind_its_anchor(own_desk, desk):
    build_features(own_desk, _SOL, _FEBRUARY)
    alone, among = (d.tables.require(FEATURES, _SOL, _FEBRUARY) for d in (own_desk, desk))
    assert alone.version == among.version


def test_bars_of_another_source_are_not_mixed_in(own_desk):
    frame = own_desk.tables.read("bars_5m", _SOL, _JANUARY)
    own_desk.tables.publish(
        "bars_5m", _SOL, _JANUARY, frame, code_version="1", parents={}, extra={"source": "archive"}
    )
    made = build_features(own_desk, _SOL, _FEBRUARY)
    assert set(made.parents) == {"bars_5m/SOLUSDT/2024-02"}
    assert made.metadata["incomplete_rows"] == 3 * 288 - 1


@pytest.mark.parametrize("days_without_bars", [8, 29])
def test_a_month_whose_bars_begin_late_or_not_at_all_yet_is_published(own_desk, days_without_bars):
    start = pl.lit(_FEBRUARY.start).cast(pl.Datetime("us", "UTC"))
    late = pl.col("ts") >= start + pl.duration(days=days_without_bars)
    rows = own_desk.tables.read("bars_5m", _SOL, _FEBRUARY).filter(late)
    own_desk.tables.publish(
        "bars_5m", _SOL, _FEBRUARY, rows, code_version="1", parents={}, extra={"source": "embedded"}
    )
    made = build_features(own_desk, _SOL, _FEBRUARY)
    assert made.rows == rows.height
    assert made.metadata["warm_up"] == "not proven here: the month has no bars yet"


def test_a_leak_is_not_published(own_desk):
    leaking = _planted(pl.col("close").shift(-1))
    with pytest.raises(DataError, match=r"know the future.*return_5m"):
        build_features(own_desk, _SOL, _FEBRUARY, leaking)
    assert own_desk.tables.current(FEATURES, _SOL, _FEBRUARY) is None
    found = look_ahead(own_desk, _SOL, _FEBRUARY, leaking, cuts=12, seed=3)
    assert [leak.column for leak in found] == ["return_5m"]


def test_values_that_are_not_finite_are_not_published(own_desk):
    endless = _planted((pl.col("close") * 0).log())
    with pytest.raises(DataError, match="NaN or infinity in return_5m"):
        build_features(own_desk, _SOL, _FEBRUARY, endless)


def test_a_warm_up_that_is_too_short_is_not_published(own_desk):
    slow = _planted(pl.col("close").ewm_mean(span=2000, adjust=False))
    with pytest.raises(DataError, match=r"longer warm-up.*return_5m"):
        build_features(own_desk, _SOL, _FEBRUARY, slow)


def test_a_sound_partition_is_judged_sound(desk):
    findings = judge_features(desk, _SOL, _FEBRUARY)
    assert [(found.name, found.passed) for found in findings] == [
        ("is_finite", True),
        ("knows_no_future", True),
    ]


def test_rows_that_the_current_bars_do_not_give_are_found(own_desk, publish_bars):
    build_features(own_desk, _SOL, _FEBRUARY)
    publish_bars(own_desk, _SOL, _FEBRUARY, seed=1)
    finite, causal = judge_features(own_desk, _SOL, _FEBRUARY)
    assert finite.passed
    assert not causal.passed
    assert "return_5m" in causal.detail


def test_missing_and_damaged_bars_are_named(own_desk):
    with pytest.raises(MissingPartition, match="bars_5m/SOLUSDT/2024-03"):
        build_features(own_desk, _SOL, Month(2024, 3))
    with pytest.raises(MissingPartition, match="features_5m/SOLUSDT/2024-02"):
        judge_features(own_desk, _SOL, _FEBRUARY)
    bars = own_desk.tables.require("bars_5m", _SOL, _FEBRUARY)
    path = own_desk.tables.path(bars)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CorruptFile, match=path.name):
        build_features(own_desk, _SOL, _FEBRUARY)
