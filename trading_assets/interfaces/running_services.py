"""The desk's servers as processes: started, stopped, and remembered in pid files."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from trading_assets.domain.errors import ConfigurationError, TradingAssetsError

if TYPE_CHECKING:
    from rich.console import Console

    from trading_assets.interfaces.desk_services import Service

_READY_S = 120.0
_LOG_TAIL = 12
PATIENCE_S = 15.0
"""What a server may take to stop, beyond what a live run may take."""


@dataclass(frozen=True, slots=True)
class Started:
    """A running server, as remembered in its pid file; `created` guards against a reused pid."""

    name: str
    pid: int
    created: float
    address: str

    def process(self) -> psutil.Process | None:
        """Give the process, or None when it is gone."""
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.created) < 1.0
            alive = is_same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


def running(run_folder: Path) -> tuple[Started, ...]:
    """Give the servers that pid files name and that still run; forget the others."""
    found = []
    for path in sorted(run_folder.glob("*.pid.json")):
        try:
            service = Started(**json.loads(path.read_text()))
        except (ValueError, TypeError):
            path.unlink()
            continue
        if service.process() is None:
            path.unlink()
        else:
            found.append(service)
    return tuple(found)


def states(services: Sequence[Service], run_folder: Path) -> tuple[tuple[str, str, bool], ...]:
    """Give name, address and whether it runs of each server, and of others that were started here.

    One that listens runs when its port answers, whoever started it; one that listens nowhere when
    it was started here.
    """
    started = {each.name: each.address for each in running(run_folder)}
    answering = {each.name for each in services if each.port and _answers(each)}
    addresses = {each.name: each.address for each in services} | started
    alive = answering | set(started)
    return tuple((name, address, name in alive) for name, address in addresses.items())


def start(
    services: Sequence[Service], run_folder: Path, home: Path, console: Console
) -> tuple[Started, ...]:
    """Start what is not running yet, and wait until each answers.

    Raises:
        ConfigurationError: if another program holds a port; nothing is started then.
        TradingAssetsError: if a server ends before it answers; all started here are stopped.
    """
    run_folder.mkdir(parents=True, exist_ok=True)
    known = {service.name: service for service in running(run_folder)}
    missing = [service for service in services if service.name not in known]
    for service in missing:
        _require_free_port(service)
    fresh: list[tuple[Service, subprocess.Popen[bytes]]] = []
    try:
        for service in missing:
            child = _spawn(service, run_folder, home)
            known[service.name] = _remember(service, child, run_folder)
            fresh.append((service, child))
        with console.status("") as status:
            for service, child in fresh:
                status.update(f"waiting for {service.name}")
                _wait_until_ready(service, child, run_folder)
    except BaseException:
        names = {service.name for service, _ in fresh}
        stop(run_folder, patience_s=PATIENCE_S, only=names)
        raise
    return tuple(known[service.name] for service in services)


def stop(run_folder: Path, *, patience_s: float, only: set[str] | None = None) -> tuple[str, ...]:
    """Ask each remembered server and all its children to end; kill what does not in time.

    Children come along, so that a live run started by the daemon gets its signal and stops cleanly
    instead of trading on unsupervised.
    """
    stopped, family = [], []
    for service in running(run_folder):
        if only is not None and service.name not in only:
            continue
        process = service.process()
        if process is not None:
            family += [process, *process.children(recursive=True)]
            stopped.append(service.name)
    for process in family:
        _signal(process, signal.SIGTERM)
    _, stubborn = psutil.wait_procs(family, timeout=patience_s)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=PATIENCE_S)
    for name in stopped:
        _pid_file(run_folder, name).unlink(missing_ok=True)
    return tuple(stopped)


def _spawn(service: Service, run_folder: Path, home: Path) -> subprocess.Popen[bytes]:
    with _log_file(run_folder, service.name).open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - the command is ours
            service.command,
            cwd=home,
            env={**os.environ, **service.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal is not for them
        )


def _remember(service: Service, child: subprocess.Popen[bytes], run_folder: Path) -> Started:
    created = psutil.Process(child.pid).create_time()
    started = Started(service.name, child.pid, created, service.address)
    _pid_file(run_folder, service.name).write_text(json.dumps(asdict(started)))
    return started


def _require_free_port(service: Service) -> None:
    if not service.port:
        return
    family = socket.AF_INET6 if ":" in service.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((service.host, service.port))
        except OSError as error:
            variable = "TA_" + service.setting.upper().replace(".", "__")
            raise ConfigurationError(
                f"Port {service.port} for {service.name} is in use",
                expected=f"a free port on {service.host}",
                found=str(error.strerror),
                fix=f"Stop what listens there, or set {variable} to another port.",
            ) from None


def _wait_until_ready(service: Service, child: subprocess.Popen[bytes], run_folder: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            log = _log_file(run_folder, service.name)
            tail = log.read_text(errors="replace").splitlines()[-_LOG_TAIL:]
            raise TradingAssetsError(
                f"{service.name} ended as it started (exit {child.returncode})",
                expected="a server that stays",
                found="\n    ".join(["its last words:", *tail]),
                fix=f"The whole log is {log}.",
            )
        if not service.port or _answers(service):
            return
        time.sleep(0.2)
    raise TradingAssetsError(
        f"{service.name} does not answer",
        expected=f"an answer at {service.address} within {_READY_S:.0f} s",
        found="none",
        fix=f"See {_log_file(run_folder, service.name)}.",
    )


def _answers(service: Service) -> bool:
    try:
        socket.create_connection((service.host, service.port), timeout=1).close()
    except OSError:
        return False
    return True


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def _log_file(run_folder: Path, name: str) -> Path:
    return run_folder / f"{name}.log"


def _pid_file(run_folder: Path, name: str) -> Path:
    return run_folder / f"{name}.pid.json"
