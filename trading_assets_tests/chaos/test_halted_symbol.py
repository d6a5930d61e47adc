"""The exchange halts a symbol that a book trades, and lets it trade again."""

from __future__ import annotations

import threading

import httpx
import pytest

from trading_assets.domain.events import DecisionDropped, OrderRefused
from trading_assets.domain.policy_events import EntriesAllowed, EntriesPaused
from trading_assets.workflows.run_live import run_live

pytestmark = pytest.mark.slow
SYMBOL = "SOLUSDT"
MOST_BARS = 400


class Halting:
    """Halts the symbol once it was sold, ends that after two dropped entries, stops after more.

    It is told at every sign of life of the executor, within the executor's own loop.
    """

    def __init__(self, rig, status):
        self.rig = rig
        self.wish = {"kind": "halt_symbol", "symbol": SYMBOL, "status": status}
        self.stop = threading.Event()
        self.orders = 0
        self.steps = [self.halt, self.end, self.finish]

    def told(self, _state, _seq):
        if self.steps and self.steps[0]():
            self.steps.pop(0)

    def sides(self):
        return [o["side"] for o in self.rig.ledger()["orders"] if o["symbol"] == SYMBOL]

    def halt(self):
        """Wait until nothing is held: a book that holds the symbol would only try to sell it."""
        if self.sides()[-1:] != ["SELL"]:
            return False
        answer = httpx.post(f"{self.rig.exchange.url}/_sim/fault", json=self.wish)
        answer.raise_for_status()
        return True

    def end(self):
        dropped = [e for e in self.rig.events() if isinstance(e, DecisionDropped)]
        if sum(e.rule == "paused_status" for e in dropped) < 2:
            return False
        self.orders = len(self.sides())
        self.rig.clear_faults()
        return True

    def finish(self):
        if self.sides()[self.orders :]:
            self.stop.set()
        return self.stop.is_set()


@pytest.mark.parametrize("status", [pytest.param("BREAK", marks=pytest.mark.long), "HALT"])
def test_entries_rest_while_a_symbol_is_halted_and_go_on_when_it_trades(rig, hurried, status):
    local, halting = hurried.Local(), Halting(rig, status)
    run_live(
        rig.desk,
        "demo",
        stop=halting.stop,
        max_bars=MOST_BARS,
        local=local,
        wrap_broker=local.broker,
        told=halting.told,
    )

    assert halting.steps == [], "an entry after the halt"
    events = rig.events()
    (paused,) = [n for n, e in enumerate(events) if isinstance(e, EntriesPaused)]
    (allowed,) = [n for n, e in enumerate(events) if isinstance(e, EntriesAllowed)]
    assert (events[paused].symbol, events[paused].cause) == (SYMBOL, "status")
    assert events[paused].reason == f"the venue says {status}"
    assert (events[allowed].symbol, events[allowed].cause) == (SYMBOL, "status")
    refused = [(n, e) for n, e in enumerate(events) if isinstance(e, OrderRefused)]
    assert all(n < paused and "Market is closed" in e.reason for n, e in refused)
    dropped = [n for n, e in enumerate(events) if isinstance(e, DecisionDropped)]
    assert len(dropped) >= 2
    assert all(paused < n < allowed and events[n].rule == "paused_status" for n in dropped)
    assert rig.verdicts() == []
