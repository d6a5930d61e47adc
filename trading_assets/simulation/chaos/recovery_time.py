"""A11: how long a book with a long journal needs to be reconciled again.

The executor that is timed is a process as a user starts it, over a stepped exchange: it finds the
account as the journal has left it. Observers are woven in, which look at the clock: when the
journal is opened and proven, and when the book is back; there they hash its state, and the seconds
that this takes are taken off. The rest is read from the rows.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from trading_assets.adapters.wall_clock import WallClock
from trading_assets.domain.events import Reconciled
from trading_assets.exchange.config import AccountConfig
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.simulation.chaos.long_journal import PartsOf, market_end, write_long_journal
from trading_assets.simulation.chaos.rig import BOOK, UNBOUNDED, Rig
from trading_assets.simulation.chaos.verdict import Verdict
from trading_assets.storage.journal_reader import SEAL, JournalReader

_SNAPSHOTS = "snapshot-*.bin"
_CASES = {
    "with_snapshot": ((), 2.0),
    "without_snapshot": ((_SNAPSHOTS,), 15.0),
    "without_snapshot_and_seal": ((_SNAPSHOTS, SEAL), math.inf),  # is told, not judged
}
"""What is gone of a journal's folder; and at most so many seconds from opening it to the row
`Reconciled`."""
_PATIENCE_S = 600.0
_PROGRAM = f"""{UNBOUNDED}
import hashlib, json, os, sys, time
stamps = {{}}
def stamp(name):
    stamps[name] = time.time()
from trading_assets.interfaces.cli.main import main
from trading_assets.workflows import run_live
def opened(*args, **kwargs):
    stamp("opened")
    stamps["cpu"] = time.process_time()
    journal = opening(*args, **kwargs)
    stamp("proven")
    return journal
def recovered(*args, **kwargs):
    stamp("warm")
    session = recovering(*args, **kwargs)
    stamp("recovered")
    state = hashlib.sha256(session.snapshot()).hexdigest()
    stamps["hashed"] = time.time()
    with open(os.environ["CHAOS_STAMPS"], "w") as file:
        json.dump(stamps | {{"state": state}}, file)
    return session
opening, run_live.Journal = run_live.Journal, opened
recovering, run_live.recover = run_live.recover, recovered
stamp("imported")
main()
"""


def time_recovery(
    rows: int,
    seed: int,
    folder: Path,
    parts_of: PartsOf,
    report: Callable[[int, int], None] = lambda *_: None,
) -> Verdict:
    """Write a journal, start an executor on copies of it, and judge time and recovered state.

    Args:
        rows: of the journal, or some more.
        seed: draws the market.
        folder: empty, on a local disk.
        parts_of: joins a release to a book.
        report: told (rows written, 0) now and then.

    Raises:
        TimeoutError: if an executor is not reconciled at all.
    """
    began = time.monotonic()
    written, config = _written(rows, seed, folder, parts_of, report)
    figures: dict[str, Any] = {"seed": seed, "building_s": round(time.monotonic() - began, 1)}
    states: dict[str, str] = {}
    with running_exchange(config) as exchange, _rig(folder, exchange) as rig:
        with JournalReader(rig.folder) as journal:
            figures |= {"records": journal.verify().seq, "journal_mb": _megabytes(rig.folder)}
        _restore(rig, written)
        _timed(rig)  # compiles what was never compiled, and is not counted
        for name, (gone, _) in _CASES.items():
            _restore(rig, written)
            for path in [path for pattern in gone for path in rig.folder.glob(pattern)]:
                path.unlink()
            figures[name], states[name] = _timed(rig)
    wrong = []
    for name, (_, most) in _CASES.items():
        if (found := figures[name]["opened_to_reconciled_s"]) > most:
            wrong.append(f"{name}: reconciled after {found} s, at most {most} s")
    if len(set(states.values())) != 1:
        wrong.append("the state without a snapshot is not the state with one")
    return Verdict("A11", figures, tuple(wrong))


def _written(
    rows: int, seed: int, folder: Path, parts_of: PartsOf, report: Callable[[int, int], None]
) -> tuple[Path, ExchangeConfig]:
    """Write the journal; give a copy of its folder, and the exchange whose account it leaves."""
    config = ExchangeConfig(
        start=market_end(rows), stepped=True, sim_controls=True, weight_limit=10**9, seed=seed
    )
    with running_exchange(config) as exchange, _rig(folder, exchange) as rig:
        rig.publish("1m")
        end, held = write_long_journal(rig, parts_of, rows, report)
        copy = folder / "written"
        shutil.copytree(rig.folder, copy)
    account = AccountConfig(deposits=tuple(held.items()))
    return copy, replace(config, start=end, accounts=(account,))


@contextmanager
def _rig(folder: Path, exchange: Any) -> Iterator[Rig]:
    rig = Rig(folder, exchange, CHAOS_STAMPS=str(folder / "stamps.json"))
    try:
        yield rig
    finally:
        rig.close()


def _restore(rig: Rig, written: Path) -> None:
    """Put the journal back as it was written, and into the page cache, where it was then."""
    shutil.rmtree(rig.folder, ignore_errors=True)
    shutil.copytree(written, rig.folder)


def _timed(rig: Rig) -> tuple[dict[str, float], str]:
    """Start an executor, kill it once it is reconciled; give seconds, and a hash of its state."""
    head = rig.head()
    stamps = rig.home / "stamps.json"
    stamps.unlink(missing_ok=True)
    clock = WallClock()
    began = clock.now() / 1e6
    process = rig.start([sys.executable, "-c", _PROGRAM, "live", "--book", BOOK])
    at = rig.until(lambda: _reconciled(rig, head), "Reconciled", patience_s=_PATIENCE_S)
    used = psutil.Process(process.pid).cpu_times()
    rig.kill()
    found = json.loads(stamps.read_bytes())
    hashing_s = found["hashed"] - found["recovered"]
    seconds = {
        "opened_to_reconciled_s": at - found["opened"] - hashing_s,
        "exec_to_reconciled_s": at - began - hashing_s,
        "imports_s": found["imported"] - began,
        "proof_s": found["proven"] - found["opened"],
        "replay_s": found["recovered"] - found["warm"],
        "opened_to_reconciled_cpu_s": used.user + used.system - found["cpu"] - hashing_s,
    }
    return {name: round(value, 2) for name, value in seconds.items()}, found["state"]


def _reconciled(rig: Rig, head: int) -> float:
    """Give when the first comparison after a row was recorded, in Unix seconds; 0 before it."""
    with JournalReader(rig.folder) as journal:
        kinds = {row.kind: row.recorded for row in reversed(list(journal.rows(head)))}
    return kinds.get(Reconciled.__name__, 0) / 1e6


def _megabytes(folder: Path) -> float:
    return round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1)
