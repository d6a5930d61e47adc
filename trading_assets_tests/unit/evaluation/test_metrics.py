import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.evaluation import metrics

EMPYRICAL = [math.nan, 0.01, 0.10, -0.04, 0.02, 0.03, 0.02, 0.01, -0.10]
returns_lists = st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=60)


def test_reference_returns_give_the_published_metrics():
    # Vectors of stefan-jansen/empyrical-reloaded, tests/test_stats.py, mixed returns, daily.
    assert metrics.cumulative_return(EMPYRICAL) == pytest.approx(0.03893109170048037, rel=1e-12)
    assert metrics.max_drawdown(EMPYRICAL) == pytest.approx(-0.1, rel=1e-12)
    assert metrics.annual_return(EMPYRICAL, 252) == pytest.approx(1.9135925373194231, rel=1e-12)
    assert metrics.annual_volatility(EMPYRICAL, 252) == pytest.approx(0.9136465399704637, rel=1e-12)
    assert metrics.sharpe_ratio(EMPYRICAL, 252) == pytest.approx(1.7238613961706866, rel=1e-12)


def test_what_is_not_defined_is_none_and_never_infinite():
    assert metrics.sharpe_ratio([], 365) is None
    assert metrics.sharpe_ratio([0.01], 365) is None
    assert metrics.sharpe_ratio([0.0, 0.0, 0.0], 365) is None
    assert metrics.sortino_ratio([0.01, 0.02], 365) is None
    assert metrics.annual_return([], 365) is None
    assert metrics.annual_volatility([0.1], 365) is None
    assert metrics.calmar_ratio([0.01, 0.02], 365) is None
    assert metrics.win_rate([]) is None
    assert metrics.profit_factor([1.0, 2.0]) is None
    assert metrics.payoff_ratio([1.0]) is None
    assert metrics.mean_or_none([]) is None


def test_a_total_loss_is_minus_one_a_year():
    assert metrics.annual_return([0.1, -1.0], 365) == -1.0


def test_sortino_counts_all_periods_in_the_downside():
    expected = 0.01 / math.sqrt((0.02**2) / 4) * math.sqrt(365)
    assert metrics.sortino_ratio([0.02, -0.02, 0.03, 0.01], 365) == pytest.approx(expected)


def test_trade_statistics_of_a_small_book():
    pnl = [3.0, -1.0, 0.0, 5.0, -3.0]
    assert metrics.win_rate(pnl) == 0.4
    assert metrics.profit_factor(pnl) == 2.0
    assert metrics.payoff_ratio(pnl) == 2.0
    assert metrics.mean_or_none(pnl) == pytest.approx(0.8)


def test_drawdown_is_measured_from_the_last_peak_and_its_length_in_periods():
    values = [100, 110, 99, 104.5, 112, 111, 113]
    assert metrics.drawdown_series(values)[2] == pytest.approx(-0.1)
    assert metrics.longest_drawdown(values) == 2


def test_one_call_gives_what_each_function_gives():
    found = metrics.performance_metrics(EMPYRICAL, 252)
    assert found["cumulative_return"] == pytest.approx(0.03893109170048037, rel=1e-12)
    assert found["annual_return"] == pytest.approx(1.9135925373194231, rel=1e-12)
    assert found["annual_volatility"] == pytest.approx(0.9136465399704637, rel=1e-12)
    assert found["sharpe"] == pytest.approx(1.7238613961706866, rel=1e-12)
    assert found["max_drawdown"] == pytest.approx(-0.1)
    assert found["calmar"] == pytest.approx(found["annual_return"] / 0.1)
    assert found["sortino"] == metrics.sortino_ratio(EMPYRICAL, 252)
    assert metrics.performance_metrics([])["annual_return"] is None


@given(returns_lists)
def test_compounding_and_differencing_are_inverse(returns):
    curve = np.concatenate(([1.0], np.cumprod(1 + np.asarray(returns))))
    assert np.allclose(metrics.simple_returns(curve), returns, atol=1e-12)


@given(returns_lists)
def test_drawdown_lies_between_total_loss_and_nothing(returns):
    assert -1.0 <= metrics.max_drawdown(returns) <= 0.0


@given(st.lists(st.floats(-0.05, 0.05), min_size=3, max_size=60), st.floats(0.1, 10))
def test_sharpe_ratio_does_not_depend_on_leverage(returns, leverage):
    base = metrics.sharpe_ratio(returns, 365)
    scaled = metrics.sharpe_ratio(np.asarray(returns) * leverage, 365)
    if base is not None and scaled is not None and np.std(returns) > 1e-9:
        assert scaled == pytest.approx(base, rel=1e-6, abs=1e-6)
