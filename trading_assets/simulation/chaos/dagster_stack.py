"""A real `dagster dev` on loopback, in a folder of its own, driven as a person drives it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from trading_assets.domain.errors import TradingAssetsError

LIVE_JOB, SENSOR = "live_trading", "keep_live_running"
_PROJECT = Path(__file__).parents[3]
_AT_A_TERMINAL = ("env", "--default-signal=INT")
"""A shell lets what it runs in the background ignore Ctrl-C, and all that is started by that."""

_READY_S = 150.0
_ANSWER_S = 90.0
_SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": "trading_assets"}
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUNS = """query { runsOrError { ... on Runs { results { runId jobName status } } } }"""
_TERMINATE = "mutation($id: String!) { terminateRun(runId: $id) { __typename } }"
_RELOAD = """mutation($name: String!) {
  reloadRepositoryLocation(repositoryLocationName: $name) { __typename } }"""
_START_SENSOR = "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename } }"
_TICK = """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor {
  sensorState { ticks(limit: 1, statuses: [SUCCESS, SKIPPED, FAILURE]) { id } } } } }"""
_RELEASE = """
import sys, dagster as dg
with dg.DagsterInstance.get() as instance:
    instance.report_runless_asset_event(dg.AssetMaterialization(
        ["release", "paper"], metadata={"release_id": sys.argv[1]}))
"""
"""What the job `promote` writes after it has published; here the rig has published."""


class DagsterStack:
    """One Dagster home and at most one `dagster dev`; what it says goes to `dagster.log`.

    Attributes:
        dev: the process that a person has started.
    """

    def __init__(self, home: Path, environ: dict[str, str]) -> None:
        self._home = home
        folder = home / "dagster_home"
        folder.mkdir()
        shutil.copy(_PROJECT / "dagster_home" / "dagster.yaml", folder)
        self.environ = {**os.environ, **environ, "DAGSTER_HOME": str(folder)}
        self._port = _free_port()
        self._http = httpx.Client(timeout=_ANSWER_S, trust_env=False)
        self._family: dict[int, psutil.Process] = {}
        self.dev: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Type `dagster dev` in a terminal of its own, and wait until it answers.

        Raises:
            TradingAssetsError: if it ends, or never answers.
        """
        command = [
            *_AT_A_TERMINAL,
            *(sys.executable, "-m", "dagster", "dev", "-w", str(_PROJECT / "workspace.yaml")),
            *("-h", "127.0.0.1", "-p", str(self._port)),
        ]
        with self._log.open("ab") as log:
            self.dev = subprocess.Popen(  # noqa: S603 - the command is ours
                command,
                cwd=_PROJECT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline and self.dev.poll() is None:
            with suppress(TradingAssetsError):
                self.runs()
                return
            time.sleep(0.2)
        raise TradingAssetsError("`dagster dev` does not answer", found=self.said())

    def said(self) -> str:
        """Give the last words of the stack."""
        return self._log.read_text(errors="replace")[-800:]

    @property
    def _log(self) -> Path:
        return self._home / "dagster.log"

    # What a person does in the UI

    def tell_of_release(self, release_id: str) -> None:
        """Let Dagster know of a release, as the job that publishes does."""
        command = [sys.executable, "-c", _RELEASE, release_id]
        subprocess.run(command, env=self.environ, check=True, capture_output=True)  # noqa: S603

    def switch_sensor_on(self) -> None:
        """Let the sensor keep the live run running."""
        self._ask(_START_SENSOR, {"s": {**_SELECTOR, "sensorName": SENSOR}})

    def last_tick(self) -> str:
        """Give the id of the sensor's last tick that has ended, "" when there is none."""
        answer = self._ask(_TICK, {"s": {**_SELECTOR, "sensorName": SENSOR}})
        ticks = answer["sensorOrError"]["sensorState"]["ticks"]
        return str(ticks[0]["id"]) if ticks else ""

    def launch(self) -> str:
        """Launch the live job, and give its run."""
        params = {"selector": {**_SELECTOR, "jobName": LIVE_JOB}, "runConfigData": {}}
        answer = self._ask(_LAUNCH, {"params": params})["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            raise TradingAssetsError("The live job was not launched", found=str(answer)[:400])
        return str(answer["run"]["runId"])

    def runs(self) -> dict[str, str]:
        """Give status by run of the live job, newest first."""
        found = self._ask(_RUNS, {})["runsOrError"]["results"]
        return {run["runId"]: run["status"] for run in found if run["jobName"] == LIVE_JOB}

    def terminate(self, run: str) -> None:
        """Press "terminate"."""
        self._ask(_TERMINATE, {"id": run})

    def reload(self) -> None:
        """Press "reload" beside the code location."""
        self._ask(_RELOAD, {"name": _SELECTOR["repositoryLocationName"]})

    def _ask(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        try:
            response = self._http.post(
                f"http://127.0.0.1:{self._port}/graphql",
                json={"query": query, "variables": variables},
            )
            answer = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise TradingAssetsError("Dagster does not answer", found=str(error)) from error
        if not answer.get("data"):
            raise TradingAssetsError("Dagster refuses", found=str(answer)[:400])
        data: dict[str, Any] = answer["data"]
        return data

    # Processes

    def family(self) -> list[psutil.Process]:
        """Give what lives of all that this `dagster dev` and those before it have started.

        Whoever outlives its parent is still known, if it was looked for before.
        """
        if self.dev is not None:
            with suppress(psutil.NoSuchProcess):
                root = psutil.Process(self.dev.pid)
                for process in (root, *root.children(recursive=True)):
                    self._family[process.pid] = process
        for process in tuple(self._family.values()):
            with suppress(psutil.NoSuchProcess):
                for child in process.children(recursive=True):
                    self._family[child.pid] = child
        return [p for p in self._family.values() if p.is_running() and not _is_zombie(p)]

    def with_words(self, *words: str) -> list[psutil.Process]:
        """Find processes of the family by words of their command lines."""
        return [p for p in self.family() if all(word in _command(p) for word in words)]

    def interrupt_terminal(self) -> None:
        """Press Ctrl-C: the terminal sends it to the whole foreground group."""
        if self.dev is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.dev.pid, signal.SIGINT)

    def kill_all(self, keep: Callable[[psutil.Process], bool] = lambda _: False) -> None:
        """End the whole family with -9, but for those to keep."""
        for _ in range(3):
            doomed = [process for process in self.family() if not keep(process)]
            for process in doomed:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            if self.dev is not None:
                self.dev.poll()
            psutil.wait_procs(doomed, timeout=5)

    def close(self) -> None:
        """Leave nothing running."""
        self.kill_all()
        self._http.close()


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _is_zombie(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
