"""What happens by the clock: the daily chain from bars to a decision, and the live reports."""

# No postponed annotations here: Dagster reads the types of a schedule's arguments.
from datetime import datetime, timedelta

import dagster as dg

from trading_assets.defs.assets.market_data import raw_klines
from trading_assets.defs.assets.models import forecast_model
from trading_assets.defs.books import play_money_books
from trading_assets.defs.jobs import (
    daily_tables,
    hourly_research,
    live_reports,
    measure_costs,
)
from trading_assets.defs.live_run import live_run_key
from trading_assets.defs.partitions import DAILY_TAG, SETTINGS, key_range, open_months, range_tags
from trading_assets.domain.ids import Month
from trading_assets.workflows.listing import is_traded_in

_MOVING = SETTINGS.source != "archive"
"""An archive does not grow by itself."""


@dg.schedule(
    job=daily_tables,
    cron_schedule="10 0 * * *",
    execution_timezone="UTC",
    default_status=(
        dg.DefaultScheduleStatus.RUNNING if _MOVING else dg.DefaultScheduleStatus.STOPPED
    ),
)
def daily_backtest(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every night: new bars, features, forecasts, backtests, decision.

    It starts the chain `daily_tables` -> `retrain` (when the month has no model yet) ->
    `daily_results`. It waits until history reaches up to last month: on a desk that only holds
    older months there is nothing to follow.
    """
    scheduled = context.scheduled_execution_time
    first, last = open_months(int(scheduled.timestamp()) * 1_000_000)
    missing = _missing_before(context.instance, first)
    if missing:
        return dg.SkipReason(
            f"{raw_klines.key.to_user_string()} has no {missing}: backfill up to last month first"
        )
    day = f"{scheduled:%Y-%m-%d}"
    return dg.RunRequest(
        run_key=f"daily:{day}",
        tags={DAILY_TAG: day, **range_tags(*key_range(first, last, SETTINGS.symbols))},
    )


@dg.schedule(
    job=live_reports,
    cron_schedule="20 0 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def daily_live_reports(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every night: orders, fills, equity and parity of the day before, when a book was live."""
    day = context.scheduled_execution_time - timedelta(days=1)
    if not any(_was_live(context.instance, book, day) for book in play_money_books(SETTINGS)):
        return dg.SkipReason(f"no book was live on {day:%Y-%m-%d}")
    return dg.RunRequest(run_key=f"live:{day:%Y-%m-%d}", partition_key=f"{day:%Y-%m-%d}")


@dg.schedule(
    job=measure_costs,
    cron_schedule="40 0 1 * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def monthly_costs(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every month: what the fills of the month before have cost, when a book was live in it."""
    last_day = context.scheduled_execution_time - timedelta(days=1)
    books = play_money_books(SETTINGS)
    began = last_day.replace(day=1)
    is_armed = len(books) < len(SETTINGS.books)  # real money is not started from here
    if not is_armed and not any(_was_live(context.instance, book, began) for book in books):
        return dg.SkipReason(f"no book was live in {last_day:%Y-%m}")
    return dg.RunRequest(run_key=f"costs:{last_day:%Y-%m}", partition_key=f"{last_day:%Y-%m}")


@dg.schedule(
    name="forecast_now",
    job=hourly_research,
    cron_schedule="1 * * * *",
    execution_timezone="UTC",
    default_status=(
        dg.DefaultScheduleStatus.RUNNING if _MOVING else dg.DefaultScheduleStatus.STOPPED
    ),
)
def hourly_forecast(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Every hour: forecasts of the newest bar, for people.

    It waits until the month has a model, which the nightly chain trains.
    """
    scheduled = context.scheduled_execution_time
    # The newest bar has opened some minutes ago: at midnight in the month before.
    month = Month.of(int((scheduled - timedelta(minutes=6)).timestamp()) * 1_000_000)
    if str(month) not in context.instance.get_materialized_partitions(forecast_model.key):
        return dg.SkipReason(f"{forecast_model.key.to_user_string()} has no {month}")
    return dg.RunRequest(run_key=f"forecast:{scheduled:%Y-%m-%dT%H}")


def _missing_before(instance: dg.DagsterInstance, first: Month) -> str:
    """Give the first key of the month before that is not materialised, "" when none is missing."""
    month = first.shift(-1)
    if month < SETTINGS.first_month:
        return ""
    there = instance.get_materialized_partitions(raw_klines.key)
    traded = [symbol for symbol in SETTINGS.symbols if is_traded_in(SETTINGS, symbol, month)]
    keys = [f"{month}|{symbol}" for symbol in traded]
    return next((key for key in keys if key not in there), "")


def _was_live(instance: dg.DagsterInstance, book: str, day: datetime) -> bool:
    """Tell whether a live run said anything since the day began."""
    wanted = dg.AssetRecordsFilter(
        asset_key=live_run_key(book), after_timestamp=day.replace(hour=0, minute=0).timestamp()
    )
    return bool(instance.fetch_observations(wanted, limit=1).records)
