"""`trading-assets redis serve` says what it lacks; settings keep the password out of files."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.cli.redis import app
from trading_assets.interfaces.desk_services import desk_services
from trading_assets.settings import load_settings


def test_ctl_15_without_a_password_nothing_is_mirrored_and_up_starts_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match="no password"):
        CliRunner().invoke(app, ["serve"], catch_exceptions=False)
    assert "redis" not in {service.name for service in desk_services(load_settings().settings)}
    monkeypatch.setenv("TA_REDIS_PASSWORD", "of-the-desk")
    assert "redis" in {service.name for service in desk_services(load_settings().settings)}


def test_ctl_15_the_password_is_a_secret(tmp_path):
    home = {"TA_HOME": str(tmp_path)}
    (tmp_path / "redis_password").write_text("of-the-desk")
    settings = load_settings(home | {"TA_SECRETS_DIR": str(tmp_path)}).settings
    assert settings.redis_password.get_secret_value() == "of-the-desk"
    assert "of-the-desk" not in repr(settings)
    (tmp_path / "trading_assets.toml").write_text('redis_password = "of-the-desk"\n')
    with pytest.raises(ConfigurationError, match="is a secret"):
        load_settings(home)


@pytest.mark.parametrize(
    "url",
    [
        "redis://example.org:6379/0",
        "http://127.0.0.1:6379",
        "rediss://:secret-word@example.org/0",
        "rediss://example.org/0?password=secret-word",
        "rediss://example.org/streams",
        "redis://",
    ],
)
def test_an_address_in_clear_text_or_with_a_password_is_refused(tmp_path, url):
    with pytest.raises(ConfigurationError, match=r"redis\.url") as caught:
        load_settings({"TA_HOME": str(tmp_path), "TA_REDIS__URL": url})
    assert ":secret-word@" not in str(caught.value)


def test_beyond_this_machine_tls_is_taken(tmp_path):
    url = "rediss://redis.example.org:6380/2"
    settings = load_settings({"TA_HOME": str(tmp_path), "TA_REDIS__URL": url}).settings
    assert settings.redis.url == url
