"""A symbol of days beside one of minutes: checks pass, and a restated day reaches what it must."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("daily_source.py")
OWN, NEXT = "2021-02|SOLUSDT", "2021-03|SOLUSDT"
SOURCES = {
    "days": {
        "kind": "package",
        "root": ".",
        "pattern": "{symbol}.csv",
        "timeframe": "1d",
        "newest_bar": "finished",
        "columns": {"ts": "date", **{n: n for n in ("open", "high", "low", "close", "volume")}},
        "time": {"format": "%Y-%m-%d"},
    }
}
INSTRUMENTS = {
    "SOLUSDT": {
        "source": "days",
        "calendar": "XNYS",
        "quote": "USD",
        "tick": "0.01",
        "lot": "1",
        "asset_class": "equity",
    }
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(told_by: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return told_by(PROGRAM, TA_SOURCES=json.dumps(SOURCES), TA_INSTRUMENTS=json.dumps(INSTRUMENTS))


def test_only_the_missing_day_fails_a_check(told: dict[str, Any]) -> None:
    assert told["checks"] == [f"has_no_gaps {OWN}"]
    assert told["at first"] == {}


def test_a_restated_day_makes_the_larger_bars_of_its_month_stale(told: dict[str, Any]) -> None:
    """A session may begin on the evening before its month, so days also look one month back."""
    assert set(told["fetched again, restated"]) == {"bars_1m"}
    assert OWN in told["fetched again, restated"]["bars_1m"]
    assert told["minutes published"] == {
        "bars_5m": [OWN],
        "bars_1h": [OWN],
        "bars_1d": [OWN, NEXT],
    }


def test_features_made_of_no_five_minute_bars_stay_fresh_and_the_universe_does_not(
    told: dict[str, Any],
) -> None:
    """Data sets fan in over 100 keys and more, which Dagster never calls stale (ADR 3)."""
    assert told["larger bars published"] == {}
    assert told["data sets published"] == {"universe": ["2021-02", "2021-03"]}
