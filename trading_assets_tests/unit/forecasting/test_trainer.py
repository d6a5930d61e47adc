from dataclasses import replace

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.forecasting.barriers import Barriers
from trading_assets.forecasting.sample import Sample, sample_from_tables
from trading_assets.forecasting.trainer import code_version


def _part(sample: Sample, rows) -> Sample:
    arrays = ("decided", "known", "x", "y", "volatility", "past")
    return replace(sample, **{name: getattr(sample, name)[rows] for name in arrays})


def test_a_market_that_leans_is_learned(model):
    scores = model.scores
    assert set(scores) == {"model", "zero", "mean", "ridge", "arx", "ewma"}
    assert {of["rows"] for of in scores.values()} == {scores["model"]["rows"]}
    assert set(model.baselines) == set(scores) - {"model"}
    assert scores["model"]["r2"] > 0.05 > scores["mean"]["r2"]
    assert scores["model"]["sign_accuracy"] > 0.55
    assert model.confidence.calibration is not None
    assert model.confidence.brier < model.confidence.brier_constant
    assert 0.5 < model.bundle.shrinkage <= 1.0
    assert next(iter(model.gains)) == "lean"
    assert len(model.stretches) == 3


def test_the_same_training_gives_the_same_id_on_any_number_of_threads(
    model, make_sample, train_on, config
):
    again = train_on(make_sample(), replace(config, threads=2))
    assert again.bundle.model_id == model.bundle.model_id
    assert again.booster_text == model.booster_text
    other = train_on(make_sample(), replace(config, seed=8))
    assert other.bundle.model_id != model.bundle.model_id


def test_noise_earns_no_size_and_no_confidence(make_sample, train_on):
    model = train_on(make_sample(lean=0.0))
    assert model.bundle.shrinkage < 0.3
    assert model.scores["model"]["r2"] > -0.01
    if model.bundle.calibration is None:
        assert "Not published" in model.confidence.reason


def test_out_of_fold_scores_do_not_know_what_they_are_scored_on(make_sample, train_on, model):
    """Labels of the last stretch turn round: scores of the stretches before it must not change."""
    sample = make_sample()
    last = sample.decided >= int(model.stretches[-1]["start"])
    turned = replace(sample, y=np.where(last, -sample.y, sample.y))
    other = train_on(turned)
    assert other.stretches[:2] == model.stretches[:2]
    assert other.stretches[2]["sign_accuracy"] == pytest.approx(
        1 - model.stretches[2]["sign_accuracy"], abs=0.01
    )


def test_models_may_learn_from_barriers_and_are_judged_by_returns(make_tables, train_on, config):
    """The market leans up and down: which barrier is met first says the same as the return."""
    barriers = Barriers(1.0, 1.0)
    features = ("volatility_1d", "lean", "noise")
    until = Month(2024, 2).end
    sample = sample_from_tables(make_tables(), features, "1h", until=until, barriers=barriers)
    model = train_on(sample, replace(config, barriers=barriers))
    assert model.bundle.params["label"] == "triple_barrier"
    assert model.bundle.params["upper"] == 1.0
    assert model.scores["model"]["r2"] > 0.03
    assert model.scores["model"]["sign_accuracy"] > 0.55


def test_a_day_ahead_is_learned_too(make_sample, train_on, config):
    sample = make_sample(days=60, horizon="1d")
    model = train_on(sample, replace(config, min_data_in_leaf=10))
    assert model.bundle.horizon == "1d"
    assert model.scores["model"]["rows"] > 5_000
    assert (sample.known - sample.decided == 24 * 3_600_000_000).all()


def test_longer_horizons_take_larger_leaves(config):
    one, four = (config.booster_params(horizon) for horizon in ("1h", "4h"))
    assert four["min_data_in_leaf"] == 4 * one["min_data_in_leaf"]


def test_history_of_many_months_is_walked_month_by_month(make_sample, train_on, config):
    sample = make_sample(days=190)
    thin = _part(sample, np.arange(0, len(sample), 6))
    model = train_on(thin, replace(config, rounds=5))
    starts = [int(stretch["start"]) for stretch in model.stretches]
    assert starts == [Month(2023, 12).start, Month(2024, 1).start, Month(2024, 2).start]


def test_too_little_history_is_refused(make_sample, train_on):
    with pytest.raises(DataError, match="at least 3,000 complete rows"):
        train_on(make_sample(days=4))


def test_history_in_crumbs_is_refused(make_sample, train_on):
    """Seven months with a day and a half each: enough rows, but no month to be tested on."""
    sample = make_sample(days=200)
    months = sample.decided.astype("datetime64[us]").astype("datetime64[M]")
    crumbs = [np.flatnonzero(months == month)[:440] for month in np.unique(months)]
    with pytest.raises(DataError, match="500 in some month"):
        train_on(_part(sample, np.concatenate(crumbs)))


def test_a_single_tested_stretch_makes_a_model_without_scores(make_sample, train_on, config):
    sample = make_sample(days=200)
    months = sample.decided.astype("datetime64[us]").astype("datetime64[M]")
    parts = [np.flatnonzero(months == month)[:440] for month in np.unique(months)]
    last = np.flatnonzero(sample.decided >= Month(2024, 1).start)[:900]
    model = train_on(_part(sample, np.unique(np.concatenate([*parts[:-2], last]))))
    assert model.scores == {}
    assert model.bundle.calibration is None
    assert "Too few past forecasts" in model.confidence.reason


def test_a_sample_that_knows_the_month_is_refused(make_sample, train_on):
    with pytest.raises(DataError, match="know the month itself"):
        train_on(make_sample(), month=Month(2024, 2))


def test_the_code_version_covers_the_room():
    assert len(code_version()) == 64
    assert code_version() == code_version()
