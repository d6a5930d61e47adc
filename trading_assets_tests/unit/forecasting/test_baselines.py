import numpy as np
import pytest

from trading_assets.forecasting.baselines import baseline_forecasts


def test_the_plain_forecasts():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(5000, 3))
    y = 0.5 + 0.4 * x[:, 1] + 0.1 * draw.normal(size=5000)
    new = draw.normal(size=(100, 3))
    said = baseline_forecasts(x, y, new)
    assert set(said) == {"zero", "mean", "ridge"}
    assert not said["zero"].any()
    assert said["mean"] == pytest.approx(np.full(100, y.mean()))
    truth = 0.5 + 0.4 * new[:, 1]
    assert np.corrcoef(said["ridge"], truth)[0, 1] > 0.99


def test_a_constant_feature_and_outliers_do_no_harm():
    draw = np.random.default_rng(0)
    x = np.column_stack([np.ones(1000), draw.normal(size=1000)])
    x[5, 1] = 1e12
    said = baseline_forecasts(x, draw.normal(size=1000), x[:50])
    assert all(np.isfinite(values).all() for values in said.values())
    assert np.abs(said["ridge"]).max() < 4
