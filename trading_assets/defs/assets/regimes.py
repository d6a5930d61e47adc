"""Regimes: how turbulent each hour was by what was known at its close."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

import dagster as dg

from trading_assets.defs.assets.market_data import bars_1h
from trading_assets.defs.datasets import dataset
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
from trading_assets.defs.presentation import by_month, columns
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.ids import content_hash
from trading_assets.market.table_columns import REGIME_COLUMNS, REGIME_TEXTS
from trading_assets.workflows.code_hash import source_hash

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

GROUP = "features"
_SOURCES = ("features/regime.py", "features/regime_estimation.py")
_CODE_VERSION = content_hash([source_hash(*_SOURCES), version("statsmodels")])[:16]


@monthly_table(
    group=GROUP,
    code_version=_CODE_VERSION,
    deps=[with_months_before(bars_1h, timedelta(days=SETTINGS.regimes.look_back_days))],
    kinds={"polars", "parquet"},
    schema=columns(REGIME_COLUMNS, REGIME_TEXTS),
)
def regimes(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """Filtered probabilities of volatility regimes, hour by hour, never smoothed.

    The parameters are estimated from the bars before the month and frozen; where those are too
    few, or show no regimes, the rows are null and the reason is shown.
    """
    from trading_assets.workflows.build_regimes import build_regimes

    yield from report_each(context, by_month(partial(build_regimes, desk.open())))


dataset_regimes = dataset("regimes", regimes, GROUP)

REGIMES_CHECKS = [
    dg.AssetCheckSpec(
        name, asset=regimes, description=text, blocking=blocks, partitions_def=MONTHS_BY_SYMBOL
    )
    for name, text, blocks in (
        ("are_probabilities", "Between 0 and 1, and each known row sums to one.", True),
        (
            "knows_no_future",
            "Cut at random hours and followed by another future, every row up to the cut has the "
            "same bits.",
            True,
        ),
        (
            "is_warmed_up",
            "Twice the warm-up changes nothing. Never blocks: states that hardly ever change are "
            "remembered longer.",
            False,
        ),
    )
]


@dg.multi_asset_check(specs=REGIMES_CHECKS, can_subset=True)
def regimes_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Judge each month of regimes as it stands on disk."""
    yield from check_each(context, REGIMES_CHECKS, partial(_judge, desk.open()))


def _judge(desk: "Desk", key: str) -> list[Finding]:
    from trading_assets.workflows.build_regimes import judge_regimes

    month, symbol = month_and_symbol(key)
    return [
        Finding(
            found.name,
            found.passed,
            found.metadata,
            found.detail,
            dg.AssetCheckSeverity.ERROR
            if found.name != "is_warmed_up"
            else dg.AssetCheckSeverity.WARN,
        )
        for found in judge_regimes(desk, symbol, month)
    ]
