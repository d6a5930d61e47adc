"""SPA, StepM and the stationary bootstrap against `arch`, and how often SPA errs on noise."""

import numpy as np
import pytest

from trading_assets.evaluation.bootstrap import optimal_block, stationary_bootstrap
from trading_assets.evaluation.superior_ability import step_m, superior_predictive_ability


@pytest.fixture(scope="module")
def arch():
    return pytest.importorskip("arch.bootstrap")


@pytest.fixture(params=range(12))
def family(request):
    """Give a seed, dependent returns of some trials, of a benchmark, draws and a block length."""
    rng = np.random.default_rng(request.param)
    rows, trials = int(rng.integers(60, 500)), int(rng.integers(2, 25))
    market = rng.standard_t(5, size=rows) / 100
    steps = rng.normal(size=(rows + 2, trials)) / 100
    models = market[:, None] + steps[2:] + 0.4 * steps[1:-1] + rng.normal(size=trials) / 500
    models[:, 0] += 0.002  # a better mean than the benchmark's, or `arch` and we differ by design
    return request.param, models, market, 250, int(rng.integers(2, 15))


def theirs(arch, kind, losses, seed, draws, block, **more):
    test = getattr(arch, kind)(
        np.zeros(losses.shape[0]), losses, block_size=block, reps=draws, seed=seed, **more
    )
    test.compute()
    return test


def units(models, market, block):
    """Give the differences in units of their long-run deviation, by Hansen's sum over all lags."""
    differences = models - market[:, None]
    rows, stay = differences.shape[0], 1 - 1 / block
    centred = differences - differences.mean(axis=0)
    variance = (centred**2).sum(axis=0) / rows
    for lag in range(1, rows):
        kernel = (1 - lag / rows) * stay**lag + lag / rows * stay ** (rows - lag)
        variance += 2 * kernel * (centred[lag:] * centred[:-lag]).sum(axis=0) / rows
    return differences / np.sqrt(variance)


def test_the_same_rows_are_drawn(arch):
    ours = stationary_bootstrap(77, rng=np.random.default_rng(5), draws=50, block=6)
    drawn = arch.StationaryBootstrap(6, np.arange(77), seed=np.random.default_rng(5)).bootstrap(50)
    for row_numbers, (position, _) in zip(ours, drawn, strict=True):
        np.testing.assert_array_equal(row_numbers, position[0])


@pytest.mark.parametrize("studentise", [True, False])
def test_arch_agrees_on_the_p_values(arch, family, studentise):
    seed, models, market, draws, block = family
    found = superior_predictive_ability(
        models,
        market,
        rng=np.random.default_rng(seed),
        draws=draws,
        block=block,
        studentise=studentise,
    )
    # `arch` computes the deviations without dividing by them: it is given what is divided.
    gains = units(models, market, block) if studentise else models - market[:, None]
    expected = theirs(arch, "SPA", -gains, seed, draws, block).pvalues
    assert [found.lower, found.consistent, found.upper] == pytest.approx(list(expected), abs=1e-9)
    assert found.best == gains.mean(axis=0).argmax()


@pytest.mark.parametrize("studentise", [True, False])
def test_arch_agrees_on_the_superior_set(arch, family, studentise):
    seed, models, market, draws, block = family
    models = models + np.linspace(0, 0.004, models.shape[1])
    found = step_m(
        models,
        market,
        rng=np.random.default_rng(seed),
        draws=draws,
        block=block,
        size=0.1,
        studentise=studentise,
    )
    gains = units(models, market, block) if studentise else models - market[:, None]
    expected = theirs(arch, "StepM", -gains, seed, draws, block, size=0.1).superior_models
    assert list(found) == expected


def test_arch_agrees_on_the_block_length(arch):
    agreed = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        steps = rng.normal(size=int(rng.integers(50, 900)))
        series = steps[1:] + rng.uniform(-0.5, 0.5) * steps[:-1]
        expected = float(arch.optimal_block_length(series)["stationary"].iloc[0])
        agreed.append(optimal_block(series) == pytest.approx(max(1.0, expected), rel=1e-9))
    # It divides autocovariances by the squares of both ends, where the paper has the variance: at
    # the edge of the band of noise the two may stop at different lags.
    assert np.mean(agreed) >= 0.97


def test_the_one_model_with_an_edge():
    models = np.random.default_rng(0).normal(size=(500, 20))
    models[:, 3] += 0.25
    found = step_m(models, np.zeros(500), rng=np.random.default_rng(1), draws=500, block=10)
    assert found == (3,)


def rejections(runs, rows, trials, edge=0.0, draws=200, level=0.1):
    """Count how often the consistent p-value is at most `level`, one trial having an edge."""
    count = 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        models = rng.normal(size=(rows, trials))
        models[:, 0] += edge
        found = superior_predictive_ability(models, np.zeros(rows), rng=rng, draws=draws, block=2)
        count += found.consistent <= level
    return count


def test_on_noise_one_in_ten_is_below_one_tenth():
    # 200 runs: 20 expected, four standard deviations of a count are 17.
    assert 3 <= rejections(200, 250, 10) <= 37


def test_an_edge_of_a_fifth_of_a_deviation_is_seen():
    assert rejections(40, 500, 20, edge=0.2) >= 38


@pytest.mark.slow
@pytest.mark.long
def test_on_noise_at_full_size():
    # 1,000 runs: 100 expected; the test is a little liberal in small samples, as its author says.
    assert 62 <= rejections(1000, 500, 20, draws=500) <= 150
    assert rejections(200, 500, 20, edge=0.2, draws=500) >= 190
