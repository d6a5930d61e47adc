import json

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import DataError, MissingPartition
from trading_assets.domain.ids import Month, Symbol, content_hash
from trading_assets.features import regime
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, between
from trading_assets.market.table_columns import REGIME_COLUMNS
from trading_assets.workflows import build_regimes as module
from trading_assets.workflows.build_regimes import build_regimes, judge_regimes

SOL = Symbol("SOLUSDT")
MONTHS = tuple(Month(2024, n) for n in (1, 2, 3, 4))
MARCH, APRIL = MONTHS[2:]
_HOUR = 60 * MINUTE


def _bars(*, seed=1, sigma=(0.004, 0.012)):
    draw = np.random.default_rng(seed)
    n = (APRIL.end - MONTHS[0].start) // _HOUR
    state, states = 0, []
    for chance in draw.random(n):
        state = 1 - state if chance < (0.02, 0.05)[state] else state
        states.append(state)
    close = 100 * np.exp(np.cumsum(draw.normal(size=n) * np.array(sigma)[states]))
    values = dict.fromkeys(("open", "high", "low", "close", "volume", "quote_volume"), close)
    values |= {"ts": MONTHS[0].start + np.arange(n) * _HOUR, "symbol": [SOL] * n}
    values |= {"n_trades": [1] * n, "n_minutes": [60] * n, "complete": [True] * n}
    values |= {"source": ["embedded"] * n}
    return pl.DataFrame({k: values[k] for k in RESAMPLED_SCHEMA}).select(
        pl.col(name).cast(dtype) for name, dtype in RESAMPLED_SCHEMA.items()
    )


def _publish(desk, month, bars, source="embedded"):
    frame = bars.filter(between(month.start, month.end))
    extra = {"source": source}
    desk.tables.publish("bars_1h", SOL, month, frame, code_version="1", parents={}, extra=extra)


@pytest.fixture
def desk(make_desk):
    made = make_desk(TA_REGIMES__MIN_DAYS="30", TA_REGIMES__LOOK_BACK_DAYS="60")
    bars = _bars()
    for month in MONTHS:
        _publish(made, month, bars)
    return made


def test_a_month_is_published_with_parameters_frozen_before_it(desk):
    made = build_regimes(desk, SOL, APRIL)
    assert made.rows == 30 * 24
    bars = {f"bars_1h/SOLUSDT/2024-0{n}" for n in (3, 4)}
    assert set(made.parents) == bars | {"regime_parameters/SOLUSDT/2024-04"}
    assert made.metadata["warm_up"].startswith("proven")
    assert made.metadata["incomplete_rows"] == 0
    frozen = desk.tables.require("regime_parameters", SOL, APRIL)
    before = {f"bars_1h/SOLUSDT/2024-0{n}" for n in (2, 3)}  # 60 days before April
    assert set(frozen.parents) == before | {"regimes/settings"}
    assert frozen.extra["parameters_sha256"] == content_hash(frozen.extra["parameters"])
    assert json.loads(json.dumps(frozen.extra["parameters"]))["variances"] == pytest.approx(
        [0.004**2, 0.012**2], rel=0.3
    )
    states = desk.tables.read("regime_parameters", SOL, APRIL)
    assert states["regime"].to_list() == ["calm", "turbulent"]
    assert states["share"].sum() == pytest.approx(1)
    rows = desk.tables.read("regimes", SOL, APRIL)
    assert rows.columns == list(REGIME_COLUMNS)
    assert rows["regime"].null_count() == 0
    assert not build_regimes(desk, SOL, APRIL).changed


def test_what_comes_later_changes_neither_parameters_nor_rows(desk):
    build_regimes(desk, SOL, MARCH)
    before = desk.tables.require("regimes", SOL, MARCH)
    _publish(desk, APRIL, _bars(seed=2))
    assert not build_regimes(desk, SOL, MARCH).changed
    assert desk.tables.require("regimes", SOL, MARCH) == before
    # The month's own bars move its rows, never its parameters.
    _publish(desk, MARCH, _bars(seed=2))
    again = build_regimes(desk, SOL, MARCH)
    assert again.changed
    assert again.metadata["parameters_sha256"] == before.extra["parameters_sha256"]
    assert again.version != before.version


def test_bars_of_another_source_are_not_mixed_in(desk):
    """April is still of the source before; the bars before it are of the one of now."""
    _publish(desk, APRIL, _bars(), source="archive")
    made = build_regimes(desk, SOL, APRIL)
    assert set(made.parents) == {"bars_1h/SOLUSDT/2024-04", "regime_parameters/SOLUSDT/2024-04"}
    assert made.metadata["incomplete_rows"] == 30 * 24  # all of it is warming up
    assert all(found.passed for found in judge_regimes(desk, SOL, APRIL))


def test_a_month_without_enough_history_says_so(desk):
    made = build_regimes(desk, SOL, MONTHS[0])
    assert made.metadata["unknown_because"] == "0 hourly returns before it, of at least 720"
    assert made.metadata["incomplete_rows"] == made.rows == 31 * 24
    assert desk.tables.read("regimes", SOL, MONTHS[0])["regime"].null_count() == made.rows
    assert all(found.passed for found in judge_regimes(desk, SOL, MONTHS[0]))


def test_a_market_without_regimes_says_so(desk):
    for month in MONTHS:
        _publish(desk, month, _bars(sigma=(0.004, 0.004)))
    made = build_regimes(desk, SOL, APRIL)
    assert "one variance" in made.metadata["unknown_because"]
    assert made.metadata["incomplete_rows"] == made.rows


def test_a_sound_month_is_judged_sound_and_a_restated_one_is_not(desk):
    build_regimes(desk, SOL, APRIL)
    findings = {found.name: found for found in judge_regimes(desk, SOL, APRIL)}
    assert list(findings) == ["are_probabilities", "knows_no_future", "is_warmed_up"]
    assert all(found.passed for found in findings.values())
    assert findings["knows_no_future"].metadata["cuts"] == 12
    _publish(desk, APRIL, _bars(seed=2))
    judged = {found.name: found.passed for found in judge_regimes(desk, SOL, APRIL)}
    assert not judged["knows_no_future"]


def test_rows_that_are_no_probabilities_are_counted(desk):
    build_regimes(desk, SOL, APRIL)
    stored = desk.tables.require("regimes", SOL, APRIL)
    bent = desk.tables.read_manifest(stored).with_columns(p_calm=pl.col("p_calm") * 1.01)
    desk.tables.publish(
        "regimes", SOL, APRIL, bent, code_version="x", parents={}, extra=stored.extra
    )
    first = judge_regimes(desk, SOL, APRIL)[0]
    assert not first.passed
    assert "do not sum to one" in first.detail


def test_a_filter_that_knows_the_future_is_not_published(desk, monkeypatch):
    def leaking(bars, parameters):
        rows = regime.regimes_of(bars, parameters)
        return rows.with_columns(p_calm=pl.col("p_calm").shift(-1))

    monkeypatch.setattr(module, "regimes_of", leaking)
    with pytest.raises(DataError, match=r"know the future.*p_calm"):
        build_regimes(desk, SOL, APRIL)
    assert desk.tables.current("regimes", SOL, APRIL) is None


def test_missing_bars_are_named(desk):
    with pytest.raises(MissingPartition, match="bars_1h/SOLUSDT/2024-05"):
        build_regimes(desk, SOL, Month(2024, 5))
