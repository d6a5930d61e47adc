from __future__ import annotations

import gc
import io
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.interfaces.desk_services import Service, desk_services
from trading_assets.interfaces.running_services import start, states, stop
from trading_assets.settings import load_settings

PARENT = """
import signal, subprocess, sys, http.server
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
address = ("127.0.0.1", int(sys.argv[1]))
http.server.ThreadingHTTPServer(address, http.server.BaseHTTPRequestHandler).serve_forever()
"""

# The servers outlive the command that starts them, on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def run_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "run"
    yield folder
    stop(folder, patience_s=5)
    # An error that was caught holds its server in a cycle; its warning belongs to this module.
    gc.collect()


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def a_service(name: str = "pages", port: int | None = None) -> Service:
    port = port or a_free_port()
    command = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    return Service(name, command, "127.0.0.1", port, "dagster.port")


def begin(services: tuple[Service, ...], run_folder: Path) -> tuple[int, ...]:
    started = start(services, run_folder, run_folder.parent, Console(file=io.StringIO()))
    return tuple(service.pid for service in started)


def test_what_was_started_answers_and_can_be_stopped(run_folder: Path) -> None:
    service = a_service()
    (pid,) = begin((service,), run_folder)
    socket.create_connection((service.host, service.port), timeout=5).close()

    assert stop(run_folder, patience_s=10) == ("pages",)

    assert not psutil.pid_exists(pid)
    assert not list(run_folder.glob("*.pid.json"))


def test_starting_twice_keeps_the_running_server(run_folder: Path) -> None:
    service = a_service()
    assert begin((service,), run_folder) == begin((service,), run_folder)


def test_stopping_twice_is_harmless(run_folder: Path) -> None:
    begin((a_service(),), run_folder)
    stop(run_folder, patience_s=10)
    assert stop(run_folder, patience_s=10) == ()


def test_children_of_a_server_are_stopped_with_it(run_folder: Path) -> None:
    port = a_free_port()
    service = Service("nest", (sys.executable, "-c", PARENT, str(port)), "127.0.0.1", port, "x")
    begin((service,), run_folder)
    grandchild = int((run_folder / "nest.log").read_text().split()[0])
    assert psutil.pid_exists(grandchild)

    stop(run_folder, patience_s=10)

    assert not psutil.pid_exists(grandchild)


def test_a_port_in_use_is_named_with_its_variable_and_nothing_starts(run_folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = a_service("taken", other.getsockname()[1])
        with pytest.raises(ConfigurationError, match="in use") as caught:
            begin((a_service(), taken), run_folder)
    assert "TA_DAGSTER__PORT" in str(caught.value)
    assert not list(run_folder.glob("*.pid.json"))


def test_a_server_that_dies_takes_the_others_down_and_its_last_words_are_shown(
    run_folder: Path,
) -> None:
    broken = replace(
        a_service("broken"), command=(sys.executable, "-c", "raise SystemExit('no such market')")
    )
    healthy = a_service()
    with pytest.raises(TradingAssetsError, match="no such market"):
        begin((healthy, broken), run_folder)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((healthy.host, healthy.port), timeout=1)


def test_a_pid_that_now_belongs_to_another_program_is_left_alone(run_folder: Path) -> None:
    run_folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        record = {"name": "pages", "pid": stranger.pid, "created": 1.0, "address": ""}
        (run_folder / "pages.pid.json").write_text(json.dumps(record))
        assert stop(run_folder, patience_s=1) == ()
        assert stranger.poll() is None
        stranger.kill()


def test_a_damaged_pid_file_is_forgotten(run_folder: Path) -> None:
    run_folder.mkdir()
    (run_folder / "pages.pid.json").write_text("{")
    assert stop(run_folder, patience_s=1) == ()


def test_every_server_of_the_desk_listens_on_loopback(tmp_path: Path) -> None:
    settings = load_settings({"TA_HOME": str(tmp_path)}).settings
    services = desk_services(settings)
    names = [service.name for service in services]
    assert names == ["desk", "exchange", "mlflow", "daemon", "dagster"]
    assert {service.host for service in services if service.port} == {"127.0.0.1"}
    assert all(sys.executable == service.command[0] for service in services)


def test_what_runs_is_told_of_every_server_whoever_started_it(run_folder: Path) -> None:
    pages, silent = a_service(), replace(a_service("silent"), port=0)
    by_hand, gone = a_service("by_hand"), a_service("gone")
    former = replace(silent, name="former")
    begin((pages, former), run_folder)
    with socket.create_server((by_hand.host, by_hand.port)):
        told = states((pages, silent, by_hand, gone), run_folder)
    assert told == (
        ("pages", pages.address, True),
        ("silent", "", False),
        ("by_hand", by_hand.address, True),
        ("gone", gone.address, False),
        ("former", "", True),
    )
    stop(run_folder, patience_s=10)
    assert [name for name, _, runs in states((pages, silent), run_folder) if runs] == []


def test_an_ipv6_address_is_written_in_brackets() -> None:
    assert replace(a_service(), host="::1", port=3000).address == "http://[::1]:3000"
