"""A look before the start: every line comes from a real exchange, and no order reaches it."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from typer.testing import CliRunner

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.control import HaltRequest
from trading_assets.domain.events import SessionOpened
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.interfaces.cli.main import app
from trading_assets.live.safety.latch import write_latch
from trading_assets.settings import load_settings
from trading_assets.storage.journal import Journal
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.preflight import at_venue, preflight
from trading_assets_tests.chaos.conftest import START


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


def test_a_shadow_needs_no_key_and_a_book_that_has_traded_no_free_cash(rig):
    environ = {
        **rig.environ,
        "TA_BOOKS__SHADOW__VENUE": "embedded",
        "TA_BOOKS__SHADOW__ACCOUNT": "demo",
        "TA_BOOKS__SHADOW__MODE": "shadow",
        "TA_BOOKS__SHADOW__TRADES": "paper",
    }
    settings = load_settings(environ).settings
    lines = list(preflight(replace(rig.desk, settings=settings), "shadow"))
    assert {line.status for line in lines} == {"ok"}, lines
    assert "balance" not in {line.what for line in lines}

    wish = {"kind": "balance_set", "account": "demo", "asset": "USDT", "free": "12.5"}
    httpx.post(f"{rig.exchange.url}/_sim/fault", json=wish).raise_for_status()
    assert _lines(rig.desk)["balance"].status == "fail"
    release = rig.desk.releases.require("paper").release_id
    with Journal(rig.folder, book="demo", epoch="virtual", clock=rig.desk.clock) as journal:
        journal.append([SessionOpened(START, "demo", release, ())])
    line = _lines(rig.desk)["balance"]
    assert line.status == "ok"
    assert "12.5" in line.found


@pytest.mark.parametrize(
    ("limits", "status"),
    [
        ([], "warn"),
        ([{"rateLimitType": "REQUEST_WEIGHT", "interval": "DAY", "intervalNum": 1}], "warn"),
        ([{}], "warn"),
        ([{"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1}], "fail"),
    ],
)
def test_limits_that_cannot_be_read_are_a_line_and_no_crash(rig, monkeypatch, limits, status):
    """Another venue's server may answer otherwise than the documents say."""
    from binance.client import Client

    honest = Client._get

    def odd(client, path, *values, **more):
        answer = honest(client, path, *values, **more)
        return answer | {"rateLimits": limits} if path == "exchangeInfo" else answer

    monkeypatch.setattr(Client, "_get", odd)
    lines = _lines(rig.desk)
    assert lines["request weight"].status == status
    assert lines["release"].status == "ok"


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
