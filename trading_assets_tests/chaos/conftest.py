"""A desk with a release, an exchange that can misbehave, and executors as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace

import httpx
import pytest

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager
from trading_assets.adapters.wall_clock import WallClock
from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import OrderFilled, OrderIntentCreated
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.settings import load_settings
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.spec import parse_spec

START = int(datetime(2024, 4, 1, tzinfo=UTC).timestamp()) * 1_000_000
WARP = 600
PATIENCE_S = 60.0
SPEC = """
name: eager
strategy: ema_trend
params: {fast: 1, slow: 3}
symbols: [BTCUSDT, ETHUSDT, SOLUSDT]
cash: 10000
sizing: {mode: pct_of_equity, pos_pct: 30.0, cash_buffer_pct: 2.0, rebalance_pct: 10.0}
costs: {fees_bps: 10.0}
"""
LIVE = "from trading_assets.interfaces.cli.live import app; app()"


class Rig:
    """One exchange, one book, and processes that trade it."""

    def __init__(self, home, exchange):
        self.exchange = exchange
        self.environ = {
            "TA_HOME": str(home),
            "TA_EXCHANGE__PORT": str(exchange.port),
            "TA_LIVE__POLL_S": "0.05",
            "TA_LIVE__LATE_BAR_S": "3000",
            "TA_LIVE__HEARTBEAT_S": "0.2",
        }
        self.settings = load_settings(self.environ).settings
        self.desk = open_desk(self.settings)
        self.folder = self.settings.data_root / "live" / "demo"
        self.processes = []

    def publish(self, *, bar_size="5m", **changes):
        """Publish a release that trades at almost every bar."""
        spec = parse_spec(f"{SPEC}bar_size: {bar_size}\n", where="test")
        client = make_client(self.exchange.api_url, timeout_s=2, recv_window_ms=5000)
        pager = KlinePager(client, WallClock(), max_attempts=1)
        facts = {
            "decision_id": "d" * 64,
            "order_types": ["MARKET"],
            "models": {},
            "instruments": [instrument_to_plain(pager.instrument(s)) for s in spec.symbols],
        }
        facts |= changes
        current = self.desk.releases.current("paper")
        files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
        after = current.release_id if current else None
        return self.desk.releases.publish("paper", facts, files, after=after)[0]

    # Processes

    def start(self):
        process = subprocess.Popen(
            [sys.executable, "-c", LIVE, "live", "--book", "demo"],
            env={**os.environ, **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.processes.append(process)
        return process

    def kill(self, process):
        process.kill()
        process.wait()

    def stop(self, process):
        """End a process cleanly and give what it said."""
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, output
        return output

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()

    # Exchange

    def fault(self, kind, **settings):
        """Arm a fault for the next placement; give its id."""
        match = {"method": "POST", "path": "/api/v3/order"}
        wish = {"kind": kind, "match": match, **settings}
        answer = httpx.post(f"{self.exchange.url}/_sim/fault", json=wish)
        return answer.raise_for_status().json()["armed"][0]

    def clear_faults(self):
        httpx.delete(f"{self.exchange.url}/_sim/fault").raise_for_status()

    def ledger(self):
        return httpx.get(f"{self.exchange.url}/_sim/ledger", timeout=10).json()

    # Watching

    def until(self, condition, what):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            running = [p for p in self.processes if p.poll() is None]
            assert running, f"no process is left while waiting for {what}: {self.said()}"
            time.sleep(0.02)
        raise AssertionError(f"waited in vain for {what}: {self.said()}")

    def said(self):
        return [p.stdout.read() for p in self.processes if p.poll() not in (None, -9)]

    def events(self):
        try:
            with JournalReader(self.folder) as journal:
                return [event for _, event in journal.read()]
        except RecoveryError:
            return []

    def count(self, kind):
        return sum(isinstance(event, kind) for event in self.events())

    def verdicts(self):
        """Judge the book by the exchange's ledger; an empty list is a good book."""
        with JournalReader(self.folder) as journal:
            journal.verify()
            events = [event for _, event in journal.read()]
        ledger = self.ledger()
        wrong = []
        placed = Counter(order["client_order_id"] for order in ledger["orders"])
        if any(number > 1 for number in placed.values()):
            wrong.append("an order was placed twice")
        posts = Counter(r["client_order_id"] for r in ledger["requests"] if r["method"] == "POST")
        if any(number > 1 for number in posts.values()):
            wrong.append("an order was sent twice")
        intents = {e.ticket.client_order_id for e in events if isinstance(e, OrderIntentCreated)}
        if not placed.keys() <= intents:
            wrong.append("the exchange has an order that the journal lacks")
        ours = sorted(
            (e.fill.symbol, int(e.fill.trade_id), e.fill.quantity)
            for e in events
            if isinstance(e, OrderFilled)
        )
        lots = {s.symbol: s.lot for s in self.desk.releases.require("paper").instruments}
        theirs = sorted(
            (t["symbol"], t["trade_id"], t["lots"] * lots[t["symbol"]]) for t in ledger["trades"]
        )
        if ours != theirs:
            wrong.append(f"fills differ: {len(ours)} in the journal, {len(theirs)} at the venue")
        return wrong


@pytest.fixture
def rig(tmp_path):
    config = ExchangeConfig(start=START, warp=WARP, sim_controls=True, weight_limit=10**9)
    with running_exchange(config) as exchange:
        rig = Rig(tmp_path, exchange)
        rig.publish()
        yield rig
        rig.close()


@pytest.fixture
def make_rig(tmp_path):
    """Give a rig, in a home of its own, for an exchange that a test has started."""
    return lambda exchange: Rig(tmp_path / "own", exchange)


@pytest.fixture
def hurried():
    """Give local time and a broker on which twenty seconds pass in one."""
    return SimpleNamespace(Local=HurriedLocal, factor=20)


class HurriedLocal:
    """Local time that runs faster while it is waited for, and takes the auth clock along."""

    def __init__(self, factor=20):
        self.factor = factor
        self.gained_s = 0.0

    def monotonic(self):
        return time.monotonic() + self.gained_s

    def wait(self, seconds, stop):
        self.gained_s += seconds * (self.factor - 1)
        return stop.wait(seconds)

    def broker(self, broker):
        return _HurriedBroker(broker, self)


class _HurriedBroker:
    def __init__(self, broker, local):
        self._broker = broker
        self._local = local

    def __getattr__(self, name):
        return getattr(self._broker, name)

    def auth_now(self):
        return self._broker.auth_now() + int(self._local.gained_s * 1_000_000)
