"""A13: the row that an order leaves is on the disk before the order is; strace says so."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from trading_assets.domain.events import OrderSubmitted
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.rig import LIVE, PATIENCE_S, START, Rig
from trading_assets.simulation.chaos.tracing import end_traced, traced, tracee
from trading_assets.simulation.chaos.verdict import Verdict

_WARP = 600
_CALLS = "pwrite64,fdatasync,sendto"
_PAGE = 9_000
"""Bytes to show of a call: a whole page of the journal."""
_CALL = re.compile(r"(\d+) +[\d.]+ (\w+)\((.*)")
_RESUMED = re.compile(r"(\d+) +[\d.]+ <\.\.\. (\w+) resumed>(.*)")
_SENT_ROW = re.compile(r"OrderSubmitted(ta-[0-9A-Za-z_-]+?)(?=[\\{])")
_CLIENT_ID = re.compile(r"newClientOrderId=(ta-[0-9A-Za-z_-]+)")
_PLACEMENT = '"POST /api/v3/order HTTP'


def watch_sends(
    n: int, folder: Path, report: Callable[[int, int], None] = lambda *_: None
) -> Verdict:
    """Trade at least `n` orders under strace and check the order of its system calls.

    Args:
        n: number of orders.
        folder: empty, on a local disk.
        report: told (orders that have left, 0) after each.

    Raises:
        ConfigurationError: if this machine has no strace.
        TimeoutError: if the executor sends nothing for as long as the rig waits for one order.
    """
    log = folder / "executor.strace"
    began = time.monotonic()
    config = ExchangeConfig(start=START, warp=_WARP, sim_controls=True, weight_limit=10**9)
    command = traced(list(LIVE), log, _CALLS, shown=_PAGE)
    with running_exchange(config) as exchange:
        rig = Rig(folder, exchange)
        try:
            rig.publish("1m")
            rig.warm_up()
            before = {order["client_order_id"] for order in rig.ledger()["orders"]}
            process = rig.start(command)
            try:
                for more in range(1, n + 1):
                    rig.until(partial(_has_sent, rig, len(before) + more), f"order {more} of {n}")
                    report(more, 0)
                os.kill(tracee(process.pid), signal.SIGTERM)
                process.wait(PATIENCE_S)
            finally:
                end_traced(process)
            placed = {order["client_order_id"] for order in rig.ledger()["orders"]} - before
        finally:
            rig.close()
    trace = Trace()
    with log.open(errors="replace") as lines:
        trace.read(lines)
    unseen = placed - set(trace.sent)
    wrong = [*trace.wrong, *(f"strace did not see {name} leave" for name in sorted(unseen))]
    if len(trace.sent) < n:
        wrong.append(f"only {len(trace.sent)} orders were seen to leave")
    figures = {
        "orders_at_the_exchange": len(placed),
        "orders_seen_to_leave": len(trace.sent),
        "durable_before": len(trace.sent) - len(trace.wrong),
        "journal_syncs": trace.syncs,
        "seconds": round(time.monotonic() - began, 1),
    }
    return Verdict("A13", figures, tuple(wrong))


def _has_sent(rig: Rig, orders: int) -> bool:
    return rig.count(OrderSubmitted) >= orders


class Trace:
    """What a log of strace says of journal rows and orders.

    An order is durable once a page with its row `OrderSubmitted` was written to the write-ahead log
    and a later fdatasync of that log has returned 0.

    Attributes:
        sent: client order ids in the order in which they left.
        wrong: orders that began to leave before they were durable.
        syncs: fdatasyncs of the log that have returned 0.
    """

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.wrong: list[str] = []
        self.syncs = 0
        self._written: set[str] = set()
        self._syncing: dict[str, set[str]] = {}
        self._durable: set[str] = set()
        self._leaving: dict[str, set[str]] = defaultdict(set)

    def read(self, lines: Iterable[str]) -> None:
        """Take in a log, in the order of its lines."""
        for line in lines:
            if found := _CALL.match(line):
                self._begin(*found.groups())
            elif (found := _RESUMED.match(line)) and found[2] == "fdatasync":
                self._synced(found[1], found[3])

    def _begin(self, thread: str, call: str, rest: str) -> None:
        if call == "pwrite64" and "-wal>" in rest:
            self._written.update(_SENT_ROW.findall(rest))
        elif call == "fdatasync" and "-wal>" in rest:
            self._syncing[thread] = set(self._written)
            if "<unfinished" not in rest:
                self._synced(thread, rest)
        elif call == "sendto":
            self._send(thread, rest)

    def _synced(self, thread: str, rest: str) -> None:
        written = self._syncing.pop(thread, None)
        if written is not None and rest.rstrip().endswith("= 0"):
            self._durable |= written
            self.syncs += 1

    def _send(self, thread: str, rest: str) -> None:
        """Note what is durable at the first byte; the id may come with a later one."""
        if _PLACEMENT in rest:
            self._leaving[thread] = set(self._durable)
        if found := _CLIENT_ID.search(rest):
            name = found[1]
            self.sent.append(name)
            if name not in self._leaving[thread]:
                self.wrong.append(f"{name} left before its row was on the disk")
