"""Training: trees on scaled returns, sized and calibrated by their own out-of-fold forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, content_hash, sha256_hex
from trading_assets.forecasting.barriers import Barriers
from trading_assets.forecasting.baselines import baselines
from trading_assets.forecasting.booster import Booster, cpu_quota
from trading_assets.forecasting.bundle import ModelBundle
from trading_assets.forecasting.calibration import Method
from trading_assets.forecasting.confidence import (
    JudgedConfidence,
    PastForecasts,
    fit_shrinkage,
    judge_confidence,
)
from trading_assets.forecasting.forecaster import Forecaster
from trading_assets.forecasting.horizons import horizon_bars, horizon_micros
from trading_assets.forecasting.learners import BoostedTrees, FittedModel, Rows, fitted
from trading_assets.forecasting.sample import SCALE, Sample
from trading_assets.forecasting.scores import Floats, forecast_scores
from trading_assets.forecasting.validation import (
    Fold,
    Indices,
    month_edges,
    row_edges,
    walk_forward,
)

_STRETCHES = 6
_TESTED = 4
"""The last four stretches, months or sixths of the sample, are forecast by trees that know only
what was known before the stretch. The last three of them are judged: size and calibration of
their forecasts come from the stretches before."""

_MIN_FOLD_ROWS = 500
_ROOM = Path(__file__).parent
_SHOWING = ("model_card.py", "pictures.py")
_LARGE = 200_000
_BARS_PER_HOUR = 12
_BASELINE_STRIDE = 4
"""Baselines learn from every fourth row: neighbours share most of their label."""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """How trees are grown.

    Attributes:
        min_data_in_leaf: rows in a leaf for a horizon of one hour; longer horizons take more, in
            proportion, since their labels overlap more.
        threads: 0 is the CPU quota; it does not change the result.
        barriers: with them models learn the triple-barrier return, else the return over the
            horizon in units of volatility.
        calibration: `platt`, `isotonic`, or `auto` for the better of the two out of sample.
    """

    rounds: int
    num_leaves: int
    learning_rate: float
    min_data_in_leaf: int
    seed: int
    threads: int = 0
    barriers: Barriers | None = None
    calibration: Method | Literal["auto"] = "auto"

    def all_params(self, horizon: str) -> dict[str, Any]:
        """Give everything that shapes a model, for the record and for identities."""
        label: dict[str, Any] = {"label": "volatility_scaled"}
        if self.barriers is not None:
            label = {"label": "triple_barrier", **asdict(self.barriers)}
        shape = {**self.booster_params(horizon), "rounds": self.rounds}
        return {**shape, **label, "calibration": self.calibration}

    def booster_params(self, horizon: str) -> dict[str, Any]:
        """Give LightGBM's parameters for a horizon.

        The signal is a small part of the noise and rows overlap, so trees are kept plain: random
        thresholds, a third of the features and half of the rows each, leaves pulled towards zero.
        """
        leaf = round(self.min_data_in_leaf * max(horizon_bars(horizon) / _BARS_PER_HOUR, 1.0))
        return {
            "num_leaves": self.num_leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": leaf,
            "lambda_l2": float(leaf),
            "extra_trees": True,
            "feature_fraction": 0.3,
            "bagging_fraction": 0.5,
            "bagging_freq": 1,
            "seed": self.seed,
        }


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """A finished model, and how its kind did on rows it had not seen.

    Attributes:
        scores: of `model` and of each baseline on the same out-of-fold rows; see forecast_scores.
        stretches: the same for the model, stretch by stretch.
        gains: share of the trees' total gain by feature, largest first.
        baselines: fitted on every fourth row of the whole sample, by name.
    """

    bundle: ModelBundle
    booster_text: str
    rows: int
    scores: Mapping[str, Mapping[str, float]]
    stretches: tuple[Mapping[str, float], ...]
    confidence: JudgedConfidence
    gains: Mapping[str, float]
    baselines: Mapping[str, FittedModel] = field(default_factory=dict)

    def forecaster(self) -> Forecaster:
        """Give it ready to predict, without a detour over files."""
        return Forecaster(self.bundle, Booster(self.booster_text))


def train(
    sample: Sample,
    config: TrainingConfig,
    *,
    month: Month,
    symbols: tuple[str, ...],
    features_code_version: str,
    dataset: str,
) -> TrainedModel:
    """Train the model of one horizon that may predict `month`.

    Equal arguments give an equal model id, whatever the machine's number of cores.

    Args:
        sample: rows whose labels were known before the month began.
        config: of the trees.
        month: first month the model may predict.
        symbols: that the sample holds.
        features_code_version: of the feature set in the sample.
        dataset: Merkle hash of what the sample was read from.

    Raises:
        DataError: if the sample is too small, or knows the month.
    """
    check_sample(sample, month)
    folds = _folds(sample, month)
    everything = np.arange(len(sample))
    *texts, text = grow(sample, [*(fold.train for fold in folds), everything], config)
    past = _past_forecasts(sample, folds, texts)
    embargo = horizon_micros(sample.horizon)
    confidence = judge_confidence(
        past,
        embargo=embargo,
        overlap=horizon_bars(sample.horizon),
        method=config.calibration,
    )
    scores, stretches = _out_of_fold_scores(sample, folds, past)
    bundle = ModelBundle(
        month=month,
        horizon=sample.horizon,
        symbols=symbols,
        features=sample.features,
        features_code_version=features_code_version,
        scale=SCALE,
        dataset=dataset,
        params=config.all_params(sample.horizon),
        shrinkage=fit_shrinkage(past.score, past.target),
        calibration=confidence.calibration,
        booster_sha256=sha256_hex(text.encode()),
        code_version=code_version(),
    )
    return TrainedModel(
        bundle,
        text,
        len(sample),
        scores,
        stretches,
        confidence,
        gains=Booster(text).gains(),
        baselines=_fit_baselines(sample, everything),
    )


def code_version() -> str:
    """Give the hash of this room's modules but for those that only show models to people."""
    modules = sorted(path for path in _ROOM.glob("*.py") if path.name not in _SHOWING)
    return content_hash([[path.name, sha256_hex(path.read_bytes())] for path in modules])


def check_sample(sample: Sample, month: Month) -> None:
    """Refuse a sample that models of a month cannot, or must not, learn from.

    Raises:
        DataError: if it is too small, or knows the month.
    """
    if len(sample) < _STRETCHES * _MIN_FOLD_ROWS:
        raise _too_little(sample, month)
    if int(sample.known.max()) > month.start:
        raise DataError(
            f"Training data of {month} know the month itself",
            expected=f"labels known by {month.start} us",
            found=f"one known at {sample.known.max()} us",
        )


def _too_little(sample: Sample, month: Month) -> DataError:
    return DataError(
        f"Too little to train the {sample.horizon} model of {month}",
        expected=f"at least {_STRETCHES * _MIN_FOLD_ROWS:,} complete rows before it, with "
        f"{_MIN_FOLD_ROWS} in some month to be tested on",
        found=f"{len(sample):,}",
        fix="Materialise features of earlier months first.",
    )


def _folds(sample: Sample, month: Month) -> tuple[Fold, ...]:
    """Walk forward by month, and by sixths of the rows where there are too few months."""
    edges = month_edges(sample.decided, month.start)
    if len(edges) <= _STRETCHES:
        edges = row_edges(sample.decided, month.start, stretches=_STRETCHES)
    embargo = horizon_micros(sample.horizon)
    folds = walk_forward(sample.decided, sample.known, edges[-_TESTED - 1 :], embargo=embargo)
    usable = tuple(f for f in folds if min(len(f.train), len(f.test)) >= _MIN_FOLD_ROWS)
    if not usable:
        raise _too_little(sample, month)
    return usable


def grow(sample: Sample, parts: Sequence[Indices], config: TrainingConfig) -> list[str]:
    """Train trees on each part of the rows: small ones side by side, large ones after each other.

    Below some 200,000 rows the threads of one training mostly wait for each other.

    Returns:
        LightGBM text models; the number of threads does not change them.
    """
    cores = config.threads or cpu_quota()
    workers = cores if len(sample) < _LARGE else 1
    params = config.booster_params(sample.horizon)
    trees = BoostedTrees(params, config.rounds, sample.features, cores // workers)
    learned = sample.learned

    def grow_on(rows: Indices) -> str:
        return trees.fit(Rows(sample.features, sample.x[rows]), learned[rows])

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(grow_on, parts))


def _fit_baselines(sample: Sample, rows: Indices) -> dict[str, FittedModel]:
    """Fit every baseline on some of the rows; they learn the return that they are judged by."""
    learned = rows[::_BASELINE_STRIDE]
    known, y = sample.rows(learned), sample.target[learned]
    return {
        learner.name: fitted(learner, known, y) for learner in baselines(sample.features, SCALE)
    }


def _past_forecasts(sample: Sample, folds: tuple[Fold, ...], texts: Sequence[str]) -> PastForecasts:
    scores = [
        Booster(text).predict(sample.x[fold.test]) for fold, text in zip(folds, texts, strict=True)
    ]
    rows = np.concatenate([fold.test for fold in folds])
    return PastForecasts(
        stretch=np.repeat(np.arange(len(folds)), [len(fold.test) for fold in folds]),
        starts=tuple(fold.start for fold in folds),
        known=sample.known[rows],
        score=np.concatenate(scores),
        target=sample.target[rows],
    )


def _out_of_fold_scores(
    sample: Sample, folds: tuple[Fold, ...], past: PastForecasts
) -> tuple[dict[str, dict[str, float]], tuple[dict[str, float], ...]]:
    """Score model and baselines on the judged stretches, each sized by what came before it."""
    embargo = horizon_micros(sample.horizon)
    bars = horizon_bars(sample.horizon)
    forecasts: dict[str, list[Floats]] = {}
    for number, fold in enumerate(folds):
        if number == 0:
            continue
        before = past.before(number, embargo=embargo)
        share = fit_shrinkage(past.score[before], past.target[before])
        tested = sample.rows(fold.test)
        said = {
            "model": share * past.score[past.stretch == number],
            **{n: m.predict(tested) for n, m in _fit_baselines(sample, fold.train).items()},
        }
        for name, values in said.items():
            forecasts.setdefault(name, []).append(values * sample.scale[fold.test])
    realised = [sample.y[fold.test] for fold in folds[1:]]
    scores = {
        name: forecast_scores(np.concatenate(parts), np.concatenate(realised), horizon_bars=bars)
        for name, parts in forecasts.items()
    }
    stretches = tuple(
        {"start": float(fold.start), **forecast_scores(part, y, horizon_bars=bars)}
        for fold, part, y in zip(folds[1:], forecasts.get("model", []), realised, strict=True)
    )
    return scores, stretches
