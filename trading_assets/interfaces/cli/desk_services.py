"""`trading-assets up` and `down`: the desk's servers as child processes, on loopback."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import psutil
import typer
from rich.console import Console

from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.interfaces.cli.control import login_link
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text, open_desk, say
from trading_assets.interfaces.compare_link import compare_link
from trading_assets.interfaces.running_services import Started, pid_file, running
from trading_assets.storage.experiments import MLFLOW_ENVIRONMENT, Experiments

if TYPE_CHECKING:
    from trading_assets.settings import Settings

app = typer.Typer(help="Start and stop the desk's servers.")

_COMMAND_LINE = "import sys; from trading_assets.interfaces.cli.main import main; main()"
_READY_S = 120.0
_LOG_TAIL = 12
_PATIENCE_S = 15.0
"""What a server may take to stop, beyond what a live run may take."""


@dataclass(frozen=True, slots=True)
class Service:
    """One server.

    Attributes:
        setting: which setting names the port; "" when it listens nowhere.
        page: path after the address, for people.
    """

    name: str
    command: tuple[str, ...]
    host: str = ""
    port: int = 0
    setting: str = ""
    page: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where people find it; "" when it listens nowhere."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.page}" if self.port else ""


@app.command()
def up(
    browser: Annotated[bool, typer.Option(help="Open the desk's pages in a browser.")] = True,
    as_json: AsJson = False,
) -> None:
    """Serve the desk's pages, the Dagster UI, MLflow and the embedded exchange on loopback.

    The first address logs in once, within ten minutes; on a terminal a browser is opened there.

    Example: trading-assets up --no-browser
    """
    opened = open_desk()
    settings = opened.settings
    console = Console(stderr=as_json)
    started = start(desk_services(settings), settings.data_root / "run", settings.home, console)
    compared, page = compare_link(settings.mlflow.url), login_link(opened, "admin", "desk")
    if as_json:
        services = [{"name": each.name, "address": each.address} for each in started]
        typer.echo(json_text({"services": services, "compare": compared, "log_in": page}))
        return
    for service in started:
        if service.address and service.name != "desk":
            console.print(f"  {service.name:<10} {service.address}", highlight=False)
    console.print(f"  {'compare':<10} {compared}", highlight=False, soft_wrap=True)
    console.print(f"  {'desk':<10} {page}", highlight=False, soft_wrap=True)
    console.print("Stop them with `make down`; their logs are in", settings.data_root / "run")
    if browser and console.is_terminal:
        webbrowser.open(page)


@app.command()
def down(as_json: AsJson = False) -> None:
    """Stop what `up` started; a live run among it ends cleanly first.

    Example: trading-assets down
    """
    settings = load_settings().settings
    stopped = stop(settings.data_root / "run", patience_s=settings.live.stop_s + _PATIENCE_S)
    sentence = f"stopped: {', '.join(stopped)}" if stopped else "nothing was running"
    say({"stopped": stopped}, sentence, as_json=as_json)


def desk_services(settings: Settings) -> tuple[Service, ...]:
    """List the servers of the desk, in the order in which they start.

    The alerter is among them where settings name somebody to be told, the mirror to Redis where
    they have its password.
    """
    from trading_assets.workflows.alert_channels import channels

    python, home = sys.executable, settings.home
    workspace = str(home / "workspace.yaml")
    experiments = Experiments(settings.data_root / "mlflow")
    dagster = {
        "DAGSTER_HOME": os.environ.get("DAGSTER_HOME") or str(home / "dagster_home"),
        "TA_HOME": str(home),
    }
    exchange = Service(
        "exchange",
        (python, "-c", _COMMAND_LINE, "exchange", "serve", "--port", str(settings.exchange.port)),
        settings.exchange.host,
        settings.exchange.port,
        "exchange.port",
        page="/api",
    )
    mlflow = Service(
        "mlflow",
        (
            *(python, "-m", "mlflow", "server", "--workers", "1"),
            *("--backend-store-uri", experiments.tracking_uri),
            *("--default-artifact-root", experiments.artifact_root.as_uri()),
            *("--host", settings.mlflow.host, "--port", str(settings.mlflow.port)),
        ),
        settings.mlflow.host,
        settings.mlflow.port,
        "mlflow.port",
        environment={**MLFLOW_ENVIRONMENT, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
    )
    daemon = Service(
        "daemon",
        (python, "-m", "dagster._daemon", "run", "-w", workspace),
        environment=dagster,
    )
    ui = Service(
        "dagster",
        (
            *(python, "-m", "trading_assets.defs.webserver", "--workspace", workspace),
            *("--host", settings.dagster.host, "--port", str(settings.dagster.port)),
        ),
        settings.dagster.host,
        settings.dagster.port,
        "dagster.port",
        environment=dagster,
    )
    desk = Service(
        "desk",
        (python, "-c", _COMMAND_LINE, "control", "serve", "--no-link"),
        settings.control.host,
        settings.control.port,
        "control.port",
    )
    alerts = Service("alerts", (python, "-c", _COMMAND_LINE, "alerts", "serve"))
    redis = Service("redis", (python, "-c", _COMMAND_LINE, "redis", "serve"))
    told = (alerts,) if channels(settings) else ()
    mirrored = (redis,) if settings.redis_password is not None else ()
    return desk, exchange, mlflow, daemon, ui, *told, *mirrored


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
        stop(run_folder, patience_s=_PATIENCE_S, only=names)
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
    psutil.wait_procs(stubborn, timeout=_PATIENCE_S)
    for name in stopped:
        pid_file(run_folder, name).unlink(missing_ok=True)
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
    pid_file(run_folder, service.name).write_text(json.dumps(asdict(started)))
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
