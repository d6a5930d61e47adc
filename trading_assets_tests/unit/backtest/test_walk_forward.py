"""Walk-forward: what is chosen knows nothing of what comes after, and tests follow each other."""

import polars as pl
import pytest

from trading_assets import Sweep
from trading_assets.backtest.plan import Folds
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError
from trading_assets_tests.unit.backtest.swept import SPEC, bars

GRID = {"tick": "0.01", "lot": "0.001"}
SPACE = {"fast": [2, 5, 8], "slow": [12, 24]}
METRIC = "net_return_pct"
FOLDS = Folds(train_days=3, test_days=2)


def walked(frame, folds=FOLDS):
    return Sweep(SPEC, frame, SPACE, **GRID, metric=METRIC).walk_forward(folds)


def test_bars_after_a_training_change_nothing_that_is_chosen_in_it():
    frame = bars(days=9)
    whole = walked(frame)
    for number, one in enumerate(whole.folds):
        later = pl.col("ts") >= pl.lit(one.fold.train_end).cast(pl.Datetime("us", "UTC"))
        prices = ("open", "high", "low", "close")
        bent = frame.with_columns(pl.when(later).then(pl.col(p) * 3).otherwise(p) for p in prices)

        same = walked(bent).folds[number]

        assert same.chosen.params == one.chosen.params
        assert same.chosen.fills_hash == one.chosen.fills_hash
        assert same.test.fills_hash != one.test.fills_hash


def test_a_fold_chooses_the_best_of_its_training_and_no_other():
    frame = bars(days=9)
    one = walked(frame).folds[1]
    start, end = (f"2024-01-0{d}T00:00Z" for d in (3, 6))

    alone = Sweep(SPEC, frame, SPACE, **GRID, metric=METRIC, start=start, end=end).run()

    assert one.chosen.params == alone.best.params
    assert one.chosen.fills_hash == alone.best.fills_hash


def test_tests_are_joined_into_one_curve():
    result = walked(bars(days=9))
    equity = result.equity

    assert result.table["fold"].to_list() == [0, 1, 2]
    assert equity["ts_utc"].is_sorted()
    assert equity.height == 6
    grown = 10_000.0
    for fold in result.folds:
        grown *= 1 + fold.test.metrics["net_return_pct"] / 100
    assert equity["equity"][-1] == pytest.approx(grown)
    assert result.metrics["cumulative_return"] == pytest.approx(grown / 10_000 - 1)


def test_rolling_trainings_keep_their_length_and_anchored_ones_grow():
    rolling, anchored = (Folds(3, 2, purge_days=1, anchored=a).over(0, 12 * DAY) for a in (0, 1))

    assert [(f.train_start // DAY, f.train_end // DAY) for f in rolling] == [
        (0, 3),
        (2, 5),
        (4, 7),
        (6, 9),
    ]
    assert {f.train_start for f in anchored} == {0}
    assert all(f.test_start - f.train_end == DAY for f in rolling)
    assert [f.test_end // DAY for f in rolling] == [6, 8, 10, 12]


def test_bars_too_few_for_a_fold_are_refused():
    with pytest.raises(ConfigurationError, match="too few for a fold"):
        walked(bars(days=2))


def test_overlapping_tests_are_refused():
    with pytest.raises(ConfigurationError, match="step_days"):
        Folds(train_days=3, test_days=4, step_days=2)
