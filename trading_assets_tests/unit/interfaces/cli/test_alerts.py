"""`trading-assets alerts` as people run it: a real process, a real receiver, a clean stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.errors import ConfigurationError, LeaseHeld
from trading_assets.interfaces.cli.main import app
from trading_assets.interfaces.desk_services import desk_services
from trading_assets.live.lease import Lease
from trading_assets.settings import load_settings
from trading_assets.storage.alert_file import AlertFile
from trading_assets_tests.stand_ins.alert_receivers import HttpReceiver

PROGRAM = "from trading_assets.interfaces.cli.main import main; main()"
COMMAND = (sys.executable, "-c", PROGRAM, "alerts", "serve")


@pytest.fixture
def receiver(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    with HttpReceiver().serving() as made:
        monkeypatch.setenv("TA_ALERT_WEBHOOK_URL", made.url)
        yield made


def _run(*words):
    return CliRunner().invoke(app, ("alerts", *words))


def test_a_trial_says_which_channel_takes_it(receiver):
    assert "webhook: taken" in _run("try").output
    receiver.answers = [(500, {}, b"")]
    failed = _run("try")
    assert failed.exit_code == 1
    assert "found 500" in failed.output


def test_the_desk_starts_an_alerter_once_somebody_is_named(receiver, monkeypatch):
    assert "alerts" in [each.name for each in desk_services(load_settings().settings)]
    monkeypatch.delenv("TA_ALERT_WEBHOOK_URL")
    assert "alerts" not in [each.name for each in desk_services(load_settings().settings)]
    assert isinstance(_run("serve").exception, ConfigurationError)
    monkeypatch.setenv("TA_ALERTS__TELEGRAM_CHAT", "42")  # and no bot: the alerter says so itself
    assert "alerts" in [each.name for each in desk_services(load_settings().settings)]
    assert "no bot" in str(_run("serve").exception)


def test_a_second_alerter_is_refused(receiver, tmp_path):
    with Lease(tmp_path / "data/alerts/alerter.lock"):
        assert isinstance(_run("serve").exception, LeaseHeld)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TA_ALERT_WEBHOOK_URL", "http://example.org/secret-hook"),
        ("TA_ALERTS__SMTP_SECURITY", "none"),
        ("TA_ALERTS__SMTP_HOST", "mail.example.org"),
    ],
)
def test_what_would_tell_the_world_or_nobody_is_refused(name, value, tmp_path):
    environ = {"TA_HOME": str(tmp_path), name: value}
    if name == "TA_ALERTS__SMTP_SECURITY":
        environ |= {"TA_ALERTS__SMTP_HOST": "mail.example.org"}
        environ |= {"TA_ALERTS__MAIL_FROM": "a@b.c", "TA_ALERTS__MAIL_TO": '["a@b.c"]'}
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ)
    assert "secret-hook" not in str(caught.value)


@pytest.mark.slow
def test_a_process_that_is_killed_goes_on_where_it_was(receiver, tmp_path):
    folder = tmp_path / "data/live/paper"
    folder.mkdir(parents=True)
    file = AlertFile(folder)
    now = WallClock().now()
    for n, ends in enumerate((signal.SIGKILL, signal.SIGTERM)):
        file.add("paper", "disk", f"life {n}", now, begins=True)
        process = subprocess.Popen(COMMAND, env=dict(os.environ), stdout=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            cursor = tmp_path / "data/alerts/webhook.cursor.json"
            while not cursor.exists() or f":{n + 1}}}" not in cursor.read_text():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
        finally:
            process.send_signal(ends)
            code = process.wait(30)
    assert code == 0
    assert [body["reason"] for body in receiver.bodies] == ["life 0", "life 1"]
