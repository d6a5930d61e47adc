"""A program for test_scale.py: the real graph with 50 symbols x 60 months, timed.

It runs in its own process, since symbols and first month are read when the graph is loaded. Every
fifth key of bars_1m has an event, scattered as after many backfills. It prints seconds, as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import dagster as dg
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.loader import LoadingContextForTest
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from trading_assets.definitions import defs
from trading_assets.defs.assets import market_data
from trading_assets.defs.partitions import MONTHS_BY_SYMBOL, SETTINGS
from trading_assets.domain.ids import months_between

TABLES = (market_data.raw_klines, market_data.bars_1m, market_data.bars_5m, market_data.bars_1h)
MONTHS = months_between(SETTINGS.first_month, SETTINGS.first_month.shift(59))
KEYS = [f"{month}|{symbol}" for symbol in SETTINGS.symbols for month in MONTHS]


def least(work: Callable[[], Any], rounds: int = 3) -> float:
    """Give the least seconds: other work on the machine only ever adds."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found)


def main() -> None:
    graph = defs.get_repository_def().asset_graph
    told: dict[str, float] = {"keys": len(KEYS)}
    with dg.DagsterInstance.ephemeral() as instance:

        def plan() -> AssetBackfillData:
            return AssetBackfillData.from_asset_partitions(
                asset_graph=graph,
                partition_names=KEYS,
                asset_selection=[table.key for table in TABLES],
                dynamic_partitions_store=instance,
                all_partitions=False,
                backfill_start_timestamp=MONTHS[-1].end / 1_000_000,
            )

        def statuses() -> None:
            context = LoadingContextForTest(instance)
            get_and_update_asset_status_cache_value(
                instance, market_data.bars_1m.key, MONTHS_BY_SYMBOL, loading_context=context
            )

        planned = plan().target_subset
        assert all(planned.get_asset_subset(t.key).size == len(KEYS) for t in TABLES)
        told["planning a backfill of four tables"] = least(plan)
        told["statuses of an empty asset"] = least(statuses)
        for key in KEYS[::5]:
            event = dg.AssetMaterialization(market_data.bars_1m.key, partition=key)
            instance.report_runless_asset_event(event)
        start = time.perf_counter()
        statuses()
        told["statuses after backfills, for the first time"] = time.perf_counter() - start
        told["statuses after backfills"] = least(statuses)
        assert len(instance.get_materialized_partitions(market_data.bars_1m.key)) == len(KEYS[::5])
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
