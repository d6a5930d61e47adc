"""A10: how long after a trigger the exchange still receives an entry; its ledger says so."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from trading_assets.domain.events import OrderSubmitted, TradingHalted, TradingResumed
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.rig import START, Rig
from trading_assets.simulation.chaos.triggers import SUPERVISOR_S, WAYS, Triggers
from trading_assets.simulation.chaos.verdict import Verdict
from trading_assets.storage.journal_reader import JournalReader

LONGEST_S = 1.0
_WARP = 600
_SIZING = "{mode: pct_of_equity, pos_pct: 1.0, cash_buffer_pct: 2.0, rebalance_pct: 0.0}"
"""Small, and traded at every cross: the account lasts for hours of the market."""
_SETTINGS = {
    "TA_LIVE__SUPERVISOR_TIMEOUT_S": str(SUPERVISOR_S),
    # On a busy machine the executor falls behind the market for good; it must go on trading.
    "TA_LIVE__LATE_BAR_S": "1e9",
}
_PHASE_S = 0.3
_QUIET_S = (*(0.3,) * 9, LONGEST_S + 0.5)
"""How long the ledger is watched after a halt; one in ten long enough to see one that is late."""
_LEAST_EXPECTED = 1.0
_HARDSHIPS = (
    None,
    {"kind": "delay", "after_ms": 400, "match": {"method": "POST", "path": "/api/v3/order"}},
    {"kind": "delay", "before_ms": 1000, "match": {"method": "GET", "path": "/api/v3/klines"}},
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One trigger and its resume: no entry may arrive between two instants of the market.

    Attributes:
        way: which trigger.
        heard_s: from the trigger's return until the halt stands in the journal.
        begin: market time of the trigger's return.
        end: market time before the resume.
    """

    way: str
    heard_s: float
    begin: float
    end: float

    def halt_s(self, entries: list[int]) -> float:
        """Give the seconds from the trigger's return to the last entry; 0 when there is none."""
        late = [ts for ts in entries if self.begin < ts < self.end]
        return (max(late) - self.begin) / 1e6 / _WARP if late else 0.0

    @property
    def watched_s(self) -> float:
        """How long the ledger was watched."""
        return (self.end - self.begin) / 1e6 / _WARP


def halt_again_and_again(
    n: int, seed: int, folder: Path, report: Callable[[int, int], None] = lambda *_: None
) -> Verdict:
    """Pull `n` triggers at one warm executor, by turns each of the six, and judge the entries.

    Every trigger meets another phase, and by turns an undisturbed venue, an order whose answer
    hangs, and a feed that hangs.

    Args:
        n: triggers in total.
        seed: draws the phases.
        folder: empty, on a local disk.
        report: told (triggers done, 0) after each.

    Raises:
        TimeoutError: if a halt or a resume is never journalled.
    """
    dice = random.Random(seed)  # noqa: S311 - chance that has to be repeatable
    config = ExchangeConfig(start=START, warp=_WARP, sim_controls=True, weight_limit=10**9)
    trials: list[Trial] = []
    with running_exchange(config) as exchange:
        rig = Rig(folder, exchange, **_SETTINGS)
        book = _Halted(rig, exchange.api_url)
        try:
            rig.publish("1m", _SIZING)
            triggers = Triggers(rig)
            try:
                rig.warm_up()
                triggers.warm_up()
                rig.start()
                book.awaits_order()
                since = book.market_at(time.monotonic())
                for done in range(n):
                    trials.append(_try(book, triggers, done, dice))
                    report(done + 1, 0)
                span = since, book.market_at(time.monotonic())
                entries = book.entries()
            finally:
                triggers.close()
        finally:
            book.close()
            rig.close()
    return judge(trials, entries, span, seed)


def judge(trials: list[Trial], entries: list[int], span: tuple[float, float], seed: int) -> Verdict:
    """Hold the trials against the exchange's entries.

    Args:
        trials: in order.
        entries: market times at which the exchange took an entry, in order.
        span: market times from and to which the warm executor ran.
        seed: goes into the figures.
    """
    halts = [trial.halt_s(entries) for trial in trials]
    watched_s = sum(trial.watched_s for trial in trials)
    inside = sum(1 for ts in entries if any(t.begin < ts < t.end for t in trials))
    outside = sum(span[0] < ts < span[1] for ts in entries) - inside
    expected = watched_s * outside / ((span[1] - span[0]) / 1e6 / _WARP - watched_s)
    wrong = [
        f"an entry arrived {halt:.2f} s after the trigger by {trial.way}"
        for trial, halt in zip(trials, halts, strict=True)
        if halt > LONGEST_S
    ]
    if expected < _LEAST_EXPECTED:
        wrong.append("so few entries that none would have been missed: nothing was proven")
    figures = {
        "triggers": len(trials),
        "seed": seed,
        "entries": len(entries),
        "entries_after_a_trigger": inside,
        "entries_without_any_halt": round(expected),
        "halt_s": {"p99": _quantile(halts, 0.99), "p100": _quantile(halts, 1.0)},
        "halt_p100_s": {
            way: round(
                max(halt for trial, halt in zip(trials, halts, strict=True) if trial.way == way), 3
            )
            for way in dict.fromkeys(trial.way for trial in trials)
        },
        "heard_s": {way: _heard([t.heard_s for t in trials if t.way == way]) for way in WAYS},
        "watched_s": round(watched_s, 1),
    }
    return Verdict("A10", figures, tuple(wrong))


class _Halted:
    """What the trials ask the journal and the exchange."""

    def __init__(self, rig: Rig, api_url: str) -> None:
        self.rig = rig
        self._clock = httpx.Client(base_url=api_url, timeout=10.0)

    def close(self) -> None:
        self._clock.close()

    def latest(self, kind: type[Any]) -> int:
        """Give the number of the newest row of a kind, 0 when there is none."""
        with JournalReader(self.rig.folder) as journal:
            row = journal.latest_row(kind.__name__)
        return 0 if row is None else row.seq

    def awaits(self, kind: type[Any], since: int, what: str) -> float:
        """Wait for a newer row of a kind; give when it was there, in monotonic seconds."""
        self.rig.until(lambda: self.latest(kind) > since, what)
        return time.monotonic()

    def awaits_order(self) -> None:
        """Wait until another order has left."""
        self.awaits(OrderSubmitted, self.latest(OrderSubmitted), "an order")

    def entries(self) -> list[int]:
        """Give the market times at which the exchange took entries, in order."""
        return sorted(o["placed_ts"] for o in self.rig.ledger()["orders"] if o["side"] == "BUY")

    def market_at(self, monotonic_s: float) -> float:
        """Give the exchange's market time at a moment of this machine, by the quickest answer."""
        tries = []
        for _ in range(5):
            before = time.monotonic()
            market = self._clock.get("/v3/time").json()["serverTime"] * 1000
            after = time.monotonic()
            tries.append((after - before, market, (before + after) / 2))
        _, market, moment = min(tries)
        return float(market + (monotonic_s - moment) * 1e6 * _WARP)


def _try(book: _Halted, triggers: Triggers, done: int, dice: random.Random) -> Trial:
    way = WAYS[done % len(WAYS)]
    hardship = _HARDSHIPS[done // len(WAYS) % len(_HARDSHIPS)]
    time.sleep(dice.uniform(0, _PHASE_S))
    halts, resumes = book.latest(TradingHalted), book.latest(TradingResumed)
    if hardship:
        book.rig.ask("POST", "fault", hardship)
    returned_s = triggers.pull(way)
    begin = book.market_at(returned_s)
    heard_s = book.awaits(TradingHalted, halts, f"the halt by {way}")
    time.sleep(dice.choice(_QUIET_S))  # what was on its way has arrived
    book.rig.ask("DELETE", "fault")
    end = book.market_at(time.monotonic())
    triggers.resume()
    book.awaits(TradingResumed, resumes, "the resume")
    book.awaits_order()
    return Trial(way, heard_s - returned_s, begin, end)


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 3)


def _heard(values: list[float]) -> dict[str, float]:
    if not values:
        return {"n": 0}
    return {"n": len(values), "p50": _quantile(values, 0.5), "p100": _quantile(values, 1.0)}
