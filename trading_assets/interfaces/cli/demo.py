"""`trading-assets demo`: the whole desk once, from raw bars to a live paper run, as a person would.

It starts the desk's servers, builds the graph on the real Dagster instance, sends a backfill
through the daemon, launches the live job and ends it through the UI's own GraphQL, and prints what
came of it. Made for the demo are only the pace of the exchange's clock, the executor's pace that
goes with it, and servers on free ports.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from trading_assets.domain.errors import ConfigurationError, RecoveryError, TradingAssetsError
from trading_assets.domain.ids import Month, Symbol, months_between
from trading_assets.interfaces.cli import demo_summary
from trading_assets.interfaces.cli.demo_summary import LiveLeg
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.desk_services import Service, desk_services
from trading_assets.interfaces.running_services import PATIENCE_S, running, start, stop

if TYPE_CHECKING:
    from trading_assets.interfaces.dagster_client import DagsterClient
    from trading_assets.settings import Settings
    from trading_assets.workflows.live_tally import LiveTally

app = typer.Typer()

BOOK = "demo"
FIRST, LAST = Month(2024, 1), Month(2024, 6)
WARP = 600.0  # five minutes of market in half a second
NEEDED_DECISIONS, NEEDED_ORDERS, NEEDED_FILLS = 60, 4, 4

_LIVE_PATIENCE_S = 240.0
_BACKFILL_PATIENCE_S = 150.0
_STOP_PATIENCE_S = 60.0
_DONE = {"SUCCESS", "CANCELED", "FAILURE"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What this demo builds, and with which settings its processes run.

    Attributes:
        live_from: market instant at which the live leg starts, None when there is none.
    """

    months: tuple[Month, ...]
    live_from: Month | None
    environment: Mapping[str, str]


@dataclass(slots=True)
class Stopwatch:
    """Wall seconds of each part."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part."""
        begin = time.monotonic()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - begin


@app.command()
def demo() -> None:
    """Run the whole desk once, offline: bars, features, models, backtests, decision, live run.

    Example: trading-assets demo
    """
    console = Console()
    plan = plan_demo(load_settings().settings)
    os.environ.update(plan.environment)
    settings = load_settings().settings
    watch = Stopwatch()
    console.print(f"[bold]trading_assets demo[/]: {_summary_of(plan, settings)}")
    run_folder = settings.data_root / "run" / "demo"
    _refuse_beside_a_running_desk(settings)
    _keep_dagster_home(settings)
    try:
        _run(plan, settings, run_folder, watch, console)
    finally:
        stop(run_folder, patience_s=settings.live.stop_s + PATIENCE_S)


def _run(
    plan: Plan, settings: Settings, run_folder: Path, watch: Stopwatch, console: Console
) -> None:
    from trading_assets.interfaces.dagster_client import DagsterClient

    services = {s.name: s for s in desk_services(settings)}
    ui = services["dagster"]
    with watch.part("build the graph"), _engine_compiles():
        _build(plan)
    with watch.part("start the servers"):
        start([services["daemon"], ui], run_folder, settings.home, console)
    live, why_not = None, why_not_live(plan, settings)
    with DagsterClient(ui.address) as dagster:
        backfill = dagster.launch_backfill("bars_1h", [f"{plan.months[0]}|{settings.symbols[0]}"])
        console.print("  a backfill of one month went to the daemon")
        if plan.live_from is not None and not why_not:
            with watch.part("trade live"):
                exchange = _exchange(services["exchange"], plan.live_from, settings)
                start([exchange], run_folder, settings.home, console)
                live = _trade(dagster, settings, console)
        with watch.part("wait for the backfill"):
            _await_backfill(dagster, backfill, console)
    with watch.part("report"):
        if live is not None:
            _run_build("--live-days", ",".join(map(str, demo_summary.days_of(live.tally))))
        demo_summary.show(console, settings, plan.months, live, why_not=why_not)
    demo_summary.show_times(console, watch.seconds)


def why_not_live(plan: Plan, settings: Settings) -> str:
    """Say why nothing can be traded live; empty when it can."""
    from trading_assets.storage.release_store import ReleaseStore

    if plan.live_from is None:
        return "the past cannot be traded: real archives"
    traded = settings.books[BOOK].trades or BOOK
    if ReleaseStore(settings.data_root / "releases").current(traded) is None:
        return "the gate has promoted nothing, so that there is no release to trade"
    return ""


def plan_demo(settings: Settings) -> Plan:
    """Decide what the demo covers under these settings.

    Raises:
        ConfigurationError: for a source that the demo cannot run on offline.
    """
    ports = {"TA_EXCHANGE__PORT": str(_free_port()), "TA_DAGSTER__PORT": str(_free_port())}
    if settings.source == "embedded":
        pace = {
            "TA_HISTORY_START": str(FIRST),
            "TA_LIVE__POLL_S": "0.05",
            "TA_LIVE__LATE_BAR_S": "270",  # market seconds; 0.45 s of ours at this warp
        }
        return Plan(months_between(FIRST, LAST), LAST.shift(1), {**ports, **pace})
    if settings.source == "archive" and settings.archive_root is not None:
        return _plan_archive(settings, ports)
    raise ConfigurationError(
        "The demo runs offline",
        expected="source embedded, or archive with archive_root",
        found=f"source {settings.source}",
        fix="Use `make up` and materialise from the UI to work on other sources.",
    )


def _plan_archive(settings: Settings, ports: Mapping[str, str]) -> Plan:
    """Cover the months of a mirror, in a desk of its own beside the usual one."""
    from trading_assets.adapters.binance.archive import LocalFiles, mirrored_months

    if settings.archive_root is None:
        raise ConfigurationError("Setting archive_root is empty")
    found = mirrored_months(LocalFiles(settings.archive_root).root)
    symbols: tuple[Symbol, ...] = tuple(s for s in settings.symbols if s in found)
    if not symbols:
        raise ConfigurationError(
            "The archive has no month of the configured symbols",
            expected=", ".join(settings.symbols),
            found=", ".join(found) or "no monthly 1m zip at all",
        )
    months = sorted(set.intersection(*(set(found[symbol]) for symbol in symbols)))
    root = settings.data_root / "archive"
    return Plan(
        tuple(months),
        None,
        {
            **ports,
            "TA_SYMBOLS": "[" + ",".join(f'"{symbol}"' for symbol in symbols) + "]",
            "TA_HISTORY_START": str(months[0]),
            "TA_DATA_ROOT": str(root),
            "TA_RAW_ROOT": str(root / "raw"),
            "TA_ARCHIVE_ROOT": str(settings.archive_root),
            "DAGSTER_HOME": str(root / "dagster_home"),
        },
    )


def _build(plan: Plan) -> None:
    live = ["--model-for", str(plan.live_from)] if plan.live_from is not None else []
    _run_build("--months", ",".join(map(str, plan.months)), *live)


@contextmanager
def _engine_compiles() -> Iterator[None]:
    """Compile the machine beside the first stages, which need one core; backtests find it done.

    It is a help and no condition: without it the first backtest would compile, and would say what
    is wrong if that fails.
    """
    command = [sys.executable, "-m", "trading_assets.engine.warm_up"]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 - our own module
    try:
        yield
    finally:
        child.terminate()
        child.wait()


def _run_build(*arguments: str) -> None:
    command = [sys.executable, "-m", "trading_assets.build", *arguments]
    code = subprocess.run(command, check=False).returncode  # noqa: S603 - the command is ours
    if code:
        raise TradingAssetsError("The graph was not built", found=f"exit {code}, see above")


def _exchange(service: Service, live_from: Month, settings: Settings) -> Service:
    """Give the exchange of the live leg: its own clock and account, forgotten afterwards."""
    shutil.rmtree(settings.data_root / "live" / BOOK, ignore_errors=True)
    clock = ("--start", f"{live_from}-01T00:00:00Z", "--warp", str(WARP))
    return replace(service, command=(*service.command, *clock))


def _trade(dagster: DagsterClient, settings: Settings, console: Console) -> LiveLeg:
    """Launch the live job, wait until it has done enough, and end it through the UI."""
    run = dagster.launch_run(
        "live_trading",
        run_config={"ops": {"trade": {"config": {"book": BOOK}}}},
        tags={"live/book": BOOK},
    )
    tally = _watch_live(dagster, run, settings.data_root / "live" / BOOK, console)
    begin = time.monotonic()
    dagster.terminate_run(run)
    status = _poll(lambda: dagster.run_status(run), _DONE, _STOP_PATIENCE_S, "the live run to end")
    stop_s = time.monotonic() - begin
    if status == "FAILURE":
        raise TradingAssetsError("The live run failed as it stopped", found=f"run {run}")
    _read(tally, settings.data_root / "live" / BOOK)
    return LiveLeg(BOOK, tally, status, stop_s)


def _watch_live(dagster: DagsterClient, run: str, folder: Path, console: Console) -> LiveTally:
    from trading_assets.workflows.live_tally import LiveTally

    tally, deadline = LiveTally(), time.monotonic() + _LIVE_PATIENCE_S
    with console.status("waiting for the live run") as status:
        while time.monotonic() < deadline:
            with suppress(RecoveryError):  # the executor has not made its journal yet
                _read(tally, folder)
            status.update(
                f"live: {tally.decisions} decisions, {tally.orders} orders, {tally.fills} fills, "
                f"{tally.imperfect} refused or partly filled, equity {tally.equity:,.2f}"
            )
            if _is_enough(tally):
                return tally
            state = dagster.run_status(run)
            if state in _DONE:
                raise TradingAssetsError(
                    "The live run ended by itself", found=f"{state}, run {run}"
                )
            time.sleep(0.5)
    raise TradingAssetsError(
        "The live run did too little",
        expected=f"{NEEDED_DECISIONS} decisions, {NEEDED_ORDERS} orders, {NEEDED_FILLS} fills",
        found=f"{tally.decisions} decisions, {tally.orders} orders, {tally.fills} fills, "
        f"in {_LIVE_PATIENCE_S:.0f} s",
    )


def _read(tally: LiveTally, folder: Path) -> None:
    from trading_assets.storage.journal_reader import JournalReader

    with JournalReader(folder) as journal:
        tally.read(journal)


def _is_enough(tally: LiveTally) -> bool:
    return (
        tally.decisions >= NEEDED_DECISIONS
        and tally.orders >= NEEDED_ORDERS
        and tally.fills >= NEEDED_FILLS
    )


def _await_backfill(dagster: DagsterClient, backfill: str, console: Console) -> None:
    ends = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "FAILED", "CANCELED"}
    with console.status("waiting for the backfill"):
        status = _poll(
            lambda: dagster.backfill_status(backfill), ends, _BACKFILL_PATIENCE_S, "the backfill"
        )
    if status != "COMPLETED_SUCCESS":
        raise TradingAssetsError("The backfill failed", found=f"{status}, backfill {backfill}")


def _poll(ask: Callable[[], str], ends: set[str], patience_s: float, what: str) -> str:
    deadline, answer = time.monotonic() + patience_s, ""
    while time.monotonic() < deadline:
        answer = ask()
        if answer in ends:
            return answer
        time.sleep(0.25)
    raise TradingAssetsError(
        f"Waited {patience_s:.0f} s for {what}", expected=" or ".join(sorted(ends)), found=answer
    )


def _refuse_beside_a_running_desk(settings: Settings) -> None:
    """Two daemons on one instance would launch everything twice."""
    found = running(settings.data_root / "run")
    if found:
        raise ConfigurationError(
            "The desk is up",
            expected="no server of `make up`",
            found=", ".join(service.name for service in found),
            fix="Run `make down` first; `make up` works again after the demo.",
        )


def _keep_dagster_home(settings: Settings) -> None:
    """Give a Dagster home of another place the project's configuration."""
    usual = settings.home / "dagster_home"
    home = Path(os.environ.setdefault("DAGSTER_HOME", str(usual)))
    if home != usual and not (home / "dagster.yaml").is_file():
        home.mkdir(parents=True, exist_ok=True)
        shutil.copy(usual / "dagster.yaml", home / "dagster.yaml")


def _summary_of(plan: Plan, settings: Settings) -> str:
    months = f"{plan.months[0]} to {plan.months[-1]} ({len(plan.months)} months)"
    live = f"then live from {plan.live_from}-01" if plan.live_from else "no live leg: real archives"
    return f"{', '.join(settings.symbols)}, {months} from {settings.source}, {live}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
