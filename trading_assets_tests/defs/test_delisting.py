"""The real graph over a listing and a delisting: months outside are empty, not failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("delisted_symbol.py")
BEFORE, AFTER = "2024-01|SOLUSDT", "2024-03|SOLUSDT"
TABLES = ("raw_klines", "bars_1m", "bars_5m", "bars_1h", "bars_1d", "features_5m", "regimes")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(told_by: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Trade SOLUSDT from 3 to 25 February 2024 alone, and BTCUSDT from January to March."""
    return told_by(
        PROGRAM,
        TA_HISTORY_START="2024-01",
        TA_QUALITY__MAX_GAP_MINUTES="4320",
        TA_INSTRUMENTS__SOLUSDT__LISTED="2024-02-03",
        TA_INSTRUMENTS__SOLUSDT__DELISTED="2024-02-26",
        TA_MODEL__HORIZONS='["1h"]',
        TA_MODEL__ROUNDS="5",
        TA_UNIVERSE__LOOK_BACK_DAYS="10",
    )


def test_one_run_over_months_outside_the_listing_leaves_no_key_out(told: dict[str, Any]) -> None:
    months = ("2024-01", "2024-02")
    everything = [f"{month}|{symbol}" for month in months for symbol in ("BTCUSDT", "SOLUSDT")]
    assert told["features after the backfill"] == everything


def test_a_month_outside_the_listing_is_empty_in_every_table_and_says_why(
    told: dict[str, Any],
) -> None:
    empty = {table: [BEFORE, AFTER] for table in TABLES}
    assert told["empty"] == {**empty, "forecasts": [AFTER]}
    assert told["why"].startswith("SOLUSDT was not traded in 2024-03; expected a month inside")
    assert "[2024-02-03, 2024-02-26)" in told["why"]


def test_the_nightly_chain_goes_through_to_its_last_link(told: dict[str, Any]) -> None:
    assert told["last link"] == ["2024-02|BTCUSDT", AFTER]
    assert told["stale"] == {}


def test_a_delisted_symbol_keeps_its_months_and_its_place_in_the_universe(
    told: dict[str, Any],
) -> None:
    assert told["stored"] == ["2024-02"]
    assert told["backtest"] == ["2024-02"]
    assert told["universe"]["2024-03"] == [
        ["BTCUSDT", True, None],
        ["SOLUSDT", False, "delisted before the month"],
    ]
