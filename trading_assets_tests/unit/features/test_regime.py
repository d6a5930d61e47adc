from functools import partial

import numpy as np
import polars as pl
import pytest

from trading_assets.domain.bar import DAY, MINUTE
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.features.look_ahead import find_look_ahead
from trading_assets.features.regime import (
    WARM_UP,
    RegimeParameters,
    filtered_probabilities,
    hourly_returns,
    regimes_of,
)
from trading_assets.features.warm_up import find_short_warm_up
from trading_assets.market.table_columns import REGIME_COLUMNS

_HOUR = 60 * MINUTE
_START = Month(2024, 1).start
TWO = RegimeParameters((1.6e-5, 1.44e-4), ((0.98, 0.02), (0.05, 0.95)))
THREE = RegimeParameters(
    (4e-6, 3e-5, 2e-4), ((0.97, 0.02, 0.01), (0.02, 0.96, 0.02), (0.01, 0.04, 0.95))
)


def _bars(days: int, seed: int = 1, parameters: RegimeParameters = TWO) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    state, close = 0, [100.0]
    for _ in range(days * 24 - 1):
        state = draw.choice(len(parameters.variances), p=parameters.transition[state])
        close.append(close[-1] * np.exp(draw.normal() * parameters.variances[state] ** 0.5))
    ts = pl.Series(_START + np.arange(days * 24) * _HOUR).cast(pl.Datetime("us", "UTC"))
    return pl.DataFrame({"ts": ts, "symbol": ["SOLUSDT"] * len(ts), "close": close})


@pytest.mark.parametrize("parameters", [TWO, THREE])
def test_known_rows_are_probabilities_and_rows_without_warm_up_are_null(parameters):
    rows = regimes_of(_bars(40), parameters)
    assert rows.columns == list(REGIME_COLUMNS)
    cold = rows.filter(pl.col("ts") < rows["ts"][0] + WARM_UP)
    assert cold.height == 30 * 24
    assert cold.drop("ts", "symbol").null_count().row(0) == (cold.height,) * 5
    warm = rows.tail(10 * 24)
    known = warm.select(f"p_{label}" for label in parameters.labels)
    assert known.null_count().sum_horizontal()[0] == 0
    assert (known.sum_horizontal() - 1).abs().max() < 1e-12
    assert set(warm["regime"]) <= set(parameters.labels)
    best = known.select(pl.concat_list(pl.all()).list.arg_max()).to_series()
    assert [parameters.labels[i] for i in best] == warm["regime"].to_list()


def test_a_turbulent_hour_is_told_from_a_calm_one():
    quiet = filtered_probabilities([0.0] * 20, [1] * 20, TWO)[-1]
    loud = filtered_probabilities([0.0] * 20 + [0.03] * 3, [1] * 23, TWO)[-1]
    assert quiet[0] > 0.95
    assert loud[1] > 0.99
    # By hand: one step from the stationary law (5/7, 2/7), weighed by two normal densities.
    weights = np.array([5 / 7, 2 / 7]) / np.sqrt(TWO.variances)
    weights *= np.exp(-0.5 * 0.01**2 / np.array(TWO.variances))
    found = filtered_probabilities([0.01], [1], TWO)[0]
    assert found == pytest.approx(weights / weights.sum(), abs=1e-12)


def test_rows_know_no_future():
    bars = _bars(40)
    assert find_look_ahead(partial(regimes_of, parameters=TWO), bars, seed=3) == ()
    cheat = lambda frame: regimes_of(  # noqa: E731 - the fault, planted
        frame.with_columns(close=pl.col("close").shift(-1).fill_null(strategy="forward")), TWO
    )
    assert {leak.column for leak in find_look_ahead(cheat, bars, seed=3)} >= {"p_turbulent"}


def test_the_filter_has_forgotten_its_start_after_the_warm_up():
    bars = _bars(68)
    start = _START + 61 * DAY
    compute = partial(regimes_of, parameters=TWO)
    assert find_short_warm_up(compute, bars, start=start, warm_up=WARM_UP) == ()
    slow = RegimeParameters((5e-5, 5.2e-5), ((0.9999, 0.0001), (0.0001, 0.9999)))
    found = find_short_warm_up(
        partial(regimes_of, parameters=slow), bars, start=start, warm_up=WARM_UP
    )
    assert {"p_calm", "p_turbulent"} <= {defect.column for defect in found}


def test_after_a_hole_a_row_is_predicted_only():
    bars = _bars(3)
    holed = pl.concat([bars.head(30), bars.slice(40)])
    returns = hourly_returns(holed)
    assert [i for i, r in enumerate(returns) if r is None] == [0, 30]
    before = filtered_probabilities(returns[:30], [0] + [1] * 29, TWO)[-1]
    hours = [0] + [1] * 29 + [11]
    predicted = before @ np.linalg.matrix_power(np.array(TWO.transition), 11)
    assert filtered_probabilities(returns[:31], hours, TWO)[-1] == pytest.approx(predicted)


def test_without_parameters_all_is_null():
    rows = regimes_of(_bars(2), None)
    assert rows.schema == regimes_of(_bars(2), TWO).schema
    assert rows.drop("ts", "symbol").null_count().row(0) == (48,) * 5


def test_parameters_are_kept_as_json_with_a_hash():
    assert RegimeParameters.from_plain(THREE.plain) == THREE
    assert len(THREE.sha256) == 64
    assert THREE.sha256 != TWO.sha256
    assert TWO.stationary == pytest.approx((5 / 7, 2 / 7))
    assert TWO.durations == pytest.approx((50, 20))


@pytest.mark.parametrize(
    ("variances", "transition"),
    [
        ((1.0,), ((1.0,),)),
        ((2.0, 1.0), ((0.9, 0.1), (0.1, 0.9))),
        ((1.0, float("nan")), ((0.9, 0.1), (0.1, 0.9))),
        ((1.0, 2.0), ((0.9, 0.2), (0.1, 0.9))),
        ((1.0, 2.0), ((1.1, -0.1), (0.1, 0.9))),
        ((1.0, 2.0), ((0.9, 0.1),)),
    ],
)
def test_what_is_no_model_is_refused(variances, transition):
    with pytest.raises(DataError, match="no parameters of regimes"):
        RegimeParameters(variances, transition)
