"""What the models of a month may learn from: features and bars of every earlier month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month
from trading_assets.features.feature_set import FeatureSet
from trading_assets.forecasting.barriers import Barriers
from trading_assets.forecasting.sample import Sample, sample_from_tables
from trading_assets.forecasting.trainer import TrainingConfig
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import model_set
from trading_assets.workflows.freeze_dataset import (
    Dataset,
    dataset_from_manifests,
    table_manifests,
)
from trading_assets.workflows.held_out import research_end
from trading_assets.workflows.market_tables import bars_table

_BARS = bars_table(Timeframe.M5)
_PRICES = ("ts", "open", "high", "low", "close")


@dataclass(frozen=True)
class TrainingData:
    """Manifests of features and bars, month by month; tables are read when they are needed.

    Attributes:
        month: whose models learn from it.
        until: first month that is not looked at: `month`, or the first one held out.
        dataset: of all of them, with one hash.
        feature_set: that all of these features are of.
    """

    desk: Desk
    month: Month
    until: Month
    features: tuple[Manifest, ...]
    bars: tuple[Manifest, ...]
    dataset: Dataset
    feature_set: FeatureSet

    @cached_property
    def tables(self) -> Mapping[str, tuple[pl.DataFrame, pl.DataFrame]]:
        """Features and bars of each symbol over all months; every file is proven."""
        parts: dict[str, list[tuple[Manifest, Manifest]]] = {}
        for pair in zip(self.features, self.bars, strict=True):
            parts.setdefault(str(pair[0].symbol), []).append(pair)
        read = self.desk.tables.read_manifest
        return {
            symbol: (
                pl.concat([read(rows) for rows, _ in pairs]),
                pl.concat([read(prices).select(_PRICES) for _, prices in pairs]),
            )
            for symbol, pairs in parts.items()
        }

    def sample(self, horizon: str, barriers: Barriers | None) -> Sample:
        """Give the rows of a horizon whose labels were known before `until` began."""
        return sample_from_tables(
            self.tables,
            self.feature_set.columns,
            horizon,
            until=self.until.start,
            barriers=barriers,
        )


def training_data(desk: Desk, month: Month) -> TrainingData:
    """Find what the models of a month may learn from.

    Nobody learns from months held out or later ones: models of those months all know the same.

    Raises:
        DataError: if no earlier month has features, or those were made by other code.
        MissingPartition: if bars of a month with features are missing.
    """
    chosen = model_set(desk.settings)
    end = research_end(desk.settings)
    until = month if end is None else min(month, end)
    features = _features_before(desk, until, chosen)
    bars = [desk.tables.require(_BARS, m.symbol, m.month) for m in features]
    dataset = dataset_from_manifests(f"forecast_model/{month}", [*features, *bars])
    return TrainingData(desk, month, until, tuple(features), tuple(bars), dataset, chosen)


def training_config(desk: Desk) -> TrainingConfig:
    """Give the configuration that settings ask for."""
    model = desk.settings.model
    has_barriers = model.label == "triple_barrier"
    return TrainingConfig(
        rounds=model.rounds,
        num_leaves=model.num_leaves,
        learning_rate=model.learning_rate,
        min_data_in_leaf=model.min_data_in_leaf,
        seed=model.seed,
        threads=model.threads,
        barriers=Barriers(model.barrier_upper, model.barrier_lower) if has_barriers else None,
        calibration=model.calibration,
    )


def _features_before(desk: Desk, month: Month, chosen: FeatureSet) -> list[Manifest]:
    found = table_manifests(desk, chosen.table, before=month)
    features = [manifest for manifest in found if manifest.rows]  # not those of daily bars
    if not features:
        raise DataError(
            f"There is nothing to learn from before {month}",
            expected=f"{chosen.table} of at least one month before it, from "
            f"{desk.settings.first_month} on, of source {desk.settings.source}",
            found="none",
            fix=f"Materialise {chosen.table} of earlier months, or train a later month.",
        )
    old = [m.address for m in features if m.code_version != chosen.code_version]
    if old:
        raise DataError(
            f"Features before {month} were computed by other code",
            expected=f"code version {chosen.code_version[:16]} in all of them",
            found=f"another in {', '.join(old[:6])}{', ...' if len(old) > 6 else ''}",
            fix=f"Materialise {chosen.table} of these months again.",
        )
    return features
