"""Stale means that rows differ: the real graph over 60 months x 2 symbols, one month restated."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).with_name("sixty_months.py")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    (home / "mirror/monthly").mkdir(parents=True)
    result = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={k: v for k, v in os.environ.items() if not k.startswith("TA_")}
        | {
            "TA_HOME": str(home),
            "TA_SOURCE": "archive",
            "TA_ARCHIVE_ROOT": str(home / "mirror"),
            "TA_SYMBOLS": '["BTCUSDT", "SOLUSDT"]',
            "TA_HISTORY_START": "2021-01",
            "TA_QUALITY__MAX_GAP_MINUTES": "100000",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


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
