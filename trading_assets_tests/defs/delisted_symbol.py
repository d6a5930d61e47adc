"""A program for test_delisting.py: the real graph where one symbol of two came late and went early.

It runs in its own process, since symbols and first month are read when the graph is loaded. The
nightly chain is asked for by its own schedule and sensor. It prints what came of it, as JSON.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl
import sixty_months as real_graph

from trading_assets import bootstrap
from trading_assets.definitions import defs
from trading_assets.defs.assets import features, market_data, models
from trading_assets.defs.jobs import daily_results, daily_tables, retrain
from trading_assets.defs.partitions import SETTINGS, key_range, range_tags
from trading_assets.defs.schedules import daily_backtest
from trading_assets.defs.sensors import daily_chain
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.workflows.listing import listed_part
from trading_assets.workflows.run_plan import plan_run
from trading_assets.workflows.strategy_specs import find_spec

MONTHS = [SETTINGS.first_month.shift(n) for n in range(3)]
BTC, SOL = SETTINGS.symbols
RESULTS = [models.forecasts, models.dataset_forecasts, *real_graph.RULES]


def lay_down(symbol: Symbol, month: Month, start: Micros, end: Micros) -> None:
    """Put the vendor's zip of a month into the mirror: minutes in [start, end) that wander."""
    assert SETTINGS.archive_root is not None
    path = SETTINGS.archive_root / f"monthly/klines/{symbol}/1m/{symbol}-1m-{month}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    n = pl.int_range(start // MINUTE, end // MINUTE, eager=True).alias("n")
    price = 100 + (pl.col("n") * 7919 % 977) / 500 + (pl.col("n") // 180 * 31 % 17)
    frame = pl.DataFrame({"n": n}).select(
        pl.col("n") * 60_000,
        price.round(2).alias("open"),
        (price + 0.5).round(2).alias("high"),
        (price - 0.5).round(2).alias("low"),
        (price + 0.1).round(2).alias("close"),
        pl.lit(2.0).alias("volume"),
        (pl.col("n") * 60_000 + 59_999).alias("close_ts"),
        (price * 2).round(2).alias("quote"),
        pl.lit(3).alias("trades"),
        *(pl.lit(1).alias(name) for name in "abc"),
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}.csv", frame.write_csv(include_header=False))
    path.write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")


def run(instance: dg.DagsterInstance, job: dg.JobDefinition, tags: dict[str, str]) -> dg.DagsterRun:
    """Execute a job of the graph with all its checks, as the daemon would."""
    resolved = defs.resolve_job_def(job.name)
    result = resolved.execute_in_process(
        instance=instance, tags=tags, run_config=real_graph.QUIET, raise_on_error=True
    )
    assert result.success
    return result.dagster_run


def asked(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, str]:
    """Give the tags of the next link, as the sensor of the chain asks for it."""
    (event,) = [
        e
        for e in instance.all_logs(run.run_id)
        if e.dagster_event_type is dg.DagsterEventType.RUN_SUCCESS
    ]
    context = dg.build_run_status_sensor_context(
        sensor_name="daily_chain",
        dagster_event=event.get_dagster_event(),
        dagster_instance=instance,
        dagster_run=run,
    )
    request: Any = daily_chain(context)
    return dict(request.tags)


def empty(instance: dg.DagsterInstance) -> dict[str, list[str]]:
    """List the keys whose newest event says that their symbol was not traded."""
    found: dict[str, list[str]] = {}
    for asset in defs.get_repository_def().asset_graph.materializable_asset_keys:
        tags = instance.event_log_storage.get_latest_tags_by_partition(
            asset, dg.DagsterEventType.ASSET_MATERIALIZATION, ["dagster/data_version"]
        )
        keys = [k for k, v in tags.items() if v["dagster/data_version"] == "not_traded"]
        if keys:
            found[asset.to_user_string()] = sorted(keys)
    return found


def why(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, key: str) -> str:
    """Give the reason that the newest event of a key names."""
    wanted = dg.AssetRecordsFilter(asset_key=asset.key, asset_partitions=[key])
    (record,) = instance.fetch_materializations(wanted, limit=1).records
    assert record.asset_materialization is not None
    return str(record.asset_materialization.metadata["not_traded"].value)


def main() -> None:
    for symbol in SETTINGS.symbols:
        for month in MONTHS:
            start, end = listed_part(SETTINGS, symbol, month.start, month.end)
            if start is not None and start < end:
                lay_down(symbol, month, start, end)
    told: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as home,  # on disk: schedules open their instance anew
        dg.DagsterInstance.local_temp(home) as instance,
    ):
        whole = key_range(MONTHS[0], MONTHS[1], SETTINGS.symbols)
        run(instance, daily_tables, range_tags(*whole))
        there = instance.get_materialized_partitions(features.MODEL_FEATURES.key)
        told["features after the backfill"] = sorted(there)

        with dg.build_schedule_context(
            instance=instance,
            scheduled_execution_time=datetime(
                MONTHS[2].year, MONTHS[2].month, 1, 0, 10, tzinfo=UTC
            ),
            repository_def=defs.get_repository_def(),
        ) as context:
            (night,) = daily_backtest.evaluate_tick(context).run_requests or []
        tables = run(instance, daily_tables, dict(night.tags))
        frozen = run(instance, retrain, asked(instance, tables))
        tags = asked(instance, frozen)
        told["last link"] = [tags[f"dagster/asset_partition_range_{e}"] for e in ("start", "end")]
        assert {a.key for a in RESULTS} <= set(
            defs.resolve_job_def(daily_results.name).asset_layer.selected_asset_keys
        )
        real_graph.run(instance, RESULTS[:1], (told["last link"][0], told["last link"][1]))
        real_graph.run(instance, RESULTS[1:])
        told["empty"] = empty(instance)
        told["why"] = why(instance, market_data.raw_klines, f"{MONTHS[2]}|{SOL}")
        told["stale"] = real_graph.stale(instance)
    desk = bootstrap.desk(SETTINGS)
    told["stored"] = [str(month) for month in desk.tables.months("bars_1d", SOL)]
    told["universe"] = {
        str(month): desk.tables.read("universe", None, month)
        .select("symbol", "member", "reason")
        .rows()
        for month in desk.tables.months("universe", None)
    }
    plan = plan_run(desk, find_spec(SETTINGS, "ib_fixed1"))
    told["backtest"] = [str(month) for month in plan.months]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
