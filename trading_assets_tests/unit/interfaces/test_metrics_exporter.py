"""What a scrape says, and who may ask; `promtool` and a real Prometheus judge the form."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import yaml

from trading_assets.interfaces import metrics_exporter
from trading_assets.interfaces.metrics_exporter import PREFIX, metrics_text
from trading_assets.interfaces.metrics_server import metrics_server
from trading_assets.live.supervision.alerts import RULES
from trading_assets.workflows.live_metrics import DeskMetrics
from trading_assets_tests.stand_ins.measured_book import MINUTE, Hand, measured_book

ROOT = Path(__file__).parents[3]
OPENED = 29_000_000 * MINUTE


@pytest.fixture
def book(tmp_path):
    with measured_book(tmp_path, Hand(OPENED)) as made:
        made.open_session(OPENED)
        made.bar(OPENED)
        made.order(OPENED, rtt_ms=20)
        made.order(OPENED, rtt_ms=300, ends="refusal")
        made.beat()
        yield made


@pytest.fixture
def served(book):
    with metrics_server(DeskMetrics(book.desk), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def _get(port, path="/metrics", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def test_obs_02_a_scrape_gives_counters_gauges_and_histograms_by_book_and_symbol(served):
    status, kind, text = _get(served)
    assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
    for line in (
        "# TYPE trading_assets_orders_sent_total counter",
        'trading_assets_orders_sent_total{book="paper",symbol="BTCUSDT"} 2.0',
        'trading_assets_fills_total{book="paper",symbol="BTCUSDT"} 1.0',
        'trading_assets_rejects_total{book="paper",symbol="BTCUSDT"} 1.0',
        'trading_assets_order_latency_seconds_count{book="paper"} 2.0',
        'trading_assets_pnl_realized{book="paper"} 12.5',
        'trading_assets_order_rtt_seconds_bucket{book="paper",le="0.01"} 0.0',
        'trading_assets_order_rtt_seconds_bucket{book="paper",le="0.025"} 1.0',
        'trading_assets_order_rtt_seconds_bucket{book="paper",le="+Inf"} 2.0',
        'trading_assets_order_rtt_seconds_sum{book="paper"} 0.32',
        'trading_assets_alert_active{alert="drift",book="paper"} 0.0',
        'trading_assets_journal_readable{book="paper"} 1.0',
    ):
        assert line in text.splitlines()


def test_no_other_path_and_no_other_host(served):
    assert _get(served, "/")[0] == 404
    assert _get(served, Host="rebound.example")[0] == 421


def test_a_book_that_cannot_be_read_is_told_every_time_and_logged_once(book, caplog):
    book.close()
    (book.place.folder / "journal.sqlite").write_bytes(b"torn" * 999)
    metrics = DeskMetrics(book.desk)
    metrics_text(metrics)
    text = metrics_text(metrics).decode()
    assert 'trading_assets_journal_readable{book="paper"} 0.0' in text
    assert "trading_assets_equity{" not in text
    assert [record.message for record in caplog.records] == [
        "The metrics of book paper cannot be read"
    ]


def test_the_command_says_where_it_serves_and_stops_at_ctrl_c(book, tmp_path):
    program = "from trading_assets.interfaces.cli.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "metrics", "serve", "--port", "0"],
        env=os.environ | {"TA_HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        address = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/metrics\n", process.stdout.readline())
        status, _, text = _get(int(address[1]))
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "stopped\n"
    assert (status, process.returncode) == (200, 0)
    assert 'trading_assets_fills_total{book="paper",symbol="BTCUSDT"} 1.0' in text


def _rules():
    text = (ROOT / "deploy/prometheus/alerts.yml").read_text()
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_alert_rules_are_of_metrics_that_there_are(book):
    text = metrics_text(DeskMetrics(book.desk)).decode()
    there = set(re.findall(r"^# TYPE (\w+)", text, re.M))
    for rule in _rules():
        assert set(re.findall(rf"{PREFIX}\w+", rule["expr"])) <= there, rule["alert"]


def test_obs_04_every_alert_of_the_product_has_a_rule_and_every_rule_an_answer():
    stated = {
        "bar_gap": "BarGap", "order_errors": "OrderErrorRate", "order_latency": "OrderLatency",
        "loss_halt": "DailyLossHalt",
        "circuit_breaker": "CircuitBreaker", "drift": "Drift", "disk": "DiskFull",
        "order_unresolved": "OrderUnresolved", "error_budget": "ErrorBudget",
        "clock": "ClockOffset",
    }  # fmt: skip
    assert stated.keys() == RULES.keys()
    by_name = {rule["alert"]: rule for rule in _rules()}
    assert set(stated.values()) <= by_name.keys()
    others = re.search(r'alert!~"([^"]+)"', by_name["OwnAlert"]["expr"])[1]
    assert set(others.split("|")) == stated.keys()  # what has a rule of its own is told once
    docs = (ROOT / "docs/monitoring.md").read_text()
    for name in by_name:
        assert f"### {name}\n" in docs
        assert by_name[name]["annotations"]["runbook"].startswith("docs/monitoring.md#")


def test_every_metric_stands_in_the_docs():
    docs = (ROOT / "docs/monitoring.md").read_text()
    tables = (
        metrics_exporter.COUNTERS,
        metrics_exporter.COUNTERS_OF_SYMBOL,
        metrics_exporter.GAUGES,
        metrics_exporter.GAUGES_OF_SYMBOL,
        metrics_exporter.TIMERS,
    )
    missing = [name for table in tables for name in table if f"`{name}`" not in docs]
    assert not missing
