"""Dagster's front door: everything that the desk consists of, as a table of contents."""

from __future__ import annotations

import gc

import dagster as dg

# Dagster and this graph live as long as their process. The collector would walk through all of it
# again and again, in the middle of these imports too, and once more as the process ends: a third of
# what a short run costs to start.
gc.freeze()

# ruff: noqa: E402 - they come after it on purpose
from trading_assets.defs import (
    alert_sensor,
    jobs,
    repair_sensor,
    schedules,
    sensors,
    slo_sensor,
    supervisor,
)
from trading_assets.defs.assets import (
    backtests,
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
    second_source,
    slo,
    sweeps,
    vendors,
)
from trading_assets.defs.partitions import SETTINGS
from trading_assets.defs.resources import resources

defs = dg.Definitions(
    assets=[
        # vendors and archives, which are read and never made
        *vendors.VENDORS,
        # market data: the vendor's bytes -> bars -> data set
        market_data.instruments,
        market_data.raw_klines,
        calendars.calendars,
        market_data.bars_1m,
        market_data.bars_5m,
        market_data.bars_1h,
        market_data.bars_1d,
        market_data.dataset_bars_5m,
        market_data.dataset_bars_1d,
        # sizes that specs trade besides
        *market_data.ASKED_BARS,
        *market_data.ASKED_DATASETS,
        # who may be traded in a month
        market_data.universe,
        market_data.dataset_universe,
        # features
        *features.FEATURES,
        features.dataset_features,
        regimes.regimes,
        regimes.dataset_regimes,
        # models and their forecasts
        models.forecast_model,
        models.forecasts,
        models.dataset_forecasts,
        models.forecast_outcomes,
        models.forecast_calibration,
        # what would make entries smaller
        risk.risk_factor,
        # what is expected now
        research.forecast_now,
        # one backtest per strategy spec
        *backtests.BACKTESTS,
        # sweeps over parameters and folds in time, one each per sweep file
        *sweeps.SWEEPS,
        # promotion
        promotion.promotion_decision,
        promotion.release,
        # live: the runs of the books, and their days
        *live.LIVE_RUNS,
        *live.REPORTS,
        conduct.live_conduct,
        conduct.live_conduct_pages,
        slo.slo_report,
        # what their fills have cost
        costs.costs,
    ],
    asset_checks=[
        market_data.bars_1m_checks,
        *second_source.CHECKS,
        market_data.bars_5m_checks,
        *features.FEATURE_CHECKS,
        regimes.regimes_checks,
        models.forecast_model_checks,
        models.forecasts_checks,
        *backtests.BACKTEST_CHECKS,
        promotion.decision_can_be_recomputed,
        promotion.registry_follows_ledger,
        conduct.conduct_checks,
        live.live_fill_checks,
        live.live_parity_checks,
        live.live_alert_checks,
        slo.slo_checks,
        costs.cost_checks,
    ],
    jobs=[
        jobs.daily_tables,
        jobs.repair_bars,
        jobs.retrain,
        jobs.daily_results,
        jobs.promote,
        jobs.live_trading,
        jobs.halt_book,
        jobs.live_reports,
        jobs.measure_costs,
        jobs.hourly_research,
    ],
    schedules=[
        schedules.daily_backtest,
        schedules.daily_live_reports,
        schedules.monthly_costs,
        schedules.hourly_forecast,
    ],
    sensors=[
        sensors.daily_chain,
        sensors.follow_tables,
        sensors.promote_if_green,
        sensors.keep_live_running,
        supervisor.watch_over_live,
        slo_sensor.slo_guard,
        alert_sensor.tell_alerts,
        repair_sensor.repair_gaps,
    ],
    resources=resources(SETTINGS),
    executor=dg.in_process_executor,
)

gc.freeze()
