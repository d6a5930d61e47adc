"""Research: what the current models expect of the newest bar, hour by hour."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from typing import Any

import dagster as dg

from trading_assets.defs.assets.market_data import dataset_bars_5m
from trading_assets.defs.assets.models import forecast_model
from trading_assets.defs.presentation import facts, table
from trading_assets.defs.resources import DeskResource
from trading_assets.workflows.code_hash import source_hash

GROUP = "models"
_CODE_VERSION = source_hash(
    "forecasting", "risk", "features/regime.py", "workflows/forecast_now.py"
)[:16]
_FORECAST = ("asset", "horizon", "prediction", "confidence", "timestamp", "model_id", "purpose")
_RISK = ("asset", "book", "risk_factor", "reasons", "timestamp", "purpose")


@dg.asset(
    deps=[
        dataset_bars_5m,
        dg.AssetDep(forecast_model, partition_mapping=dg.LastPartitionMapping()),
    ],
    group_name=GROUP,
    code_version=_CODE_VERSION,
    kinds={"lightgbm", "parquet"},
)
def forecast_now(desk: DeskResource) -> dg.MaterializeResult[Any]:
    """The newest bar of every symbol as the month's models see it, with its risk factor.

    Research only: live books predict with the model that their release pins. What is newer than
    the tables is fetched and not published; rows go to `forecasts_now` and `risk_updates`.
    """
    from trading_assets.workflows.forecast_now import forecast_now

    told = forecast_now(desk.open())
    return dg.MaterializeResult(
        data_version=dg.DataVersion(told.version),
        metadata={
            "forecast_updates": table(told.forecasts, _FORECAST),
            "risk_updates": table(told.risk, _RISK),
            **facts({"new_rows": told.changed, "skipped": dict(told.skipped)}),
        },
    )
