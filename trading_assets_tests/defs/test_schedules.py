from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from trading_assets.definitions import defs
from trading_assets.defs.assets.market_data import raw_klines
from trading_assets.defs.assets.models import forecast_model
from trading_assets.defs.live_run import live_run_key
from trading_assets.defs.partitions import SETTINGS
from trading_assets.defs.schedules import (
    daily_backtest,
    daily_live_reports,
    hourly_forecast,
    monthly_costs,
)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """One on disk: schedules open it anew."""
    with dg.DagsterInstance.local_temp(str(tmp_path)) as on_disk:
        yield on_disk


def tick(
    instance: dg.DagsterInstance, schedule: dg.ScheduleDefinition, moment: datetime
) -> list[dg.RunRequest]:
    with dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=moment,
        repository_def=defs.get_repository_def(),
    ) as context:
        return list(schedule.evaluate_tick(context).run_requests or [])


def ingest(instance: dg.DagsterInstance, month: str) -> None:
    for symbol in SETTINGS.symbols:
        instance.report_runless_asset_event(
            dg.AssetMaterialization(raw_klines.key, partition=f"{month}|{symbol}")
        )


def span(request: dg.RunRequest) -> tuple[str, str]:
    tags = request.tags
    return tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]


def test_a_desk_that_only_holds_old_months_does_not_follow_the_market(
    instance: dg.DagsterInstance,
) -> None:
    ingest(instance, "2024-03")
    assert tick(instance, daily_backtest, datetime(2024, 9, 17, 0, 10, tzinfo=UTC)) == []


def test_the_running_month_of_all_symbols_is_brought_up_to_date(
    instance: dg.DagsterInstance,
) -> None:
    ingest(instance, "2024-04")
    (request,) = tick(instance, daily_backtest, datetime(2024, 5, 17, 0, 10, tzinfo=UTC))
    assert span(request) == ("2024-05|BTCUSDT", "2024-05|SOLUSDT")
    assert request.run_key == "daily:2024-05-17"


def test_the_first_day_of_a_month_brings_the_last_bars_of_the_one_before(
    instance: dg.DagsterInstance,
) -> None:
    ingest(instance, "2024-04")
    (request,) = tick(instance, daily_backtest, datetime(2024, 6, 1, 0, 10, tzinfo=UTC))
    assert span(request) == ("2024-05|BTCUSDT", "2024-06|SOLUSDT")


def test_the_first_month_of_history_needs_none_before_it(instance: dg.DagsterInstance) -> None:
    assert len(tick(instance, daily_backtest, datetime(2024, 1, 5, 0, 10, tzinfo=UTC))) == 1


def test_the_schedules_run_at_ten_and_twenty_past_midnight_utc() -> None:
    assert daily_backtest.cron_schedule == "10 0 * * *"
    assert daily_live_reports.cron_schedule == "20 0 * * *"
    assert {s.execution_timezone for s in (daily_backtest, daily_live_reports)} == {"UTC"}


def now(instance: dg.DagsterInstance) -> datetime:
    """Give the time that Dagster writes on an event."""
    instance.report_runless_asset_event(dg.AssetObservation("anything"))
    records = instance.fetch_observations(dg.AssetKey("anything"), limit=1).records
    return datetime.fromtimestamp(records[0].timestamp, UTC)


def test_a_day_without_a_live_run_has_no_report(instance: dg.DagsterInstance) -> None:
    assert tick(instance, daily_live_reports, now(instance)) == []


@pytest.mark.parametrize("book", ["paper", "demo"])
def test_a_day_with_a_live_run_is_reported_the_night_after(
    instance: dg.DagsterInstance, book: str
) -> None:
    instance.report_runless_asset_event(dg.AssetObservation(live_run_key(book)))
    tomorrow = now(instance) + timedelta(days=1)
    (request,) = tick(instance, daily_live_reports, tomorrow)
    assert request.partition_key == f"{now(instance):%Y-%m-%d}"


def test_the_costs_of_a_month_with_a_live_run_are_measured_as_the_next_begins(
    instance: dg.DagsterInstance,
) -> None:
    today = now(instance)
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    assert tick(instance, monthly_costs, next_month) == []
    instance.report_runless_asset_event(dg.AssetObservation(live_run_key("paper")))
    (request,) = tick(instance, monthly_costs, next_month)
    assert request.partition_key == f"{today:%Y-%m}"


def test_forecasts_of_this_moment_wait_for_the_model_of_their_bars_month(
    instance: dg.DagsterInstance,
) -> None:
    first_hour = datetime(2024, 5, 1, 0, 1, tzinfo=UTC)
    assert tick(instance, hourly_forecast, first_hour) == []
    instance.report_runless_asset_event(
        dg.AssetMaterialization(forecast_model.key, partition="2024-04")
    )
    (request,) = tick(instance, hourly_forecast, first_hour)  # its newest bar is April's
    assert request.run_key == "forecast:2024-05-01T00"
    assert tick(instance, hourly_forecast, first_hour + timedelta(hours=1)) == []
