"""Prometheus's own tools judge what we ship for it, and evaluate every panel of the dashboard."""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import httpx
import pytest

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.interfaces.metrics_exporter import metrics_text
from trading_assets.interfaces.metrics_server import metrics_server
from trading_assets.storage.alert_file import AlertFile
from trading_assets.workflows.live_metrics import DeskMetrics
from trading_assets_tests.stand_ins.measured_book import MINUTE, measured_book

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")
_MISSING = "Debian's package prometheus is not on PATH"
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason=_MISSING)
needs_prometheus = pytest.mark.skipif(PROMETHEUS is None, reason=_MISSING)
_WINDOW_S = 3


def _promtool(*words, given=""):
    found = subprocess.run(
        [PROMTOOL, *words], input=given, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    return found.stdout + found.stderr


@needs_promtool
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "alerts.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alerts_test.yml"),
    ],
    ids=" ".join,
)
def test_promtool_finds_no_fault(words):
    _promtool(*words[:-1], str(DEPLOY / "prometheus" / words[-1]))


@pytest.fixture
def book(tmp_path):
    """A book of which everything has happened just now."""
    clock = WallClock()
    start = clock.now() // MINUTE * MINUTE - 2 * MINUTE

    class Settable:
        """The machine's clock once nothing sets it."""

        ts = 0

        def now(self):
            return max(clock.now(), self.ts)

    with measured_book(tmp_path, Settable()) as made:
        made.open_session(start)
        made.bar(start)
        made.command(refused="no such symbol")
        made.order(start, ends="silence")
        AlertFile(made.place.folder).add("paper", "order_unresolved", "an order", 1, begins=True)
        made.beat()
        made.start = start
        yield made


@needs_promtool
def test_promtool_finds_no_fault_with_a_scrape(book):
    text = metrics_text(DeskMetrics(book.desk)).decode()
    assert not _promtool("check", "metrics", given=text).strip()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def prometheus(book, tmp_path):
    """A real Prometheus that scrapes a real exporter five times a second, and our rules in it."""
    with metrics_server(DeskMetrics(book.desk), "127.0.0.1", 0) as server:
        exporter = threading.Thread(target=server.serve_forever, args=(0.01,))
        exporter.start()
        shutil.copy(DEPLOY / "prometheus/alerts.yml", tmp_path)
        shipped = (DEPLOY / "prometheus/prometheus.yml").read_text()
        config = shipped.replace("127.0.0.1:9470", f"127.0.0.1:{server.server_address[1]}")
        assert config != shipped
        (tmp_path / "prometheus.yml").write_text(config.replace("interval: 5s", "interval: 200ms"))
        port = _free_port()
        process = subprocess.Popen(
            [
                *(PROMETHEUS, f"--config.file={tmp_path}/prometheus.yml"),
                *(f"--storage.tsdb.path={tmp_path}/tsdb", f"--web.listen-address=127.0.0.1:{port}"),
                "--log.level=error",
            ],
        )
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10) as client:
                yield client
        finally:
            process.kill()
            process.wait()
            server.shutdown()
            exporter.join()


def _until(true, what):
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.1)


def _ask(prometheus, expression):
    try:
        answer = prometheus.get("/query", params={"query": expression})
    except httpx.TransportError:
        return []  # it has not begun to listen
    if answer.status_code == 503:
        return []
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]["result"]


def _expressions():
    board = json.loads((DEPLOY / "grafana/live_books.json").read_text())
    targets = [(p["title"], t["expr"]) for p in board["panels"] for t in p["targets"]]
    return targets + [(a["name"], a["expr"]) for a in board["annotations"]["list"]]


@pytest.mark.slow
@needs_prometheus
def test_ui_09_every_panel_has_data_and_an_alert_fires(book, prometheus):
    _until(lambda: _ask(prometheus, "trading_assets_bars_total"), "first scrape")
    with book.running():
        book.bar(book.start + MINUTE, lag_ms=0)
        book.order(book.start + MINUTE)
        book.order(book.start + MINUTE, ends="refusal")
        book.command()
        book.halt_for_loss()
        _until(lambda: _ask(prometheus, "trading_assets_halted_for_loss == 1"), "second scrape")
        for title, expression in _expressions():
            asked = expression.replace("$__rate_interval", f"{_WINDOW_S * 10}s")
            asked = asked.replace("$book", ".*").replace("[1m]", f"[{_WINDOW_S * 10}s]")
            found = _ask(prometheus, asked)
            assert found, f"{title}: {asked} gives nothing"
            values = [float(series["value"][1]) for series in found]
            assert not any(map(math.isnan, values)), f"{title}: {asked} gives {values}"

        def firing():
            alerts = prometheus.get("/alerts").json()["data"]["alerts"]
            return {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}

        _until(lambda: "DailyLossHalt" in firing(), "alert")
        assert not firing() & {"BarGap", "BookDown", "MetricsDown", "JournalUnreadable"}
