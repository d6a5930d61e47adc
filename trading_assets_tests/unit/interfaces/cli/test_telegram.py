"""`trading-assets telegram serve` says what it lacks before it speaks to anybody."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.cli.telegram import app
from trading_assets.settings import load_settings


def serve():
    return CliRunner().invoke(app, ["serve"], catch_exceptions=False)


def test_ctl_01_a_bot_without_lists_or_token_does_not_start(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="user_ids is empty"):
        serve()
    monkeypatch.setenv("TA_TELEGRAM__USER_IDS", "[7]")
    with pytest.raises(ConfigurationError, match="chat_ids is empty"):
        serve()
    monkeypatch.setenv("TA_TELEGRAM__CHAT_IDS", "[7]")
    with pytest.raises(ConfigurationError, match="has no token"):
        serve()


def test_ctl_01_the_token_comes_from_a_variable_or_a_file_and_never_from_the_settings(tmp_path):
    home = {"TA_HOME": str(tmp_path)}
    (tmp_path / "telegram_bot_token").write_text("1:secret")
    by_file = load_settings(home | {"TA_SECRETS_DIR": str(tmp_path)}).settings
    by_variable = load_settings(home | {"TA_TELEGRAM_BOT_TOKEN": "1:secret"}).settings
    for settings in (by_file, by_variable):
        assert settings.telegram_bot_token.get_secret_value() == "1:secret"
        assert "1:secret" not in repr(settings)
    (tmp_path / "trading_assets.toml").write_text('telegram_bot_token = "1:secret"\n')
    with pytest.raises(ConfigurationError, match="is a secret"):
        load_settings(home)


def test_a_bot_api_beyond_this_machine_is_asked_over_tls_only(tmp_path):
    with pytest.raises(ConfigurationError, match="api_url"):
        load_settings({"TA_HOME": str(tmp_path), "TA_TELEGRAM__API_URL": "http://example.org"})
