"""Jobs: the links of the daily chain, promotion, and the live run."""

from __future__ import annotations

from typing import Any

import dagster as dg

from trading_assets.defs.assets import (
    calendars,
    conduct,
    costs,
    features,
    live,
    market_data,
    models,
    promotion,
    regimes,
    research,
    risk,
    slo,
)
from trading_assets.defs.assets.backtests import BACKTESTS
from trading_assets.defs.books import PROMOTED_BOOK
from trading_assets.defs.halt_run import HaltConfig, put_up_latch
from trading_assets.defs.live_run import LiveConfig, trade

DECISION_TAG = "promotion/decision"
GAPS_TAG = "market/gaps"
"""On the runs that repair: which gaps of which month."""

RELEASE_TAG = "live/release"
BOOK_TAG = "live/book"

daily_tables = dg.define_asset_job(
    "daily_tables",
    selection=dg.AssetSelection.assets(
        market_data.instruments,
        market_data.raw_klines,
        calendars.calendars,
        market_data.bars_1m,
        market_data.bars_5m,
        market_data.bars_1h,
        market_data.bars_1d,
        market_data.dataset_bars_5m,
        market_data.dataset_bars_1d,
        *market_data.ASKED_BARS,
        *market_data.ASKED_DATASETS,
        features.MODEL_FEATURES,
        features.dataset_features,
        regimes.regimes,
        regimes.dataset_regimes,
    ),
    description="New bars and features of some months, and the data sets over all months. "
    "First link of the daily chain.",
)

REPAIR: dict[str, Any] = {"ops": {market_data.raw_klines.op.name: {"config": {"repair": True}}}}
"""Configuration of a run that repairs."""

repair_bars = dg.define_asset_job(
    "repair_bars",
    selection=dg.AssetSelection.assets(
        market_data.raw_klines,
        market_data.bars_1m,
        market_data.bars_5m,
        market_data.bars_1h,
        market_data.bars_1d,
        *market_data.ASKED_BARS,
    ),
    config=REPAIR,
    description="Ask the vendor again for missing minutes, take what it has, note what it has not.",
)

retrain = dg.define_asset_job(
    "retrain",
    selection=dg.AssetSelection.assets(
        models.forecast_model, market_data.universe, market_data.dataset_universe
    ),
    description="What is frozen before a month begins: its forecast model and its universe. In the "
    "daily chain it runs once a month.",
)

daily_results = dg.define_asset_job(
    "daily_results",
    selection=dg.AssetSelection.assets(
        models.forecasts,
        models.dataset_forecasts,
        models.forecast_outcomes,
        models.forecast_calibration,
        risk.risk_factor,
        *BACKTESTS,
        promotion.promotion_decision,
    ),
    description="Forecasts and how they turn out, risk factors, backtests and the promotion "
    "decision. Last link of the daily chain.",
)

promote = dg.define_asset_job(
    "promote",
    selection=dg.AssetSelection.assets(promotion.release),
    description="Publish what the decision promoted. Repeating it changes nothing.",
)

live_reports = dg.define_asset_job(
    "live_reports",
    selection=dg.AssetSelection.assets(
        *live.REPORTS, conduct.live_conduct, conduct.live_conduct_pages, slo.slo_report
    ),
    description="Orders, fills, equity, parity and availability of a day, from the journal.",
)

measure_costs = dg.define_asset_job(
    "measure_costs",
    selection=dg.AssetSelection.assets(costs.costs),
    description="What the fills of live books have cost, as known by the end of a month.",
)

hourly_research = dg.define_asset_job(
    "hourly_research",
    selection=dg.AssetSelection.assets(research.forecast_now),
    description="What the month's models expect of the newest bar, and its risk factor. Research: "
    "no live book reads it.",
)


@dg.job(
    executor_def=dg.in_process_executor,
    tags={BOOK_TAG: PROMOTED_BOOK, "dagster/max_retries": "0"},
    config=dg.RunConfig(ops={"trade": LiveConfig()}),
)
def live_trading() -> None:
    """Trade the promoted release until the run is terminated; then stop cleanly.

    One executor per account: a run that finds another at work says who it is and ends. Books with
    real money are refused.
    """
    trade()


@dg.job(
    executor_def=dg.in_process_executor,
    tags={"dagster/max_retries": "0"},
    config=dg.RunConfig(ops={"put_up_latch": HaltConfig()}),
)
def halt_book() -> None:
    """Stop a book at once: no entry leaves any more; FLATTEN sells what it holds.

    Works on every book, with real money too. Only a person lets it go on: `trading-assets resume`.
    """
    put_up_latch()


def promote_config(decision_id: str) -> dict[str, Any]:
    """Ask `promote` for one decision."""
    return {"ops": {promotion.release.op.name: {"config": {"decision_id": decision_id}}}}
