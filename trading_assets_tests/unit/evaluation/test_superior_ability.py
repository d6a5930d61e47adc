"""SPA and StepM: what counts as better, what is left out, what is refused."""

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.superior_ability import step_m, superior_predictive_ability

DRAWS = 300
CASH = np.zeros(250)


def noise(trials=8, seed=0):
    found = np.random.default_rng(seed).normal(size=(250, trials)) / 100
    return found - found.mean(axis=0)


def spa(models, benchmark=CASH, **more):
    how = {"rng": np.random.default_rng(1), "draws": DRAWS, "block": 3.0} | more
    return superior_predictive_ability(models, benchmark, **how)


def superior(models, benchmark=CASH, **more):
    how = {"rng": np.random.default_rng(1), "draws": DRAWS, "block": 3.0} | more
    return step_m(models, benchmark, **how)


def with_edges(*edges):
    models = noise()
    models[:, : len(edges)] += np.array(edges) / 100
    return models


def test_an_edge_is_found_and_named():
    found = spa(with_edges(0.0, 0.0, 0.5))
    assert found.lower == found.consistent == found.upper == 0.0
    assert found.best == 2
    assert found.statistic > 5


def test_the_p_value_falls_as_the_edge_grows():
    found = [spa(with_edges(edge)).consistent for edge in (0.02, 0.05, 0.1, 0.15, 0.2, 0.4)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.5
    assert found[-1] < 0.05


def test_bad_trials_count_for_the_upper_p_value_alone():
    models = with_edges(0.12, *[-3.0] * 7) * np.array([1.0] + [4.0] * 7)
    found = spa(models, studentise=False)
    alone = spa(models[:, :1], studentise=False)
    assert found.lower == found.consistent == alone.consistent == alone.upper < 0.1
    assert found.upper > 0.5


def test_the_three_are_in_order():
    for seed in range(20):
        models = noise(seed=seed) + np.random.default_rng(seed).normal(size=8) / 500
        found = spa(models)
        assert found.lower <= found.consistent <= found.upper


def test_copies_change_nothing():
    models = with_edges(0.1, 0.05)
    once, often = spa(models), spa(np.hstack([models] * 5))
    assert (once.lower, once.consistent, once.upper) == (often.lower, often.consistent, often.upper)


@pytest.mark.parametrize("scale", [0.5, 7.0])
def test_the_unit_of_returns_does_not_matter(scale):
    models = with_edges(0.1, 0.05)
    found, scaled = spa(models), spa(models * scale)
    assert found.statistic == pytest.approx(scaled.statistic)
    assert found.consistent == scaled.consistent


def test_studentised_each_trial_may_have_its_own_unit():
    models = with_edges(0.1, 0.05)
    units = np.geomspace(0.01, 100, 8)
    assert spa(models).consistent == spa(models * units).consistent
    assert spa(models, studentise=False) != spa(models * units, studentise=False)


def test_what_both_gain_is_nobodys_merit():
    models, market = with_edges(0.1), np.random.default_rng(5).normal(size=250) / 50
    found = spa(models + market[:, None], market)
    assert found.statistic == pytest.approx(spa(models).statistic)
    assert found.consistent == spa(models).consistent


def test_nobody_is_better_than_a_benchmark_that_beats_all():
    found = spa(noise() - 0.001)
    assert (found.lower, found.consistent, found.upper, found.statistic) == (1.0, 1.0, 1.0, 0.0)
    assert superior(noise() - 0.001) == ()


def test_a_trial_that_is_the_benchmark_is_left_out():
    models = np.column_stack([CASH, with_edges(0.1)])
    assert spa(models).consistent == spa(models[:, 1:]).consistent
    assert spa(models).best == 1
    same = spa(CASH[:, None])
    assert (same.consistent, same.statistic, same.best) == (1.0, 0.0, None)
    assert superior(np.column_stack([CASH, with_edges(0.5)])) == (1,)


def test_the_block_length_is_chosen_when_none_is_given():
    assert spa(noise(), block=None).block >= 1.0
    assert spa(noise(), block=4.5).block == 4.5


def test_the_set_of_the_superior():
    assert superior(with_edges(0.0, 0.0, 0.0, 0.25)) == (3,)
    assert superior(with_edges(0.3, 0.0, 0.5)) == (0, 2)
    assert superior(noise()) == ()
    assert superior(with_edges(*[0.5] * 8)) == tuple(range(8))


def test_a_second_step_finds_what_the_first_left():
    loud = noise()[:, :1] * 40 + 0.4
    quiet = with_edges(0.0, 0.18)[:, 1:]
    models = np.hstack([loud, quiet])
    # Not studentised, the noise of the loud one hides the quiet one until it is taken out.
    assert superior(models, studentise=False) == (0, 1)


@pytest.mark.parametrize("size", [0.0, 1.0, float("nan")])
def test_a_size_that_is_none_is_refused(size):
    with pytest.raises(DataError, match="size between 0 and 1"):
        superior(noise(), size=size)


@pytest.mark.parametrize(
    ("models", "benchmark", "said"),
    [
        (noise(), CASH[1:], "found 250 and 249"),
        (noise()[:11], CASH[:11], "12 rows or more"),
        (noise(), np.full(250, np.nan), "250 of 250 that are NaN"),
        (np.column_stack([noise(), CASH + 0.01]), CASH, "column 8: 0.01 in every period"),
        (CASH, CASH, "found shape"),
    ],
)
def test_what_cannot_be_compared_is_refused(models, benchmark, said):
    with pytest.raises(DataError, match=said):
        spa(models, benchmark)
