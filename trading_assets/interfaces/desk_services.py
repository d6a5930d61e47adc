"""The servers of the desk: what each runs and where it listens."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trading_assets.storage.experiments import MLFLOW_ENVIRONMENT, Experiments

if TYPE_CHECKING:
    from trading_assets.settings import Settings

_COMMAND_LINE = "import sys; from trading_assets.interfaces.cli.main import main; main()"


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


def desk_services(settings: Settings) -> tuple[Service, ...]:
    """List the servers of the desk, in the order in which they start.

    The alerter is among them where settings name somebody to be told, the mirror to Redis where
    they have its password.
    """
    from trading_assets.workflows.alert_channels import has_channels

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
    told = (alerts,) if has_channels(settings) else ()
    mirrored = (redis,) if settings.redis_password is not None else ()
    return desk, exchange, mlflow, daemon, ui, *told, *mirrored
