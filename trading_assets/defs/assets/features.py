"""Features: what models see of the market, computed month by month from the month's own anchor."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import dagster as dg

from trading_assets.defs.assets.market_data import bars_5m
from trading_assets.defs.datasets import dataset
from trading_assets.defs.lineage_links import with_radius
from trading_assets.defs.partition_events import (
    CheckEvents,
    Finding,
    PartitionEvents,
    check_each,
    report_each,
)
from trading_assets.defs.partitions import (
    MONTHS_BY_SYMBOL,
    SETTINGS,
    month_and_symbol,
    monthly_table,
    with_months_before,
)
from trading_assets.defs.presentation import by_month, columns, table
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.ids import content_hash
from trading_assets.features.feature_set import FeatureSet
from trading_assets.market.table_columns import FLOAT, TEXT, TIME
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.feature_catalogue import COLUMNS, catalogue_rows
from trading_assets.workflows.feature_sets import list_sets, model_set

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

GROUP = "features"
_SOURCES = (
    "features/core.py",
    "features/feature.py",
    "features/feature_set.py",
    "features/formula.py",
    "features/indicators.py",
    "features/momentum.py",
    "market/resample.py",
)
_CODE = [source_hash(*_SOURCES), version("polars")]
_CHECKS = {
    "is_finite": "No NaN or infinity; null only before the warm-up is complete.",
    "knows_no_future": "Cut at random bars and followed by another future, every row up to "
    "the cut has the same bits.",
}


def _code_version(features: FeatureSet) -> str:
    """Change whenever the set's own version does, which manifests hold and which needs polars."""
    said = [[f.name, f.formula, f.source.value, f.warm_up_bars] for f in features.features]
    return content_hash([*_CODE, features.name, features.version, said])[:16]


def _table(features: FeatureSet) -> dg.AssetsDefinition:
    formulas = {feature.name: feature.formula for feature in features.features}
    schema = {"ts": TIME, "symbol": TEXT, **dict.fromkeys(features.columns, FLOAT)}

    @monthly_table(
        name=features.table,
        group=GROUP,
        code_version=_code_version(features),
        deps=[with_months_before(bars_5m, features.warm_up)],
        kinds={"polars", "parquet"},
        schema=columns(schema, formulas),
        metadata={
            "feature_set": f"{features.name} {features.version}",
            "catalogue": table(catalogue_rows(features), COLUMNS),
        },
        description=f"The feature set `{features.name}` of five-minute bars, each column with its "
        "formula.\n\nA row knows its own bar and earlier ones only; it is null until its warm-up "
        "is complete. The warm-up reaches into the month before.",
    )
    def features_of_month(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
        from trading_assets.workflows.build_features import build_features

        build = partial(build_features, desk.open(), features=features)
        yield from report_each(context, by_month(build))

    return features_of_month


def _check_specs(asset: dg.AssetsDefinition) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name,
            asset=asset,
            description=text,
            blocking=True,
            partitions_def=MONTHS_BY_SYMBOL,
        )
        for name, text in _CHECKS.items()
    ]


def _checks(features: FeatureSet, specs: list[dg.AssetCheckSpec]) -> dg.AssetChecksDefinition:
    @dg.multi_asset_check(specs=specs, can_subset=True, name=f"{features.table}_checks")
    def checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
        yield from check_each(context, specs, partial(_judge, desk.open(), features))

    return checks


def _judge(desk: "Desk", features: FeatureSet, key: str) -> list[Finding]:
    from trading_assets.workflows.build_features import judge_features

    month, symbol = month_and_symbol(key)
    found = judge_features(desk, symbol, month, features)
    findings = [Finding(each.name, each.passed, each.metadata, each.detail) for each in found]
    return with_radius(desk, features.table, key, findings)


_SETS = list_sets(SETTINGS)
_ASSETS = {name: _table(features) for name, features in _SETS.items()}
_SPECS = {name: _check_specs(asset) for name, asset in _ASSETS.items()}

FEATURES = list(_ASSETS.values())
"""One table per feature set."""

FEATURE_CHECKS = [_checks(_SETS[name], specs) for name, specs in _SPECS.items()]

_CHOSEN = model_set(SETTINGS)
MODEL_FEATURES = _ASSETS[_CHOSEN.name]
"""The table that models learn from."""

MODEL_FEATURES_CHECKS = _SPECS[_CHOSEN.name]

dataset_features = dataset(_CHOSEN.table, MODEL_FEATURES, GROUP)
