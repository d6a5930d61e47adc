import numpy as np
import pytest

from trading_assets.forecasting.scores import brier_score, forecast_scores, hits


def test_a_perfect_forecast():
    y = np.array([0.01, -0.02, 0.03, -0.01])
    scores = forecast_scores(y, y, horizon_bars=1)
    assert scores == {
        "rows": 4.0,
        "rmse": 0.0,
        "r2": 1.0,
        "sign_accuracy": 1.0,
        "sign_accuracy_se": 0.0,
        "ic": pytest.approx(1.0),
    }


def test_saying_nothing_scores_nothing():
    y = np.array([0.01, -0.02, 0.03, -0.01])
    scores = forecast_scores(np.zeros(4), y, horizon_bars=2)
    assert (scores["r2"], scores["sign_accuracy"], scores["ic"]) == (0.0, 0.5, 0.0)
    assert scores["sign_accuracy_se"] == pytest.approx((0.25 * 2 / 4) ** 0.5)
    assert forecast_scores(np.zeros(0), np.zeros(0), horizon_bars=1) == {"rows": 0.0}


def test_only_rows_with_a_direction_count_for_directions():
    y = np.array([0.01, -0.02, 0.03, -0.01])
    scores = forecast_scores(np.array([0.0, -1.0, 0.0, 1.0]), y, horizon_bars=1)
    assert scores["sign_accuracy"] == 0.5
    assert scores["sign_accuracy_se"] == pytest.approx((0.25 / 2) ** 0.5)


def test_the_wrong_way_round_is_worse_than_nothing():
    y = np.array([0.01, -0.02, 0.03, -0.01])
    scores = forecast_scores(-y, y, horizon_bars=1)
    assert (scores["r2"], scores["sign_accuracy"]) == (pytest.approx(-3.0), 0.0)
    assert scores["ic"] == pytest.approx(-1.0)


def test_ranks_share_ties():
    predicted, realised = np.array([1.0, 1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0])
    ranks = np.array([0.5, 0.5, 2.0, 3.0]), np.arange(4.0)
    expected = np.corrcoef(*ranks)[0, 1]
    assert forecast_scores(predicted, realised, horizon_bars=1)["ic"] == pytest.approx(expected)


def test_a_market_that_did_not_move_was_never_called_right():
    assert hits(np.array([1.0, -1.0, 1.0]), np.array([0.0, -1.0, -1.0])).tolist() == [0, 1, 0]
    assert forecast_scores(np.ones(3), np.zeros(3), horizon_bars=1)["r2"] == 0.0


def test_brier():
    outcome = np.array([True, False])
    assert brier_score(0.5, outcome) == 0.25
    assert brier_score(np.array([1.0, 0.0]), outcome) == 0.0
