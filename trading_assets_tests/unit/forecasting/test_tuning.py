from dataclasses import replace

import numpy as np
import pytest

from trading_assets.domain.errors import DataError
from trading_assets.forecasting import tuning
from trading_assets.forecasting.trainer import grow
from trading_assets.forecasting.tuning import cross_validate, purged_splits


@pytest.fixture(scope="module")
def small(config):
    return replace(config, rounds=8)


def test_rows_are_scored_by_trees_that_were_not_trained_on_them(make_sample, small, monkeypatch):
    sample = make_sample(days=12)
    seen = []

    def watch(own, parts, config):
        seen.extend(parts)
        return grow(own, parts, config)

    monkeypatch.setattr(tuning, "grow", watch)
    splits = purged_splits(sample, groups=4, tested=2)
    score = cross_validate(sample, small, splits)
    assert len(score.paths) == 3
    assert score.r2 == pytest.approx(np.mean(score.paths), abs=1e-12)
    assert score.r2 > 0
    for rows, split in zip(seen, splits, strict=True):
        assert not set(rows) & set(split.test)
        late = sample.known[rows][:, None] > sample.decided[split.test][::50]
        early = sample.decided[rows][:, None] < sample.known[split.test][::50]
        assert not (late & early).any()


def test_what_can_be_learned_scores_above_noise(make_sample, small):
    lean, noise = make_sample(days=12), make_sample(days=12, lean=0.0)
    good, none = (
        cross_validate(s, small, purged_splits(s, groups=3, tested=1)) for s in (lean, noise)
    )
    assert good.r2 > 0.02 > none.r2
    assert good.sign_accuracy > none.sign_accuracy + 0.02
    assert good.r2_spread == 0.0


def test_splits_without_a_row_to_learn_from_are_refused(make_sample):
    with pytest.raises(DataError, match="too short for these splits"):
        purged_splits(make_sample(days=4, horizon="4h"), groups=30, tested=29)


def test_threads_change_nothing(make_sample, small):
    sample = make_sample(days=12)
    splits = purged_splits(sample, groups=3, tested=1)
    one, two = (cross_validate(sample, replace(small, threads=n), splits) for n in (1, 2))
    assert one == two
