"""A look before the start: every line comes from a real exchange, and no order reaches it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.control import HaltRequest
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.interfaces.cli.main import app
from trading_assets.live.safety.latch import write_latch
from trading_assets.settings import load_settings
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.preflight import at_venue, preflight


def _lines(desk):
    return {line.what: line for line in preflight(desk, "demo")}


def test_all_is_well_and_nothing_was_sent(rig):
    lines = _lines(rig.desk)
    assert {line.status for line in lines.values()} == {"ok"}, lines
    assert set(lines) >= {"venue", "clock", "key", "may trade", "balance", "disk", "BTCUSDT"}
    assert rig.ledger()["orders"] == []
    assert {request["method"] for request in rig.ledger()["requests"]} <= {"GET"}


def test_what_is_wrong_is_said_with_what_to_do(rig, monkeypatch):
    write_latch(live_book(rig.settings, "demo").halt, HaltRequest("lunch"))
    rig.publish(decision_id="e" * 64, order_types=["MARKET", "TRAILING_STOP"])
    lines = _lines(rig.desk)
    assert (lines["halt"].status, "resume" in lines["halt"].fix) == ("warn", True)
    assert lines["release"].status == "fail"

    for name, value in rig.environ.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ("preflight", "--book", "demo"))
    assert result.exit_code == 1
    assert "fail release: " in result.output


def test_a_venue_that_is_away_fails_its_own_lines_only(rig, monkeypatch):
    environ = {**rig.environ, "TA_EXCHANGE__PORT": "9"}
    lines = _lines(replace(rig.desk, settings=load_settings(environ).settings))
    assert lines["venue"].status == lines["key"].status == "fail"
    assert lines["disk"].status == "ok"


@pytest.mark.parametrize(("skew_ms", "status"), [(0, "ok"), (700, "warn"), (5_000, "fail")])
def test_a_clock_that_is_wrong_is_measured(rig, skew_ms, status):
    class Skewed(WallClock):
        def now(self):
            return super().now() - skew_ms * 1_000

    now = WallClock().now()
    with running_exchange(ExchangeConfig(start=now, warp=1)) as exchange:
        environ = {**rig.environ, "TA_EXCHANGE__PORT": str(exchange.port)}
        settings = load_settings(environ).settings
        lines = _lines(replace(rig.desk, settings=settings, clock=Skewed()))
    assert lines["clock"].status == status, lines["clock"]


def test_a_book_can_be_looked_at_as_if_it_were_elsewhere():
    settings = load_settings({}).settings
    moved = at_venue(settings, "demo", "live")
    assert moved.books["demo"].venue == "binance"
    assert moved.binance.api_url == "https://api.binance.com/api"
    assert at_venue(moved, "demo", "embedded").books["demo"].venue == "embedded"
