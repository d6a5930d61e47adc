import numpy as np
import pytest

from trading_assets.forecasting.confidence import PastForecasts, fit_shrinkage, judge_confidence


def _past(skill: float, n: int = 4_000, stretches: int = 4, seed: int = 0) -> PastForecasts:
    draw = np.random.default_rng(seed)
    score = draw.normal(size=n * stretches) * 0.5
    return PastForecasts(
        stretch=np.repeat(np.arange(stretches), n),
        starts=tuple(n * i for i in range(stretches)),
        known=np.arange(n * stretches) + 10,
        score=score,
        target=skill * score + draw.normal(size=n * stretches),
    )


def test_a_confidence_that_beats_the_constant_is_published():
    judged = judge_confidence(_past(1.0), embargo=0, overlap=1)
    assert judged.calibration is not None
    assert judged.brier < judged.brier_constant
    assert judged.reason.startswith("Published")
    assert judged.rows == 12_000
    assert judged.curve.observed == pytest.approx(judged.curve.stated, abs=0.06)
    assert judged.curve.rows == 12_000
    assert judged.curve.brier == judged.brier


def _bent(n: int = 6_000, stretches: int = 4) -> PastForecasts:
    """Signs are right by chance until the strength passes one, and then nearly always."""
    draw = np.random.default_rng(1)
    score = draw.uniform(0.1, 2.0, n * stretches)
    chance = np.where(score > 1.0, 0.95, 0.5)
    target = np.where(draw.random(n * stretches) < chance, score, -score)
    past = _past(1.0, n=n, stretches=stretches)
    return PastForecasts(past.stretch, past.starts, past.known, score, target)


def test_the_better_curve_out_of_sample_is_taken():
    bent = judge_confidence(_bent(), embargo=0, overlap=1)
    assert bent.briers["isotonic"] < bent.briers["platt"]
    assert (bent.calibration.method, bent.brier) == ("isotonic", bent.briers["isotonic"])
    assert bent.calibration.confidence(np.array([0.5, 1.8])) == pytest.approx([0.5, 0.95], abs=0.03)
    few = judge_confidence(_past(1.0), embargo=0, overlap=48)  # steps of so few are noise
    assert few.calibration.method == "platt"
    asked = judge_confidence(_bent(), embargo=0, overlap=1, method="platt")
    assert set(asked.briers) == {"platt"}
    assert asked.calibration.method == "platt"


def test_noise_gets_no_confidence_and_the_card_says_why():
    published = 0
    for seed in range(10):
        judged = judge_confidence(_past(0.0, seed=seed), embargo=0, overlap=12)
        published += judged.calibration is not None
        if judged.calibration is None:
            assert "Not published" in judged.reason
            assert f"{judged.brier:.5f} against {judged.brier_constant:.5f}" in judged.reason
    assert published <= 4


def test_a_forecast_that_pointed_the_wrong_way_gets_none():
    judged = judge_confidence(_past(-1.0), embargo=0, overlap=1)
    assert judged.calibration is None
    assert "wrong way" in judged.reason


def test_a_calibration_never_sees_the_stretch_it_is_tested_on():
    """Outcomes of the last stretch turn round: what was stated for it must not change."""
    past = _past(1.0)
    last = past.stretch == 3
    turned = PastForecasts(
        past.stretch,
        past.starts,
        past.known,
        past.score,
        np.where(last, -past.target, past.target),
    )
    honest, fooled = (
        judge_confidence(p, embargo=0, overlap=1, method="platt") for p in (past, turned)
    )
    assert fooled.curve.stated == pytest.approx(honest.curve.stated, abs=1e-12)
    assert fooled.brier > honest.brier


def test_rows_known_too_late_are_kept_out():
    past = _past(1.0)
    assert past.before(1, embargo=0).sum() == 4_000 - 10 + 1
    assert past.before(1, embargo=100).sum() == 4_000 - 110 + 1
    assert not past.before(0, embargo=0).any()


def test_one_stretch_is_too_little_to_judge():
    judged = judge_confidence(_past(1.0, stretches=1), embargo=0, overlap=1)
    assert (judged.calibration, judged.rows) == (None, 0)


def test_shrinkage_is_what_forecasts_deserved():
    draw = np.random.default_rng(0)
    score = draw.normal(size=10_000)
    assert fit_shrinkage(score, 0.4 * score) == pytest.approx(0.4)
    assert fit_shrinkage(score, 3.0 * score) == 1.0
    assert fit_shrinkage(score, -score) == 0.0
    assert fit_shrinkage(np.zeros(5), np.ones(5)) == 0.0
