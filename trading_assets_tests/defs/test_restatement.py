"""A month that the vendor restated makes exactly what stands on it stale, level by level."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("restated_month.py")
OWN, NEXT = "2021-02|SOLUSDT", "2021-03|SOLUSDT"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(told_by: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return told_by(PROGRAM, TA_QUALITY__OUTAGES="outages.csv")


def test_fetching_what_has_not_changed_makes_nothing_stale(told: dict[str, Any]) -> None:
    assert told["at first"] == {}
    assert told["fetched again, unchanged"] == {}


def test_a_restated_zip_makes_only_the_minutes_of_its_month_stale(told: dict[str, Any]) -> None:
    assert told["fetched again, restated"] == {"bars_1m": [OWN]}


def test_restated_minutes_make_only_their_larger_bars_stale(told: dict[str, Any]) -> None:
    assert told["minutes published"] == {"bars_5m": [OWN], "bars_1h": [OWN], "bars_1d": [OWN]}


def test_restated_bars_make_features_stale_as_far_as_their_warm_up_reaches(
    told: dict[str, Any],
) -> None:
    """Data sets fan in over 100 keys and more, which Dagster never calls stale (ADR 3)."""
    assert told["larger bars published"] == {"features_5m": [OWN, NEXT]}
    assert told["features published"] == {}
    assert told["at last"] == {}


def test_a_new_explanation_makes_stale_what_repeats_the_old_one_and_changes_no_rows(
    told: dict[str, Any],
) -> None:
    assert told["gap explained"] == {"bars_5m": [OWN], "bars_1h": [OWN], "bars_1d": [OWN]}
    assert told["causes written anew"] == {}
