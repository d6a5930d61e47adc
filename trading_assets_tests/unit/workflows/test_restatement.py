"""Minutes that Binance really restated: what it served in May 2021, and what it has had since."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from trading_assets.domain.ids import Month, Symbol
from trading_assets.workflows.data_diff import data_diff
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_month import market_month

pytestmark = pytest.mark.oracle

_SHARED = Path(os.environ.get("ORACLE_DATA") or Path(__file__).parents[4] / "shared")
_TABLE = _SHARED / "data/binance/spot/revised/BTCUSDT_1m_restated_bars.csv"
_PRICES = ["open", "high", "low", "close", "volume"]

BTC, APRIL = Symbol("BTCUSDT"), Month(2021, 4)


@pytest.fixture
def restated() -> pl.DataFrame:
    if not _TABLE.is_file():
        pytest.skip(f"no table at {_TABLE}")
    return pl.read_csv(_TABLE).with_columns(
        ts=pl.col("open_time").str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f%z", time_unit="us")
    )


def month_csv(bars: pl.DataFrame, csv_of: Callable[..., str]) -> str:
    """Lay the given minutes over a whole month of others, as the archive writes them."""
    minutes = range(APRIL.start, APRIL.end, 60_000_000)
    lines = dict(zip(minutes, csv_of(list(minutes)).splitlines(), strict=True))
    for ts, *values in bars.select(pl.col("ts").to_physical(), *_PRICES).iter_rows():
        fields = lines[ts].split(",")
        lines[ts] = ",".join([fields[0], *map(repr, values), *fields[6:]])
    return "\n".join(lines.values()) + "\n"


def test_the_seventy_restated_minutes_are_found_and_no_others(
    restated: pl.DataFrame, archive: Any, archive_desk: Desk, csv_of: Callable[..., str]
) -> None:
    later = restated.select("ts", *(pl.col(f"{name}_later").alias(name) for name in _PRICES))
    for bars in (restated, later):
        archive.put(str(APRIL), month_csv(bars, csv_of))
        raw, minutes, *_ = market_month(archive_desk, BTC, APRIL)
    assert (raw.changed, minutes.metadata["restated"]) == (True, 70)
    assert len(minutes.metadata["restated_minutes"]) == 20
    diff = data_diff(archive_desk, BTC, APRIL)
    assert diff.counts() == {"changed": 70, "added": 0, "removed": 0}
    assert diff.minutes["ts"].equals(restated["ts"], check_dtypes=False)
    for name in _PRICES:
        assert diff.minutes[f"{name}_old"].equals(restated[name].alias(f"{name}_old"))
        assert diff.minutes[f"{name}_new"].equals(restated[f"{name}_later"].alias(f"{name}_new"))
