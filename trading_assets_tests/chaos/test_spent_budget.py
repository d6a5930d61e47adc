"""A book that starts after others, or its own earlier lives, have spent the venue's budget."""

from __future__ import annotations

import threading

import httpx
import pytest

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import BarReady, OrderSubmitted, SessionOpened, TradingHalted
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.workflows.control_book import halt_book
from trading_assets.workflows.live_status import live_status
from trading_assets.workflows.run_live import run_live
from trading_assets_tests.chaos.conftest import START, WARP, Rig

pytestmark = pytest.mark.slow
LIMIT = 6_000
ALL_TICKERS = 80


@pytest.fixture
def rig(tmp_path):
    config = ExchangeConfig(start=START, warp=WARP, sim_controls=True, weight_limit=LIMIT)
    with running_exchange(config) as exchange:
        rig = Rig(tmp_path, exchange)
        rig.publish()
        yield rig
        rig.close()


def _spend(rig):
    """Use up what reads may use of the present minute, and leave some for what cannot wait."""
    with httpx.Client(base_url=f"{rig.exchange.api_url}/v3") as client:
        used = 0
        while used < 0.95 * LIMIT:
            answer = client.get("/ticker/24hr").raise_for_status()
            used = int(answer.headers["X-MBX-USED-WEIGHT-1M"])


def _waits(rig):
    found = live_status(rig.desk, "demo")
    return found if found.note else None


def test_a_limited_book_waits_heeds_a_halt_meanwhile_and_then_goes_on(rig):
    match = {"path": "/api/v3/exchangeInfo"}
    wish = {"kind": "status", "status": 429, "retry_after_s": 6, "match": match}
    httpx.post(f"{rig.exchange.url}/_sim/fault", json=wish).raise_for_status()
    process = rig.start()
    seen = rig.until(lambda: _waits(rig), "the wait in the status")
    halt_book(rig.desk, "demo", level=HaltLevel.HALT, who="ann", reason="enough", source="cli")
    halted = live_status(rig.desk, "demo")
    assert rig.count(SessionOpened) == 0

    rig.until(lambda: rig.count(BarReady), "a bar")
    said = rig.stop(process)
    assert seen.verdict == "rate limited"
    assert "description of" in seen.note
    assert "the venue limits us" in seen.note
    assert "asked again in" in seen.note
    assert "enough" in halted.reason
    assert said.count("rate_limited") == 1
    assert live_status(rig.desk, "demo").note == "stopped"
    assert rig.count(TradingHalted) == 1
    assert rig.count(OrderSubmitted) == 0


def test_weight_that_others_have_spent_is_waited_for_and_a_stop_is_no_error(rig):
    into_s = WallClock().now() / 1_000_000 % 60
    if into_s > 45:  # the venue's minute must outlast this test
        threading.Event().wait(60.5 - into_s)
    _spend(rig)
    stop, observed = threading.Event(), []

    def observe(observation):
        observed.append(observation)
        stop.set()

    summary = run_live(rig.desk, "demo", stop=stop, observe=observe)

    assert (summary.reason, summary.bars) == ("stopped before the venue could be asked", 0)
    (waits,) = observed
    assert waits.state == "rate_limited"
    assert f"of {LIMIT} request weight is used this minute" in waits.reason
    assert live_status(rig.desk, "demo").state == "stopped"


def _start_at(rig, path, **answer):
    """Start a book whose first such question is answered so; give its status meanwhile."""
    wish = {"kind": "status", "match": {"path": path}, **answer}
    httpx.post(f"{rig.exchange.url}/_sim/fault", json=wish).raise_for_status()
    process = rig.start()
    seen = rig.until(lambda: _waits(rig), "the wait in the status")
    rig.until(lambda: rig.count(BarReady), "a bar")
    rig.stop(process)
    return seen


def test_a_venue_that_goes_away_before_the_release_is_looked_at_is_waited_for(rig):
    seen = _start_at(rig, "/api/v3/exchangeInfo", status=503)

    assert seen.verdict == "venue down"
    assert "The venue is asked again in" in seen.note


def test_a_book_whose_first_look_at_the_account_is_limited_says_so_and_goes_on(rig):
    seen = _start_at(rig, "/api/v3/account", status=429, retry_after_s=4)

    assert seen.verdict == "venue down"
    assert "the venue limits us" in seen.note
    assert live_status(rig.desk, "demo").note == "stopped"
