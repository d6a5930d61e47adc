"""Drift of a month: how far each feature has moved from the months that models learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from trading_assets.domain.ids import Month, Symbol
from trading_assets.features.drift import population_stability_index
from trading_assets.features.feature_set import FeatureSet
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import model_set
from trading_assets.workflows.market_tables import is_of_own_source

_MOST_MONTHS = 12
"""That a month is compared with; of longer histories the newest."""

_TOP = 10


@dataclass(frozen=True, slots=True)
class Drift:
    """Population stability indices of a month.

    Attributes:
        reference: months that it was compared with, ascending; none when it is the first.
        psi: index by feature, the largest first; empty without a reference.
        top: features that matter most to the month's models, by share of gain over all horizons;
            all of them, where no model of the month has learned from this set.
    """

    symbol: Symbol
    month: Month
    reference: tuple[Month, ...]
    psi: Mapping[str, float]
    top: tuple[str, ...]

    @property
    def largest(self) -> float | None:
        """Largest index of the features that matter; None without a reference."""
        return max((self.psi[name] for name in self.top), default=None) if self.psi else None

    def beyond(self, limit: float) -> tuple[str, ...]:
        """Give those of the features that matter whose index is beyond a limit."""
        return tuple(name for name in self.psi if name in self.top and self.psi[name] > limit)


def feature_drift(
    desk: Desk, symbol: Symbol, month: Month, features: FeatureSet | None = None
) -> Drift:
    """Compare the features of a month with those of the same symbol in the months before it.

    Args:
        desk: whose tables and models are looked at.
        symbol: of the features.
        month: that is compared; the months before it are what its models could learn from.
        features: the set; that of the models when left out.

    Raises:
        MissingPartition: if the month has no features.
        CorruptFile: if a file is damaged.
    """
    chosen = features or model_set(desk.settings)
    own = desk.tables.require(chosen.table, symbol, month)
    before = _months_before(desk, own, chosen)
    top = _top(desk, month, chosen)
    reference = tuple(manifest.month for manifest in before if manifest.month is not None)
    if not before or not own.rows:
        return Drift(symbol, month, reference, {}, top)
    now = desk.tables.read_manifest(own)
    then = pl.concat([desk.tables.read_manifest(manifest) for manifest in before])
    psi = {name: population_stability_index(then[name], now[name]) for name in chosen.columns}
    ordered = dict(sorted(psi.items(), key=lambda item: (-item[1], item[0])))
    return Drift(symbol, month, reference, ordered, top)


def _months_before(desk: Desk, own: Manifest, features: FeatureSet) -> list[Manifest]:
    """Give the newest months before one that were computed by the same code from its source."""
    months = [
        month
        for month in desk.tables.months(features.table, own.symbol)
        if own.month is not None and desk.settings.first_month <= month < own.month
    ]
    found = [desk.tables.require(features.table, own.symbol, month) for month in months]
    usable = [
        manifest
        for manifest in found
        if manifest.rows
        and manifest.code_version == own.code_version
        and is_of_own_source(desk.settings, manifest)
    ]
    return usable[-_MOST_MONTHS:]


def _top(desk: Desk, month: Month, features: FeatureSet) -> tuple[str, ...]:
    """Give the features with the largest shares of gain in the models that learned from them."""
    shares: Counter[str] = Counter()
    for horizon in desk.settings.model.horizons:
        model = desk.models.current(month, horizon)
        if model and model.summary["features_code_version"] == features.code_version:
            shares.update(model.summary["gains"])
    used = (name for name in shares if shares[name] > 0)
    return tuple(sorted(used, key=lambda name: (-shares[name], name))[:_TOP]) or features.columns
