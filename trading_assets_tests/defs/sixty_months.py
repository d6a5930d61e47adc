"""A program for test_staleness.py: the real graph over 60 months x 2 symbols, with one restated.

It runs in its own process, since symbols and first month are read when the graph is loaded. Months
are two hours long and lie in a mirror of Binance's archive; only the training of a model has a
stand-in, as two hours a month teach nothing. It prints what is stale, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from trading_assets.definitions import defs
from trading_assets.defs.assets import backtests, market_data, models
from trading_assets.defs.partitions import SETTINGS, key_range, range_tags
from trading_assets.domain.ids import Month, Symbol, months_between
from trading_assets.workflows import train_month

MINUTES = 120
MONTHS = months_between(SETTINGS.first_month, SETTINGS.first_month.shift(59))
RESTATED = (SETTINGS.symbols[1], SETTINGS.first_month.shift(28))
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
TABLES = [market_data.raw_klines, market_data.bars_1m, market_data.bars_5m]
RULES = [a for a in backtests.BACKTESTS if a.key.path[1] in ("ib_fixed1", "ib_risk1")]


def lay_down(symbol: Symbol, month: Month, *, scale: float = 1.0) -> None:
    """Put the vendor's zip of a month into the mirror, with its checksum."""
    assert SETTINGS.archive_root is not None
    path = SETTINGS.archive_root / f"monthly/klines/{symbol}/1m/{symbol}-1m-{month}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(MINUTES):
        ts, price = month.start // 1000 + i * 60_000, round(scale * (100 + i % 17 / 10), 2)
        values = (ts, price, price + 1, price - 1, price, 2, ts + 59_999, 2 * price, 3, 1, 1, 0)
        rows.append(",".join(map(str, values)))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{path.stem}.csv"), "\n".join(rows))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.CHECKSUM").write_text(f"{digest}  {path.name}\n")


def trained(_: object, month: Month, **__: object) -> Any:
    """Stand for the training of a month."""
    return SimpleNamespace(version=f"model of {month}", metadata={})


def run(
    instance: dg.DagsterInstance,
    assets: Sequence[dg.AssetsDefinition],
    keys: tuple[str, str] | None = None,
) -> None:
    """Materialise assets, without their checks, over all keys between two."""
    result = dg.materialize(
        [*(defs.assets or []), *(defs.asset_checks or [])],
        selection=dg.AssetSelection.assets(*assets).without_checks(),
        tags=range_tags(*keys) if keys else {},
        instance=instance,
        resources=defs.resources,
        run_config=QUIET,
    )
    assert result.success


def stale(instance: dg.DagsterInstance) -> dict[str, list[str | None]]:
    """List the stale keys of every asset that was ever materialised."""
    graph = defs.get_repository_def().asset_graph
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    found: dict[str, list[str | None]] = {}
    for key in graph.materializable_asset_keys:
        partitioned = graph.get(key).is_partitioned
        there = sorted(instance.get_materialized_partitions(key)) if partitioned else [None]
        odd = [k for k in there if resolver.get_status(key, k) is StaleStatus.STALE]
        if odd:
            found[key.to_user_string()] = odd
    return found


def main() -> None:
    train_month.train_month = trained
    for month in MONTHS:
        for symbol in SETTINGS.symbols:
            lay_down(symbol, month)
    whole = key_range(MONTHS[0], MONTHS[-1], SETTINGS.symbols)
    told = {}
    with dg.DagsterInstance.ephemeral() as instance:
        run(instance, [market_data.instruments])
        run(instance, TABLES, whole)
        run(instance, [market_data.dataset_bars_5m])
        run(instance, [models.forecast_model], (str(MONTHS[1]), str(MONTHS[-1])))
        run(instance, RULES)
        told["at first"] = stale(instance)

        symbol, month = RESTATED
        lay_down(symbol, month, scale=1.01)
        year = key_range(Month(month.year, 1), Month(month.year, 12), [symbol])
        run(instance, TABLES[:2], year)
        told["twelve months run again"] = stale(instance)

        run(instance, TABLES, whole)
        run(instance, [market_data.dataset_bars_5m])
        told["all months run again"] = stale(instance)
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
