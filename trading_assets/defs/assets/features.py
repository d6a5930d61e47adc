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
    month_and_symbol,
    monthly_table,
    with_months_before,
)
from trading_assets.defs.presentation import by_month, columns
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.ids import content_hash
from trading_assets.features.feature_set import CORE
from trading_assets.market.table_columns import FLOAT, TEXT, TIME
from trading_assets.workflows.code_hash import source_hash

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

GROUP = "features"
_FORMULAS = {feature.name: feature.formula for feature in CORE.features}
_SCHEMA = {"ts": TIME, "symbol": TEXT, **dict.fromkeys(CORE.columns, FLOAT)}
_SOURCES = ("features/feature.py", "features/feature_set.py", "features/indicators.py")
_CODE_VERSION = content_hash([source_hash(*_SOURCES, "market/resample.py"), version("polars")])[:16]
"""Manifests hold the set's own version, which needs polars; this one changes whenever that does."""


@monthly_table(
    group=GROUP,
    code_version=_CODE_VERSION,
    deps=[with_months_before(bars_5m, CORE.warm_up)],
    kinds={"polars", "parquet"},
    schema=columns(_SCHEMA, _FORMULAS),
)
def features_5m(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """The feature set of five-minute bars, each column with its formula.

    A row knows its own bar and earlier ones only; it is null until its warm-up is complete. The
    warm-up reaches into the month before.
    """
    from trading_assets.workflows.build_features import build_features

    yield from report_each(context, by_month(partial(build_features, desk.open())))


dataset_features_5m = dataset("features_5m", features_5m, GROUP)

FEATURES_5M_CHECKS = [
    dg.AssetCheckSpec(
        name, asset=features_5m, description=text, blocking=True, partitions_def=MONTHS_BY_SYMBOL
    )
    for name, text in {
        "is_finite": "No NaN or infinity; null only before the warm-up is complete.",
        "knows_no_future": "Cut at random bars and followed by another future, every row up to "
        "the cut has the same bits.",
    }.items()
]


@dg.multi_asset_check(specs=FEATURES_5M_CHECKS, can_subset=True)
def features_5m_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Judge each month of features as it stands on disk, and what computed it."""
    yield from check_each(context, FEATURES_5M_CHECKS, partial(_judge, desk.open()))


def _judge(desk: "Desk", key: str) -> list[Finding]:
    from trading_assets.workflows.build_features import judge_features

    month, symbol = month_and_symbol(key)
    found = judge_features(desk, symbol, month)
    findings = [Finding(each.name, each.passed, each.metadata, each.detail) for each in found]
    return with_radius(desk, "features_5m", key, findings)
