"""How good a configuration is: out-of-fold forecasts by purged cross-validation, path by path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trading_assets.domain.errors import DataError
from trading_assets.forecasting.cross_validation import Split, assemble_paths, combinatorial_purged
from trading_assets.forecasting.horizons import horizon_bars, horizon_micros
from trading_assets.forecasting.learners import predictor_from_text
from trading_assets.forecasting.sample import Sample
from trading_assets.forecasting.scores import forecast_scores
from trading_assets.forecasting.trainer import TrainingConfig, grow

_DECIMALS = 12


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """Scores of one configuration.

    Attributes:
        r2: mean over paths, of returns in units of their volatility; see `forecast_scores`.
        paths: the same of each path through the whole history.
        sign_accuracy: mean over paths.
    """

    r2: float
    paths: tuple[float, ...]
    sign_accuracy: float

    @property
    def r2_spread(self) -> float:
        """Standard deviation over paths; 0 with one path."""
        return float(np.std(self.paths))


def purged_splits(sample: Sample, *, groups: int, tested: int) -> tuple[Split, ...]:
    """Split a sample for configurations to be compared on; embargoed by its horizon.

    Raises:
        ConfigurationError: as `combinatorial_purged`.
        DataError: if purging leaves a split nothing to learn from.
    """
    embargo = horizon_micros(sample.horizon)
    splits = combinatorial_purged(
        sample.decided, sample.known, groups=groups, tested=tested, embargo=embargo
    )
    if not all(len(split.train) for split in splits):
        raise DataError(
            "The history is too short for these splits",
            expected=f"rows further from {tested} tested groups of {groups} than {sample.horizon}",
            found="a split with none",
            fix="Take fewer groups, test fewer of them, or take a later month.",
        )
    return splits


def cross_validate(
    sample: Sample, config: TrainingConfig, splits: tuple[Split, ...]
) -> CrossValidated:
    """Train on each split and score what it says of the rows that it was not trained on.

    The history is no path that could have been lived: training rows may be later than tested
    ones. It compares configurations; how good forecasts will be is for walking forward to say.
    """
    texts = grow(sample, [split.train for split in splits], config)
    said = [
        predictor_from_text(text).predict(sample.x[split.test])
        for text, split in zip(texts, splits, strict=True)
    ]
    target, bars = sample.target, horizon_bars(sample.horizon)
    paths = assemble_paths(sample.decided, splits, said)
    scores = [forecast_scores(path, target, horizon_bars=bars) for path in paths]
    r2, right = ([round(of[name], _DECIMALS) for of in scores] for name in ("r2", "sign_accuracy"))
    return CrossValidated(_mean(r2), tuple(r2), _mean(right))


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), _DECIMALS)
