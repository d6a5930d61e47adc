"""What `status` says of a book that trades, is halted, is frozen, has stopped: a real process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.events import BarReady, CommandReceived, OrderFilled
from trading_assets.interfaces.cli.main import app
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.control_book import ask_book, halt_book
from trading_assets.workflows.live_status import live_status
from trading_assets.workflows.slo_report import slo_report
from trading_assets_tests.chaos.conftest import LIVE


class _Ahead:
    """The machine's clock, a minute from now: for somebody who looks after a silence."""

    def __init__(self, clock):
        self._clock = clock

    def now(self):
        return self._clock.now() + 60_000_000


def _cli(rig, monkeypatch, *options):
    for name, value in rig.environ.items():
        monkeypatch.setenv(name, value)
    return CliRunner().invoke(app, ("status", "--book", "demo", *options), catch_exceptions=False)


def test_a_book_is_seen_from_outside_in_every_state(rig, monkeypatch):
    before = live_status(rig.desk, "demo")
    assert (before.code, before.verdict, before.seq) == (2, "not running", 0)

    process = rig.start()
    rig.until(lambda: rig.count(OrderFilled) >= 2, "fills")
    rig.until(lambda: live_status(rig.desk, "demo").book.get("positions"), "a position")
    rig.until(lambda: live_status(rig.desk, "demo").book["metrics"].get("fills_total"), "figures")
    trading = live_status(rig.desk, "demo")
    assert (trading.code, trading.verdict, trading.state) == (0, "trading", "trading")
    assert trading.holder.startswith(f"process {process.pid} on ")
    assert trading.heartbeat_age_s < 30
    assert 0 < trading.book["equity"] < 20_000
    assert trading.book["metrics"]["fills_total"] >= 1
    assert trading.level == "NONE"

    figures = _cli(rig, monkeypatch, "--metrics")
    assert figures.exit_code == 0
    assert 'trading_assets_up{book="demo"} 1.0\n' in figures.output
    assert "# TYPE trading_assets_orders_sent_total counter" in figures.output
    assert "trading" in _cli(rig, monkeypatch).output

    os.kill(process.pid, signal.SIGSTOP)
    late = replace(rig.desk, clock=_Ahead(rig.desk.clock))
    assert live_status(late, "demo").code == 3
    os.kill(process.pid, signal.SIGCONT)

    halt_book(rig.desk, "demo", level=HaltLevel.HALT, who="ann", reason="lunch", source="cli")
    halted = live_status(rig.desk, "demo")
    assert (halted.code, halted.level) == (1, "HALT")
    assert "lunch" in halted.reason

    rig.stop(process)
    printed = _cli(rig, monkeypatch, "--json")
    after = json.loads(printed.output)
    assert printed.exit_code == 2
    assert (after["code"], after["state"], after["holder"]) == (2, "stopped", "")
    assert after["book"]["seq"] == after["seq"] == len(rig.events())
    assert after["book"]["equity"] > 0


def test_a_killed_book_is_rebuilt_from_its_journal(rig):
    process = rig.start()
    rig.until(lambda: rig.count(OrderFilled) >= 2, "fills")
    rig.kill(process)
    (rig.folder / "status.json").unlink()

    found = live_status(rig.desk, "demo")
    assert found.code == 2
    assert found.book["seq"] == found.seq
    assert found.book["equity"] > 0


def test_the_day_is_reported_by_the_journal(rig):
    rig.start()
    rig.until(lambda: rig.count(BarReady) >= 3, "bars")
    first = next(event for event in rig.events() if isinstance(event, BarReady))
    day = datetime.fromtimestamp(first.ts / 1e6, UTC).date()
    report = slo_report(rig.desk, "demo", day)
    assert report.good > 0
    assert report.budget == pytest.approx(216 * 3)
    assert report.good + report.bad <= 3 * 1440


def test_ctl_10_ctl_11_obs_11_live_tells_figures_and_logs_and_keeps_within_its_second(
    rig, monkeypatch
):
    """The journal's own sign of life is the row of a bar: when, of which book, and when written."""
    tighter = {"max_orders_per_day": "90"}
    words = {"who": "ann", "reason": "a test", "source": "cli", "arguments": tighter}
    asked = ask_book(rig.desk, "demo", CommandKind.TIGHTEN_LIMITS, **words)
    ended = subprocess.run(
        [sys.executable, "-c", LIVE, "live", "--book", "demo", "--max-bars", "8", "--json"],
        env={**os.environ, **rig.environ, "TA_LIVE__LOG_FILE": "live.jsonl"},
        capture_output=True,
        text=True,
        check=True,
    )
    summary = json.loads(ended.stdout.splitlines()[-1])
    assert summary["bars"] >= 8
    assert summary["events"]["OrderSubmitted"] > 0
    assert 0 < summary["bar_ms_p50"] <= summary["bar_ms_p95"] < 1_000
    sent = 'trading_assets_orders_sent_total{book="demo",symbol="SOLUSDT"}'
    assert sent in _cli(rig, monkeypatch, "--metrics").output

    with JournalReader(rig.folder) as journal:
        rows = list(journal.rows())
    logged = [json.loads(line) for line in (rig.folder / "live.jsonl").read_text().splitlines()]
    assert {row.seq for row in rows} == {line["seq"] for line in logged}
    (command,) = [row.event for row in rows if isinstance(row.event, CommandReceived)]
    assert (command.inbox_id, command.kind) == (asked.inbox_id, CommandKind.TIGHTEN_LIMITS)
    assert command.ts > 0
    assert (json.loads(command.arguments), command.refused) == (tighter, "")
    beats = [(row.ts, row.recorded) for row in rows if isinstance(row.event, BarReady)]
    assert len(beats) == summary["bars"]
    assert beats == sorted(beats)


def _hear(manager, heard, ends):
    manager.settimeout(0.1)
    while not ends.is_set():
        with suppress(TimeoutError):
            heard.append(manager.recv(4096).decode())


def test_obs_05_the_log_has_a_line_for_every_row_and_systemd_hears_the_loop(rig, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        rig.environ |= {
            "NOTIFY_SOCKET": manager.getsockname(),
            "TA_LIVE__LOG_FILE": "live.jsonl",
        }
        heard: list[str] = []
        manager_ends = threading.Event()
        ears = threading.Thread(target=_hear, args=(manager, heard, manager_ends))
        ears.start()  # as systemd does, all the time: a full socket loses messages
        try:
            process = rig.start()
            rig.until(lambda: any("READY=1" in message for message in heard), "READY")
            rig.until(lambda: rig.count(OrderFilled) >= 2, "fills")
            rig.stop(process)
            rig.until(lambda: "STOPPING=1" in heard[-1], "STOPPING")
        finally:
            manager_ends.set()
            ears.join()
    ready = next(place for place, message in enumerate(heard) if "READY=1" in message)
    assert all("WATCHDOG=1" in message for message in heard[: ready + 1])
    assert any("EXTEND_TIMEOUT_USEC" in message for message in heard[:ready])

    written = [json.loads(line) for line in (rig.folder / "live.jsonl").read_text().splitlines()]
    lines = [line for line in written if not line["event"].startswith("Alert")]
    assert [line["seq"] for line in lines] == list(range(1, len(rig.events()) + 1))
    assert [line["event"] for line in lines] == [type(e).__name__ for e in rig.events()]
    filled = next(line for line in lines if line["event"] == "OrderFilled")
    assert filled["side"] in ("BUY", "SELL")
    assert float(filled["prices"]["fill"]) > 0
    assert filled["run_id"] == "demo-1"
