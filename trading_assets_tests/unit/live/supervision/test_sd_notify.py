"""What systemd hears, on a real socket; and the unit that it is started by."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from trading_assets.live.supervision.sd_notify import ServiceManager

UNIT = Path(__file__).parents[4] / "deploy" / "trading-assets-live@.service"


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(5)
        yield listener


def _heard(listener):
    return listener.recv(4096).decode().split("\n")


def test_ready_is_said_once_and_only_after_book_and_venue_agree(manager):
    service = ServiceManager(manager.getsockname())
    for state in ("starting", "venue_down", "trading", "halted", "stopped"):
        service.tell(state, 7)
    starting, down, trading, halted, stopped = (_heard(manager) for _ in range(5))

    assert starting == [
        "STATUS=starting, row 7 of the journal",
        "WATCHDOG=1",
        "EXTEND_TIMEOUT_USEC=120000000",
    ]
    assert "READY=1" not in down
    assert trading == ["STATUS=trading, row 7 of the journal", "WATCHDOG=1", "READY=1"]
    assert "READY=1" not in halted
    assert stopped[-1] == "STOPPING=1"


def test_a_book_that_starts_halted_is_ready_too(manager):
    ServiceManager(manager.getsockname()).tell("halted", 1)
    assert "READY=1" in _heard(manager)


def test_a_name_after_an_at_sign_is_an_abstract_one():
    name = f"trading-assets-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(5)
        ServiceManager.of({"NOTIFY_SOCKET": "@" + name}).tell("trading", 1)
        assert "WATCHDOG=1" in _heard(listener)


def test_nobody_listens_and_nothing_happens(tmp_path):
    ServiceManager("").tell("trading", 1)
    ServiceManager(str(tmp_path / "gone")).tell("trading", 1)


def test_the_manager_of_another_process_is_left_alone(manager):
    environ = {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_PID": "1"}
    ServiceManager.of(environ).tell("trading", 1)
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(10)
    ServiceManager.of(environ | {"WATCHDOG_PID": str(os.getpid())}).tell("trading", 1)
    assert "READY=1" in _heard(manager)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    program = tmp_path / "trading-assets"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    text = UNIT.read_text().replace("/opt/trading-assets/.venv/bin/trading-assets", str(program))
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    found = subprocess.run(
        ["systemd-analyze", "verify", str(unit)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert [line for line in found.stderr.splitlines() if "trading-assets-live" in line] == []
