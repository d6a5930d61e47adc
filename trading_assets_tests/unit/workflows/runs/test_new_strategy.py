"""`trading-assets new strategy`: what it writes works as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import trading_assets
from trading_assets.domain.errors import ConfigurationError, ConflictError
from trading_assets.interfaces.cli import new
from trading_assets.workflows.new_strategy import FORMS, new_strategy
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec

ROOT = Path(trading_assets.__file__).parents[1]


@pytest.fixture
def folder(desk, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(desk.settings.home))
    monkeypatch.setenv("TA_SYMBOLS", '["BTCUSDT","SOLUSDT"]')
    return desk.settings.strategies_dir


@pytest.mark.parametrize("form", FORMS)
def test_a_new_strategy_passes_its_own_test_and_is_backtested(desk, folder, form):
    result = CliRunner().invoke(new.app, ["strategy", "my_breakout", "--form", form])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == [
        "my_breakout.py", "my_breakout.yaml", "test_my_breakout.py",
    ]  # fmt: skip
    source = (folder / "my_breakout.py").read_text().split("@dataclass")[1]
    assert len(source.splitlines()) <= 16

    test = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        check=False,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert test.returncode == 0, test.stdout
    assert "2 passed" in test.stdout

    record = run_backtest(desk, find_spec(desk.settings, "my_breakout"))
    assert record.is_new
    assert record.run.metrics["all"]["num_trades"] > 5
    assert all(check["passed"] for check in record.run.checks), record.run.checks


def test_nothing_is_overwritten(desk, folder):
    new_strategy(desk.settings, "mine")
    (folder / "mine.py").write_text("# months of work\n")
    with pytest.raises(ConflictError, match=r"mine\.py"):
        new_strategy(desk.settings, "mine")
    assert (folder / "mine.py").read_text() == "# months of work\n"


@pytest.mark.parametrize(
    "name", ["Mine", "1st", "../up", "a-b", "class", "ema_trend", "test_x", ""]
)
def test_names_that_cannot_be_are_refused(desk, folder, name):
    with pytest.raises(ConfigurationError):
        new_strategy(desk.settings, name)
    assert not folder.exists()
