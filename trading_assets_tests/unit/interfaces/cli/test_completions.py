"""What bash is told while somebody types, asked as its completion script asks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trading_assets.interfaces.cli.main import app

PROGRAM = (
    "import sys\nsys.argv = ['trading-assets']\n"
    "from trading_assets.interfaces.cli.main import main\n"
    "try:\n    main()\nfinally:\n    print('LOADED', *sys.modules, file=sys.stderr)"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_SYMBOLS", '["BTCUSDT", "BNBUSDT", "SOLUSDT"]')
    return tmp_path


def completed(line: str) -> list[str]:
    """Complete the last word of a line; "" after a space."""
    environ = {
        "_TRADING_ASSETS_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="trading-assets", env=environ)
    assert not result.stderr
    return result.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("trading-assets sta", ["status"]),
        ("trading-assets data ing", ["ingest"]),
        ("trading-assets data ingest B", ["BNBUSDT", "BTCUSDT"]),
        ("trading-assets data quality --symbol S", ["SOLUSDT"]),
        ("trading-assets status --book pap", ["paper"]),
        ("trading-assets backtest run ema_t", ["ema_trend"]),
    ],
)
def test_names_of_settings_and_specs_are_completed(line: str, words: list[str]) -> None:
    assert completed(line) == words


def test_runs_are_completed_by_spec_and_then_by_id(home: Path) -> None:
    (home / "data/runs/ema_trend" / ("ab12" * 16)).mkdir(parents=True)
    assert completed("trading-assets runs show e") == ["ema_trend"]
    assert completed("trading-assets runs show ema_trend/ab") == ["ema_trend/ab12ab12ab12"]


def test_where_settings_cannot_be_read_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TA_SYMBOLS", "[")
    assert completed("trading-assets data ingest B") == []
    assert completed("trading-assets runs show e") == []


def test_to_complete_a_name_loads_nothing_heavy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "_TRADING_ASSETS_COMPLETE": "complete_bash",
        "COMP_WORDS": "trading-assets data ingest S",
        "COMP_CWORD": "3",
    }.items():
        monkeypatch.setenv(name, value)
    words = (sys.executable, "-c", PROGRAM)
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.stdout.split() == ["SOLUSDT"]
    loaded = set(ended.stderr.partition("LOADED")[2].split())
    assert not loaded & {"dagster", "polars", "numpy", "mlflow", "duckdb"}
