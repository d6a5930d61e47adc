import numpy as np
import pytest

from trading_assets.forecasting.baselines import Arx, Ewma, Mean, Ridge, Zero, baselines
from trading_assets.forecasting.learners import Rows, fitted, predictor_from_text
from trading_assets.forecasting.past_returns import PAST_COLUMNS

_NAMES = ("volatility_1d", "a", "b", *PAST_COLUMNS)


def _rows(n: int, seed: int = 0) -> Rows:
    return Rows(_NAMES, np.random.default_rng(seed).normal(size=(n, len(_NAMES))))


def test_every_baseline_is_text_and_predicts_from_its_text_alone():
    rows, y = _rows(2_000), np.random.default_rng(1).normal(size=2_000)
    for learner in baselines(("volatility_1d", "a", "b"), "volatility_1d"):
        model = fitted(learner, rows, y)
        assert fitted(learner, rows, y).sha256 == model.sha256
        loaded = predictor_from_text(model.text)
        alone = [float(loaded.predict(rows.select(loaded.features)[i : i + 1])[0]) for i in (0, 7)]
        assert alone == model.predict(rows)[[0, 7]].tolist()  # whatever rows are around it


def test_the_plain_ones_say_nothing_and_the_mean():
    rows, y = _rows(500), np.full(500, 0.25)
    assert not fitted(Zero(), rows, y).predict(rows).any()
    assert fitted(Mean(), rows, y).predict(rows) == pytest.approx(np.full(500, 0.25))


def test_the_line_finds_a_line_and_stands_outliers_and_constants():
    rows = _rows(5_000)
    y = 0.5 + 0.4 * rows.x[:, 1] + 0.1 * np.random.default_rng(1).normal(size=5_000)
    new = _rows(100, seed=2)
    said = fitted(Ridge(("a", "b")), rows, y).predict(new)
    assert np.corrcoef(said, new.x[:, 1])[0, 1] > 0.99
    rows.x[5, 1], rows.x[:, 2] = 1e12, 1.0
    said = fitted(Ridge(("a", "b")), rows, y).predict(rows)
    assert np.isfinite(said).all()
    assert np.abs(said).max() < 4


def test_an_autoregression_is_found_as_statsmodels_itself_finds_it():
    """One symbol, one horizon per row: the same numbers as `AutoReg` of the series."""
    from statsmodels.tsa.ar_model import AutoReg

    draw = np.random.default_rng(4)
    series = np.zeros(3_000)
    for i in range(3, 3_000):
        series[i] = 0.4 * series[i - 1] - 0.2 * series[i - 3] + 0.5 * draw.normal()
    past = np.column_stack([series[6 - k : -k] for k in range(1, 7)])
    rows = Rows(PAST_COLUMNS, past)
    model = fitted(Arx(()), rows, series[6:])
    theirs = AutoReg(series, lags=3, hold_back=6).fit()
    expected = theirs.predict(start=6, end=2_999)
    assert model.predict(rows) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1 / 3])
def test_a_column_that_never_moves_has_no_part_in_an_autoregression(constant):
    rows = Rows(("volatility_1d", *PAST_COLUMNS), _rows(5_000).x[:, 2:])
    rows.x[:, 0] = constant
    y = 0.25 + 0.1 * np.random.default_rng(1).normal(size=5_000)
    said, without = (
        fitted(Arx(exogenous), rows, y).predict(rows) for exogenous in (("volatility_1d",), ())
    )
    assert said == pytest.approx(without, abs=1e-9)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
def test_the_speed_of_the_mean_is_the_one_that_errs_least(alpha):
    rows = _rows(4_000)
    past = rows.select(PAST_COLUMNS)
    weights = alpha * (1 - alpha) ** np.arange(6)
    y = past @ (weights / weights.sum()) + 0.1 * np.random.default_rng(1).normal(size=4_000)
    said = fitted(Ewma(), rows, y).predict(rows)
    assert said == pytest.approx(past @ (weights / weights.sum()), abs=1e-9)
