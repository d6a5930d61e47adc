"""A22: a day of a book in accelerated time, with faults; its memory, orders and error budget."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from trading_assets.domain.events import BarReady, OrderIntentCreated, Reconciled
from trading_assets.exchange.faults.script import rates_from
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.book_judge import violations
from trading_assets.simulation.chaos.rig import BOOK, START, Rig
from trading_assets.simulation.chaos.slo_recount import minutes_of, share_left
from trading_assets.simulation.chaos.verdict import Verdict
from trading_assets.storage.journal_reader import FILE

_WARP = 60
_SYMBOLS = 3
_EVERY_S = 0.5
_MOST_GROWTH = 0.05
_JUDGED_BARS = 300
"""Memory of a shorter life says nothing: an interpreter still fills its own caches."""

_OPEN = ("NEW", "PARTIALLY_FILLED")
_STORM = """
delay: {rate: 0.03, after_ms: 150}
drop_request: 0.003
drop_reply: 0.003
garbage_body: 0.002
reset_mid_body: 0.002
status: {rate: 0.003, status: 502, when: after}
partial_fill: {rate: 0.05, quantity: "0.002"}
visible_after: {rate: 0.05, ms: 8000}
"""
_DEAD_S = 5 * 60 / _WARP
"""Wall time after the kill: five minutes of the market that nobody trades and nobody gave up."""

_STOPPED_S = 3 * 60 / _WARP
_BARS_AFTER = 3
_OUTAGE_S = 240
_STALL_S = 120.0
"""An executor that has failed again and again leaves a venue alone for up to 30 s."""

_OUTAGES = (0.3, 0.7)
"""Minutes of market time without a venue, and after which share of the bars they begin."""


def soak(
    bars: int, seed: int, folder: Path, report: Callable[[int, int], None] = lambda *_: None
) -> Verdict:
    """Let a book live for so many bars at a stormy venue, kill it, start it again, and stop it.

    Args:
        bars: of one minute of market time, which passes in a second.
        seed: draws the faults of requests.
        folder: empty, on a local disk.
        report: told (bars handled, 0) now and then.
    """
    (folder / "storm.yaml").write_text(_STORM)
    config = ExchangeConfig(
        start=START, warp=_WARP, sim_controls=True, weight_limit=10**9, seed=seed,
        fault_rates=rates_from(str(folder / "storm.yaml"), seed),
    )  # fmt: skip
    with running_exchange(config) as exchange:
        rig = Rig(folder, exchange, TA_LIVE__LATE_BAR_S="30")
        try:
            rig.publish("1m")
            rig.warm_up()
            began = time.monotonic()
            memory = _live(rig, bars, report)
            rig.kill()
            time.sleep(_DEAD_S)
            wrong = _come_back(rig)
            ledger, decided = rig.ledger(), rig.count(OrderIntentCreated)
        finally:
            rig.close()
        found = _judged(rig, bars, memory, ledger, wrong)
    found["seconds"] = round(time.monotonic() - began, 1)
    found["orders_decided"] = decided
    if not ledger["orders"]:
        wrong.append("nothing was traded, so nothing was proven")
    return Verdict("A22", {"bars": bars, "seed": seed, **found}, tuple(wrong))


def _live(rig: Rig, bars: int, report: Callable[[int, int], None]) -> list[int]:
    """Let one process handle so many bars; give its resident memory over time, in bytes."""
    before = rig.count(BarReady)
    process = psutil.Process(rig.start().pid)
    outages = [round(share * bars) for share in _OUTAGES]
    memory: list[int] = []
    done, stalled_s = 0, time.monotonic()
    while done < bars:
        time.sleep(_EVERY_S)
        if rig.process is None or rig.process.poll() is not None:
            raise RuntimeError(f"the executor ended by itself: {rig.said()}")
        memory.append(process.memory_info().rss)
        now = rig.count(BarReady) - before
        if now > done:
            done, stalled_s = now, time.monotonic()
        elif time.monotonic() - stalled_s > _STALL_S:
            raise TimeoutError(f"no bar for {_STALL_S:.0f} s: {rig.said()}")
        while outages and done >= outages[0]:
            outages.pop(0)
            _break_venue(rig)
        report(min(done, bars), 0)
    return memory


def _break_venue(rig: Rig) -> None:
    """Let the venue answer nothing for some minutes of market time."""
    since = rig.ask("GET", "clock")["serverTime"]
    until = since + _OUTAGE_S * 1000
    rig.ask("POST", "fault", {"kind": "status", "status": 503, "from": since, "until": until})


def _come_back(rig: Rig) -> list[str]:
    """Let two lives begin as a user begins them and end cleanly; then judge book and venue.

    The first comes back from the kill; of the time between them the error budget counts nothing.
    """
    wrong = [*_live_briefly(rig), *_live_briefly(rig)]
    return [*wrong, *violations(rig)]


def _live_briefly(rig: Rig) -> list[str]:
    reconciled, handled = rig.count(Reconciled), rig.count(BarReady)
    rig.start()
    rig.until(lambda: rig.count(Reconciled) > reconciled, "the start to be reconciled")
    rig.until(lambda: rig.count(BarReady) > handled + _BARS_AFTER, "bars after the start")
    status = rig.stop()
    time.sleep(_STOPPED_S)
    return [f"an executor ended with {status}: {rig.said()}"] if status else []


def _judged(
    rig: Rig, bars: int, memory: list[int], ledger: dict[str, Any], wrong: list[str]
) -> dict[str, Any]:
    """Judge memory, orders and the error budget; adds to `wrong` and gives the figures."""
    quarter = max(len(memory) // 4, 1)
    early, late = memory[quarter : 2 * quarter] or memory, memory[-quarter:]
    growth = statistics.median(late) / statistics.median(early) - 1
    if bars >= _JUDGED_BARS and growth >= _MOST_GROWTH:
        wrong.append(f"memory grew by {growth:.1%} from the second quarter to the last")
    unresolved = [o["client_order_id"] for o in ledger["orders"] if o["status"] in _OPEN]
    wrong += [f"order {name} still works at the exchange" for name in unresolved]
    good, bad = minutes_of(rig.folder / FILE, _SYMBOLS)
    told, counted = _budget_left(rig), share_left(bad, _SYMBOLS)
    if abs(told - counted) > 1e-9:
        wrong.append(
            f"`status` says that {told:.6f} of the error budget is left, not {counted:.6f}"
        )
    if not bad:
        wrong.append("no minute was bad, so the error budget was not put to the test")
    return {
        "resident_mb": round(statistics.median(late) / 2**20, 1),
        "growth": round(growth, 4),
        "orders_placed": len(ledger["orders"]),
        "fills": len(ledger["trades"]),
        "faults": len(ledger["faults"]),
        "unresolved": len(unresolved),
        "good_minutes": good,
        "bad_minutes": bad,
        "budget_left": round(told, 6),
    }


def _budget_left(rig: Rig) -> float:
    """Ask the product, as a user does."""
    command = [sys.executable, "-c", "from trading_assets.interfaces.cli.main import main; main()"]
    said = subprocess.run(  # noqa: S603 - this interpreter, this package
        [*command, "status", "--book", BOOK, "--json"],
        env={**os.environ, **rig.environ}, capture_output=True, text=True, check=False,
    ).stdout  # fmt: skip
    return float(json.loads(said)["budget_left"])
