"""An exchange, a book whose release trades at almost every bar, and executors as processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import Event, OrderSubmitted
from trading_assets.exchange.server import RunningExchange
from trading_assets.settings import load_settings
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import Release, ReleaseStore, instrument_to_plain
from trading_assets.strategies.spec import parse_spec

START = int(datetime(2024, 4, 1, tzinfo=UTC).timestamp()) * 1_000_000
BOOK = "demo"
PATIENCE_S = 60.0
_COMPILING_S = 240.0
_SPEC = """
name: eager
strategy: ema_trend
params: {fast: 1, slow: 3}
symbols: [BTCUSDT, ETHUSDT, SOLUSDT]
bar_size: %s
cash: 10000
sizing: %s
costs: {fees_bps: 10.0}
"""
_SIZING = "{mode: pct_of_equity, pos_pct: 30.0, cash_buffer_pct: 2.0, rebalance_pct: 10.0}"
UNBOUNDED = """
from trading_assets.adapters.binance.budget import RequestBudget
RequestBudget.__init__.__kwdefaults__["limit"] = 10**9
"""
"""Lets a process start although those before it have spent the minute's weight: the exchange here
has no limit, but a process learns that with its third request only."""
LIVE = (
    sys.executable,
    "-c",
    f"{UNBOUNDED}from trading_assets.interfaces.cli.main import main; main()",
    "live",
    "--book",
    BOOK,
)
"""The command line of an executor as a user starts it."""


class Rig:
    """One exchange, one book, and at most one process that trades it.

    Attributes:
        folder: journal and witnesses of the book.
        settings: as its processes read them.
        environ: what every process of the rig is given on top of this process's own variables.
    """

    def __init__(
        self, home: Path, exchange: RunningExchange, book: str = BOOK, **variables: str
    ) -> None:
        """Make the desk; `variables` are added to the environment of its processes."""
        self.exchange = exchange
        self.home = home
        self.environ = {
            "TA_HOME": str(home),
            "TA_EXCHANGE__PORT": str(exchange.port),
            "TA_LIVE__POLL_S": "0.02",
            "TA_LIVE__LATE_BAR_S": "100000",
            "TA_LIVE__HEARTBEAT_S": "0.2",
            **variables,
        }
        self.settings = load_settings(self.environ).settings
        self.folder = self.settings.data_root / "live" / book
        self._releases = ReleaseStore(self.settings.data_root / "releases")
        self._http = httpx.Client(base_url=exchange.url, timeout=PATIENCE_S)
        self.process: subprocess.Popen[bytes] | None = None

    def publish(self, bar_size: str, sizing: str = _SIZING) -> str:
        """Publish the release, once, on the grid that the exchange has; give its id."""
        spec = parse_spec(_SPEC % (bar_size, sizing), where="chaos")
        client = make_client(self.exchange.api_url, timeout_s=2, recv_window_ms=5000)
        pager = KlinePager(client, WallClock(), max_attempts=1)
        facts = {
            "spec": spec.name,
            "spec_hash": spec.spec_hash,
            "run_id": "0" * 16,
            "result_hash": "0" * 64,
            "data_hash": "0" * 64,
            "family": spec.strategy,
            "inputs": {},
            "decision_id": "d" * 64,
            "order_types": ["MARKET"],
            "models": {},
            "instruments": [instrument_to_plain(pager.instrument(s)) for s in spec.symbols],
        }
        files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
        release, _ = self._releases.publish("paper", facts, files, after=None)
        client.close_connection()
        return str(release.release_id)

    @property
    def lots(self) -> dict[str, Any]:
        """Size of a lot by symbol, in base asset."""
        return {item.symbol: item.lot for item in self.release.instruments}

    @property
    def release(self) -> Release:
        """The release that was published."""
        return self._releases.require("paper")

    # The executor

    def start(self, command: list[str] | None = None) -> subprocess.Popen[bytes]:
        """Start an executor; what it says goes to `executor.log` in the desk's folder."""
        with (self.home / "executor.log").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - this interpreter, this package
                command or list(LIVE),
                env={**os.environ, **self.environ},
                stdout=log,
                stderr=log,
            )
        return self.process

    def warm_up(self) -> None:
        """Trade a first order and stop; an engine that was never compiled takes a minute."""
        self.start()
        condition = partial(self.count, OrderSubmitted)
        self.until(condition, "the first order", patience_s=_COMPILING_S)
        if self.stop():
            raise RuntimeError(f"the first executor did not stop well: {self.said()}")

    def kill(self) -> None:
        """End the executor with -9; one that has ended already is no error."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        """Ask the executor to end, and give its exit status."""
        if self.process is None:
            raise RuntimeError("no executor was started")
        self.process.terminate()
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """Leave nothing running."""
        self.kill()
        self._http.close()

    def said(self) -> str:
        """Give the last words of the executors."""
        return (self.home / "executor.log").read_text(errors="replace")[-600:]

    def until(
        self,
        condition: Callable[[], Any],
        what: str,
        *,
        dies: bool = False,
        patience_s: float = PATIENCE_S,
    ) -> Any:
        """Wait for something, and give it.

        Raises:
            TimeoutError: if it does not come, or the executor has ended meanwhile and `dies` does
                not say that it may.
        """
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if found := condition():
                return found
            ended = self.process is not None and self.process.poll() is not None
            if ended and not dies:
                break
            time.sleep(0.01)
        raise TimeoutError(f"waited in vain for {what}: {self.said()}")

    # Exchange and journal

    def ask(self, method: str, path: str, wish: Any = None) -> Any:
        """Ask the exchange's control endpoint `/_sim/PATH`."""
        answer = self._http.request(method, f"/_sim/{path}", json=wish)
        return answer.raise_for_status().json()

    def ledger(self) -> dict[str, Any]:
        """Give all tables of the exchange."""
        found: dict[str, Any] = self.ask("GET", "ledger")
        return found

    def head(self) -> int:
        """Give the number of the journal's last row, 0 when there is no journal yet."""
        with suppress(RecoveryError), JournalReader(self.folder) as journal:
            return sum(row.seq for row in journal.tail(1))
        return 0

    def events(self) -> list[Event]:
        """Read the whole journal; nothing when there is none yet."""
        with suppress(RecoveryError), JournalReader(self.folder) as journal:
            return [event for _, event in journal.read()]
        return []

    def count(self, kind: type[Any]) -> int:
        """Count the journal's events of a kind."""
        with suppress(RecoveryError), JournalReader(self.folder) as journal:
            return sum(1 for _ in journal.of_kinds([kind.__name__]))
        return 0
