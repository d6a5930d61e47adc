"""Models: one per month, trained on what was known before it, and its forecasts of that month."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.assets.features import MODEL_FEATURES, dataset_features
from trading_assets.defs.assets.market_data import bars_5m, dataset_bars_5m
from trading_assets.defs.datasets import dataset
from trading_assets.defs.partition_events import (
    CheckEvents,
    Finding,
    PartitionEvents,
    Version,
    check_each,
    report_each,
)
from trading_assets.defs.partitions import (
    MONTHS,
    MONTHS_BY_SYMBOL,
    ONE_RUN,
    SETTINGS,
    month_and_symbol,
    month_of_key,
    monthly_table,
    only_months_before,
    with_months_before,
)
from trading_assets.defs.presentation import by_month, columns, facts, image, table
from trading_assets.defs.resources import DeskResource
from trading_assets.defs.run_tags import run_tags
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.table_columns import CALIBRATION_COLUMNS, CALIBRATION_TEXTS
from trading_assets.workflows.code_hash import source_hash

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

GROUP = "models"
_MOVED_SHOWN = 10
_LONGEST = timedelta(days=1)
"""The longest horizon: a forecast of a month's last day is known in the next."""


@dg.asset(
    deps=[dataset_features, dataset_bars_5m],
    partitions_def=MONTHS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=source_hash(
        "forecasting", "workflows/train_month.py", "workflows/training_data.py"
    )[:16],
    kinds={"lightgbm", "mlflow"},
)
def forecast_model(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """LightGBM models of the forward return, one per horizon, for use in this month.

    They learn from labels that were fully known before the month begins. Native text with its
    hash, a model card, and a run in MLflow with scores against a baseline. Equal inputs are not
    trained twice.
    """
    from trading_assets.workflows.train_month import train_month

    opened = desk.open()

    def train(key: str) -> Version:
        tags = run_tags(context.run_id, context.asset_key, key)
        month = Month.from_text(key)
        trained = train_month(opened, month, tags=tags)
        return Version(trained.version, facts(trained.metadata) | _importance(opened, month))

    yield from report_each(context, train)


@monthly_table(
    group=GROUP,
    code_version=source_hash("forecasting", "workflows/forecast_month.py")[:16],
    deps=[MODEL_FEATURES, month_of_key(forecast_model)],
    kinds={"polars", "parquet"},
)
def forecasts(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """Out-of-sample forecasts of each bar by the model of its month, with a calibrated confidence.

    The confidence is null where it did not beat a constant one out of sample.
    """
    from trading_assets.workflows.forecast_month import forecast_month

    opened = desk.open()
    yield from report_each(
        context,
        by_month(partial(forecast_month, opened), pictures=partial(_drift, opened)),
    )


dataset_forecasts = dataset("forecasts", forecasts, GROUP)


@monthly_table(
    group=GROUP,
    code_version=source_hash("forecasting", "workflows/score_forecasts.py")[:16],
    deps=[with_months_before(forecasts, _LONGEST), with_months_before(bars_5m, _LONGEST)],
    kinds={"polars", "parquet"},
)
def forecast_outcomes(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """How forecasts turned out, day by day, once their returns were known: errors and calibration.

    A forecast is scored in the month in which its return became known. The picture shows stated
    confidence against what came true, and by day the Brier score less that of a constant.
    """
    from trading_assets.workflows.score_forecasts import score_forecasts

    opened = desk.open()
    yield from report_each(
        context,
        by_month(partial(score_forecasts, opened), pictures=partial(_calibration, opened)),
    )


_CALIBRATED_MONTHS = SETTINGS.risk_factor.calibration_months + 1


@monthly_table(
    group=GROUP,
    code_version=source_hash("forecasting", "workflows/measure_calibration.py")[:16],
    deps=[only_months_before(each, _CALIBRATED_MONTHS) for each in (forecasts, bars_5m)],
    kinds={"polars", "parquet"},
    schema=columns(CALIBRATION_COLUMNS, CALIBRATION_TEXTS),
)
def forecast_calibration(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """How far confidences were from what came, by the outcomes known when the month begins.

    Without what chance adds, and with what it surely is at least: the risk factor heeds that.
    """
    from trading_assets.workflows.measure_calibration import measure_calibration

    yield from report_each(context, by_month(partial(measure_calibration, desk.open())))


def _calibration(desk: "Desk", symbol: Symbol, month: Month) -> dict[str, dg.MetadataValue[Any]]:
    from trading_assets.workflows.score_forecasts import outcomes_picture

    png = outcomes_picture(desk, symbol, month)
    return {} if png is None else {"calibration": image("calibration", png)}


def _importance(desk: "Desk", month: Month) -> dict[str, Any]:
    """Show what matters to the month's models, and whether it is what mattered before."""
    from trading_assets.forecasting.pictures import importance_picture
    from trading_assets.workflows.feature_importance import importances, stability

    shares = importances(desk, month)
    if not shares:
        return {}
    png = importance_picture({str(each): found for each, found in shares.items()})
    return facts({"importance_stability": stability(shares)}) | {
        "importance": image("importance", png)
    }


def _drift(desk: "Desk", symbol: Symbol, month: Month) -> dict[str, Any]:
    """Show how far the month's features have moved from those that its models learned from."""
    from trading_assets.workflows.feature_drift import feature_drift

    drift = feature_drift(desk, symbol, month)
    rows = [
        {"feature": name, "psi": psi, "matters": name in drift.top}
        for name, psi in list(drift.psi.items())[:_MOVED_SHOWN]
    ]
    largest = facts({"drift_largest_psi_that_matters": drift.largest})
    return largest | ({"drift": table(rows, ("feature", "psi", "matters"))} if rows else {})


FORECAST_MODEL_CHECKS = [
    dg.AssetCheckSpec(
        "beats_its_baselines",
        asset=forecast_model,
        description="Out of fold, its forecasts are better than the baselines'. Never blocks: the "
        "decision looks at what a strategy makes of it.",
        partitions_def=MONTHS,
    )
]
FORECASTS_CHECKS = [
    dg.AssetCheckSpec(
        "are_out_of_sample",
        asset=forecasts,
        description="Every model behind the month is of that month, and learned from earlier "
        "months only.",
        blocking=True,
        partitions_def=MONTHS_BY_SYMBOL,
    ),
    dg.AssetCheckSpec(
        "features_have_not_moved",
        asset=forecasts,
        description="No feature that matters to the models has a population stability index above "
        "0.25 against the months before. Never blocks: slow features move by themselves.",
        partitions_def=MONTHS_BY_SYMBOL,
    ),
]


@dg.multi_asset_check(specs=FORECAST_MODEL_CHECKS, can_subset=True)
def forecast_model_checks(
    context: dg.AssetCheckExecutionContext, desk: DeskResource
) -> CheckEvents:
    """Compare each month's models with their baselines."""
    yield from check_each(context, FORECAST_MODEL_CHECKS, partial(_judge_models, desk.open()))


@dg.multi_asset_check(specs=FORECASTS_CHECKS, can_subset=True)
def forecasts_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Look at what the models behind each month have seen."""
    yield from check_each(context, FORECASTS_CHECKS, partial(_judge_forecasts, desk.open()))


def _judge_models(desk: "Desk", key: str) -> list[Finding]:
    month = Month.from_text(key)
    beats: dict[str, bool] = {
        horizon: bool(desk.models.require(month, horizon).summary["beats_baselines"])
        for horizon in desk.settings.model.horizons
    }
    return [
        Finding(
            "beats_its_baselines", all(beats.values()), beats, severity=dg.AssetCheckSeverity.WARN
        )
    ]


def _judge_forecasts(desk: "Desk", key: str) -> list[Finding]:
    month, symbol = month_and_symbol(key)
    manifest = desk.tables.require("forecasts", symbol, month)
    models = [desk.models.get(model_id) for model_id in manifest.extra["models"].values()]
    seen = {address.rsplit("/", 1)[1] for model in models for address in model.parents}
    of_other_months = [model.address for model in models if model.month != month]
    return [
        Finding(
            "are_out_of_sample",
            bool(models) and not of_other_months and max(seen, default="") < str(month),
            {"models": len(models), "learned_from_months": sorted(seen)},
        ),
        _judge_drift(desk, symbol, month),
    ]


def _judge_drift(desk: "Desk", symbol: Symbol, month: Month) -> Finding:
    from trading_assets.features.drift import MOVED
    from trading_assets.workflows.feature_drift import feature_drift

    drift = feature_drift(desk, symbol, month)
    moved = drift.beyond(MOVED)
    said = {"moved": {name: drift.psi[name] for name in moved}, "months": len(drift.reference)}
    return Finding("features_have_not_moved", not moved, said, severity=dg.AssetCheckSeverity.WARN)
