"""Fifty symbols over five years: what people wait for stays short."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trading_assets.domain.bar import MINUTE
from trading_assets.domain.ids import Month, Symbol, months_between
from trading_assets.market.bar_frame import BAR_SCHEMA
from trading_assets.storage.partition_store import PartitionStore

PROGRAM = Path(__file__).with_name("fifty_symbols.py")
BTC = Symbol("BTCUSDT")

pytestmark = pytest.mark.slow


def least(work: Callable[[], Any], rounds: int = 40) -> float:
    """Give the least milliseconds: other work on the machine only ever adds."""
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        found.append(time.perf_counter() - start)
    return min(found) * 1000


def bars(month: Month) -> pl.DataFrame:
    """Give a month of minutes that cannot be compressed to nothing."""
    minutes = pl.int_range(month.start, month.end, MINUTE, eager=True).alias("ts")
    walk = pl.col("ts") // MINUTE * 7919 % 10_007 / 100 + 100
    return pl.DataFrame({"ts": minutes}).select(
        pl.col("ts").cast(BAR_SCHEMA["ts"]),
        pl.lit(str(BTC)).alias("symbol"),
        *((walk + i).alias(name) for i, name in enumerate(("open", "high", "low", "close"))),
        *((walk * 3.1).alias(name) for name in ("volume", "quote_volume")),
        (pl.col("ts") // MINUTE % 997).alias("n_trades"),
        pl.lit("test").alias("source"),
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, float]:
    symbols = [f"S{number:02d}USDT" for number in range(50)]
    result = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={k: v for k, v in os.environ.items() if not k.startswith("TA_")}
        | {
            "TA_HOME": str(tmp_path_factory.mktemp("home")),
            "TA_SYMBOLS": json.dumps(symbols),
            "TA_HISTORY_START": "2021-01",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    found: dict[str, float] = json.loads(result.stdout.splitlines()[-1])
    sys.stderr.write(f"\n{json.dumps(found, indent=1)}\n")
    return found


def test_planning_a_backfill_of_three_thousand_keys_takes_a_moment(told: dict[str, float]) -> None:
    assert told["keys"] == 3000
    assert told["planning a backfill of four tables"] < 2.0


def test_the_statuses_of_three_thousand_keys_take_a_moment(told: dict[str, float]) -> None:
    assert told["statuses of an empty asset"] < 0.5
    assert told["statuses after backfills"] < 0.5
    assert told["statuses after backfills, for the first time"] < 3.0


def test_a_month_by_manifest_costs_at_most_3_ms_more_than_its_file(tmp_path: Path) -> None:
    store, month = PartitionStore(tmp_path), Month(2024, 3)
    manifest, _ = store.publish("bars_1m", BTC, month, bars(month), code_version="1", parents={})
    path = str(store.path(manifest))
    plain = least(lambda: pl.read_parquet(path))
    ours = least(lambda: store.read("bars_1m", BTC, month))
    resolving = least(lambda: store.require("bars_1m", BTC, month))
    sys.stderr.write(f"\nfile {plain:.2f} ms, by manifest {ours:.2f}, resolving {resolving:.2f}\n")
    assert ours - plain <= 3.0


def test_a_year_of_one_symbol_is_resolved_in_milliseconds(tmp_path: Path) -> None:
    store, months = PartitionStore(tmp_path), months_between(Month(2024, 1), Month(2024, 12))
    for month in months:
        store.publish("bars_1m", BTC, month, bars(month).head(5), code_version="1", parents={})
    year = least(lambda: [store.require("bars_1m", BTC, month) for month in months])
    sys.stderr.write(f"\na year resolved in {year:.2f} ms\n")
    assert year <= 20.0
