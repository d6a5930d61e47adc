"""Risk: what would make entries smaller, over time, by the engine's own rule."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from datetime import timedelta
from functools import partial

import dagster as dg

from trading_assets.defs.assets.market_data import bars_5m
from trading_assets.defs.assets.models import forecast_calibration, forecasts
from trading_assets.defs.assets.regimes import regimes
from trading_assets.defs.partition_events import PartitionEvents, report_each
from trading_assets.defs.partitions import monthly_table, with_months_before
from trading_assets.defs.presentation import by_month, columns
from trading_assets.defs.resources import DeskResource
from trading_assets.market.table_columns import RISK_LOG_COLUMNS, RISK_LOG_TEXTS
from trading_assets.workflows.code_hash import source_hash

GROUP = "models"
_CODE_VERSION = source_hash("risk", "features/regime.py", "workflows/risk_factor.py")[:16]


@monthly_table(
    group=GROUP,
    code_version=_CODE_VERSION,
    deps=[
        with_months_before(bars_5m, timedelta(days=30)),
        forecasts,
        forecast_calibration,
        regimes,
    ],
    kinds={"numba", "parquet"},
    schema=columns(RISK_LOG_COLUMNS, RISK_LOG_TEXTS),
)
def risk_factor(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """What entries would be multiplied by, and why: every change of a month, as `risk_log`.

    Low or miscalibrated confidence, high volatility or a turbulent regime, by the rule that the
    engine sizes with. Runs and live books judge with their own section of the spec, and know the
    drawdown of their book.
    """
    from trading_assets.workflows.risk_factor import risk_factor_month

    yield from report_each(context, by_month(partial(risk_factor_month, desk.open())))
