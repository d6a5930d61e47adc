"""Bars are stale when their own sessions change, and not because a calendar grew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("session_months.py")


@pytest.mark.slow
def test_only_the_bars_of_the_month_whose_sessions_changed_are_stale(tmp_path: Path) -> None:
    (tmp_path / "mirror/monthly").mkdir(parents=True)
    result = subprocess.run(
        [sys.executable, str(PROGRAM)],
        env={k: v for k, v in os.environ.items() if not k.startswith("TA_")}
        | {
            "TA_HOME": str(tmp_path),
            "TA_SOURCE": "archive",
            "TA_ARCHIVE_ROOT": str(tmp_path / "mirror"),
            "TA_SYMBOLS": '["BTCUSDT", "SOLUSDT"]',
            "TA_INSTRUMENTS__SOLUSDT__CALENDAR": "XNYS",
            "TA_HISTORY_START": "2024-01",
            "TA_QUALITY__MAX_GAP_MINUTES": "100000",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    told = json.loads(result.stdout.splitlines()[-1])
    assert told["at first"] == {}
    assert told["another year"] == {}
    here = ["2024-02|SOLUSDT"]
    assert told["one session"] == {
        "bars_1m": here,
        "bars_5m": here,
        "bars_1h": here,
        "bars_1d": here,
    }
