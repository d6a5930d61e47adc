"""Stale means that rows differ: the real graph over 60 months x 2 symbols, one month restated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("sixty_months.py")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(told_by: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    return told_by(PROGRAM)


def test_nothing_is_stale_at_first(told: dict[str, Any]) -> None:
    assert told["at first"] == {}


def test_one_changed_month_of_twelve_leaves_exactly_one_stale_child(told: dict[str, Any]) -> None:
    assert told["twelve months run again"] == {"bars_5m": ["2023-05|SOLUSDT"]}


def test_one_changed_month_of_sixty_makes_models_and_backtests_stale_and_nothing_else(
    told: dict[str, Any],
) -> None:
    found = told["all months run again"]
    assert sorted(found) == ["backtest/ib_fixed1", "backtest/ib_risk1", "forecast_model"]
    assert len(found["forecast_model"]) == 59
