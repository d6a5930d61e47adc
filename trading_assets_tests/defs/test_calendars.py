"""Bars are stale when their own sessions change, and not because a calendar grew."""

from __future__ import annotations

from pathlib import Path

import pytest

from trading_assets_tests.defs.conftest import RunProgram

PROGRAM = Path(__file__).with_name("session_months.py")


@pytest.mark.slow
def test_only_the_bars_of_the_month_whose_sessions_changed_are_stale(told_by: RunProgram) -> None:
    told = told_by(PROGRAM, TA_INSTRUMENTS__SOLUSDT__CALENDAR="XNYS", TA_HISTORY_START="2024-01")
    assert told["at first"] == {}
    assert told["another year"] == {}
    here = ["2024-02|SOLUSDT"]
    assert told["one session"] == {
        "bars_1m": here,
        "bars_5m": here,
        "bars_1h": here,
        "bars_1d": here,
    }
