import json

import pytest
from typer.testing import CliRunner

from trading_assets.interfaces.cli.config import app


@pytest.fixture
def shown(monkeypatch, tmp_path):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_EXCHANGE__PORT", "9004")
    monkeypatch.setenv("TA_BINANCE_API_SECRET", "hunter2")
    (tmp_path / "trading_assets.toml").write_text("history_start = '2024-02'\n")

    def show(*arguments):
        return CliRunner().invoke(app, ["show", *arguments], catch_exceptions=False).stdout

    return show


def test_every_value_is_shown_with_its_origin(shown, tmp_path):
    values = json.loads(shown("--json"))
    assert values["exchange.port"] == {
        "value": "9004",
        "origin": "environment TA_EXCHANGE__PORT",
    }
    assert values["history_start"]["origin"] == str(tmp_path / "trading_assets.toml")
    assert values["symbols"] == {
        "value": "BTCUSDT, ETHUSDT, SOLUSDT",
        "origin": "package defaults",
    }
    assert values["books.demo.trades"]["value"] == "paper"


def test_secrets_are_masked_in_every_form(shown):
    for arguments in ([], ["--origin"], ["--json"]):
        text = shown(*arguments)
        assert "hunter2" not in text
        assert "********" in text


def test_the_origin_is_a_column_only_when_asked_for(shown):
    assert "package defaults" in shown("--origin")
    assert "package defaults" not in shown()
