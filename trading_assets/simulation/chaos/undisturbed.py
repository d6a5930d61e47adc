"""Kills with -9 while market time stands still: the ledger must be that of a life without them.

The exchange is stepped by a minute and then waits until the executor has nothing to do. A dead
executor thus misses no minute, and whatever it would have done is done by the next one at the same
instant of the market: orders, fills, positions and balances have to be equal, not only consistent.

One thing may differ, and only one. An order whose process ends between the row that says it leaves
and the sending can never be told from one that has left, so it is proven absent and never sent
again. Such orders are named by the journal, and the life to compare with then loses the same orders
on their way; everything else of it is undisturbed.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trading_assets.domain.events import OrderIntentCreated, OrderProvenAbsent
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.live.heartbeat import read_heartbeat
from trading_assets.simulation.chaos.book_judge import violations
from trading_assets.simulation.chaos.doomed import POINTS, doomed
from trading_assets.simulation.chaos.rig import START, Rig
from trading_assets.simulation.chaos.verdict import Verdict

ANY_MOMENT = "any moment"
_STEP_S = 60
_BARS_OF_A_LIFE = 12
_BARS_TO_REACH_A_POINT = 65
"""A snapshot is made every hour."""
_PASSES = 12
_BARS_AFTER = 12
_LONGEST_S = 0.4
"""After a step, or after the interpreter's start, in which an executor is killed from outside."""
_STARTING = 0.25
"""Share of the kills from outside that hit an executor before it says that it trades."""
_COMPARED = {
    "orders": ("client_order_id", "symbol", "side", "type", "lots", "executed_lots",
               "executed_units", "status", "placed_ts"),
    "trades": ("symbol", "trade_id", "side", "ticks", "lots", "value_units", "fee_units",
               "fee_asset", "ts"),
    "balances": ("account", "asset", "free_units", "locked_units"),
}  # fmt: skip


def compare_with_undisturbed(
    rounds: int, seed: int, folder: Path, report: Callable[[int, int], None] = lambda *_: None
) -> Verdict:
    """Kill an executor `rounds` times over a stepped market, and repeat the same minutes in peace.

    Args:
        rounds: number of kills.
        seed: draws the market, places and moments.
        folder: empty, on a local disk.
        report: told (kills done, 0) now and then.

    Raises:
        TimeoutError: if an executor does not get its work of a minute done.
    """
    dice = random.Random(seed)  # noqa: S311 - chance that has to be repeatable
    began = time.monotonic()
    with _market(folder / "killed", seed) as killed:
        met = _kill(killed, dice, rounds, report)
        lost = _ids(killed.rig, OrderProvenAbsent)
        wrong = violations(killed.rig)
        disturbed, decided = killed.rig.ledger(), _ids(killed.rig, OrderIntentCreated)
        bars = killed.bars
    with _market(folder / "undisturbed", seed) as peace:
        peace.rig.start(doomed(lost=lost) if lost else None)
        for _ in range(bars - _BARS_AFTER):
            peace.step()
        peace.end()
        wrong += [f"undisturbed: {line}" for line in violations(peace.rig)]
        wrong += differences(disturbed, peace.rig.ledger())
        if decided != _ids(peace.rig, OrderIntentCreated):
            wrong.append("the journals have not decided the same orders, in the same order")
    if not disturbed["trades"]:
        wrong.append("nothing was traded, so nothing was proven")
    figures = {
        "mode": "undisturbed",
        "kills": rounds,
        "seed": seed,
        "kills_by_place": dict(sorted(met.items())),
        "bars": bars,
        "seconds": round(time.monotonic() - began, 1),
        "orders_decided": len(decided),
        "orders_placed": len(disturbed["orders"]),
        "orders_that_never_left": len(lost),
        "fills": len(disturbed["trades"]),
    }
    return Verdict("A9", figures, tuple(wrong))


def differences(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """Compare two ledgers, row by row; nothing is the only good answer.

    Args:
        found: of the life with kills.
        expected: of the undisturbed one.
    """
    wrong = []
    for table, columns in _COMPARED.items():
        rows = [
            Counter(tuple(row[name] for name in columns) for row in ledger[table])
            for ledger in (found, expected)
        ]
        wrong += [f"{table}: {row} is missing" for row in (rows[1] - rows[0]).elements()]
        wrong += [f"{table}: {row} is too much" for row in (rows[0] - rows[1]).elements()]
    return wrong


@contextmanager
def _market(folder: Path, seed: int) -> Iterator[_Market]:
    """Run a stepped exchange and a book on it."""
    folder.mkdir()
    config = ExchangeConfig(
        start=START, stepped=True, sim_controls=True, weight_limit=10**9, seed=seed
    )
    with running_exchange(config) as exchange:
        rig = Rig(folder, exchange, TA_LIVE__HEARTBEAT_S="0.02")
        try:
            rig.publish("1m")
            yield _Market(rig)
        finally:
            rig.close()


class _Market:
    """A stepped exchange and the book that trades on it.

    Attributes:
        bars: minutes that the market has gone on.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.bars = 0

    def move(self) -> None:
        """Let the market go on by a minute."""
        self.rig.ask("POST", "step", {"seconds": _STEP_S})
        self.bars += 1

    def step(self) -> None:
        """Let the market go on by a minute, and wait until the executor has done its part."""
        self.until_idle()
        self.move()
        self.until_idle()

    def until_idle(self) -> None:
        """Wait until the executor has no more to do at this instant."""
        self.rig.until(self.is_idle, "an idle executor")

    def until_idle_or_dead(self) -> bool:
        """Wait for either; tell whether the executor is dead."""
        self.rig.until(lambda: self.is_dead or self.is_idle(), "an idle executor", dies=True)
        return self.is_dead

    @property
    def is_dead(self) -> bool:
        """Whether no executor runs."""
        return self.rig.process is None or self.rig.process.poll() is not None

    def end(self) -> None:
        """Let an executor as a user starts it trade on for a while, and stop it.

        Raises:
            RuntimeError: if it does not stop well.
        """
        self.rig.kill()
        self.rig.start()
        for _ in range(_BARS_AFTER):
            self.step()
        if status := self.rig.stop():
            raise RuntimeError(f"the last executor ended with {status}: {self.rig.said()}")

    def is_idle(self) -> bool:
        """Tell, from outside, whether the running executor has done all that this instant asks.

        It says that it trades, it knows the last minute, no order is open, and its journal has no
        row that is younger than what it says.
        """
        process = self.rig.process
        beat = read_heartbeat(self.rig.folder / "heartbeat.json")
        if process is None or beat is None or beat.pid != process.pid:
            return False
        try:
            pulse = json.loads((self.rig.folder / "status.json").read_bytes())
        except FileNotFoundError:
            return False
        last = START + (self.bars - 1) * _STEP_S * 1_000_000 if self.bars else None
        return (
            beat.state == "trading"
            and beat.seq == pulse["seq"]
            and pulse["last_bar"] == last
            and not pulse["orders"]
            and self.rig.head() == beat.seq
        )


def _kill(
    market: _Market, dice: random.Random, rounds: int, report: Callable[[int, int], None]
) -> Counter[str]:
    """Let executors live and die over the market; give the places where they died."""
    met: Counter[str] = Counter()
    for done in range(rounds):
        if dice.random() < 0.5:
            met[_from_outside(market, dice)] += 1
        else:
            met[_from_inside(market, dice)] += 1
        report(done + 1, 0)
    market.end()
    return met


def _from_outside(market: _Market, dice: random.Random) -> str:
    """Kill an executor at any moment: while it starts, or in a minute that it has to trade."""
    process = market.rig.start(doomed())
    if dice.random() >= _STARTING:
        for _ in range(dice.randint(0, _BARS_OF_A_LIFE)):
            market.step()
        market.until_idle()
        market.move()
    with suppress(subprocess.TimeoutExpired):
        process.wait(dice.uniform(0, _LONGEST_S))
    if process.poll() is not None:
        raise RuntimeError(f"an executor ended by itself: {market.rig.said()}")
    market.rig.kill()
    return ANY_MOMENT


def _from_inside(market: _Market, dice: random.Random) -> str:
    """Let an executor end itself at a point that it passes."""
    point = dice.choice(POINTS)
    passes = 1 if "snapshot" in point else dice.randint(1, _PASSES)
    process = market.rig.start(doomed(point, passes))
    for _ in range(_BARS_TO_REACH_A_POINT):
        if market.until_idle_or_dead():
            break
        market.move()
    else:
        market.rig.kill()
        return ANY_MOMENT
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"an executor ended by itself: {market.rig.said()}")
    return point


def _ids(rig: Rig, kind: type[OrderIntentCreated] | type[OrderProvenAbsent]) -> list[str]:
    """Give the client ids of the journal's orders that were decided, or proven absent."""
    return [
        event.ticket.client_order_id
        if isinstance(event, OrderIntentCreated)
        else event.client_order_id
        for event in rig.events()
        if isinstance(event, kind)
    ]
