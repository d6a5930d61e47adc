"""A18: processes that start at the same moment; one may trade, the others touch no network."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from trading_assets.simulation.chaos.tracing import traced, tracee
from trading_assets.simulation.chaos.verdict import Verdict

_RACERS = (2, 3, 4)
_NO_SITE = "-S"  # the lease needs the standard library only; a start costs 30 ms instead of 600
_PATIENCE_S = 30.0

_RACER = """
import socket, sys, time
from pathlib import Path
from trading_assets.domain.errors import LeaseHeld
from trading_assets.live.lease import Lease
path, port, delay_us = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
print("ready", flush=True)
sys.stdin.read(1)
time.sleep(delay_us / 1e6)
try:
    lease = Lease(path)
except LeaseHeld:
    sys.exit(3)
with socket.create_connection(("127.0.0.1", port)) as venue:
    venue.sendall(b"order")
    print("won", flush=True)
    sys.stdin.read()
"""
_TURNED_AWAY = 3
"""Exit status of a racer that the lease refused."""


@dataclass(slots=True)
class _Tally:
    racers: int = 0
    winners: int = 0
    loser_network_calls: int = 0
    winner_network_calls: int = 0
    wrong: list[str] = field(default_factory=list)


def race_for_leases(
    n: int, seed: int, folder: Path, report: Callable[[int, int], None] = lambda *_: None
) -> Verdict:
    """Let two to four processes start at once, `n` times, all for the same lease.

    The winner speaks to a listener and is then killed, so each race but the first also proves that
    the kernel frees the lease. Who spoke is seen by the listener and by strace, not by the racers.

    Args:
        n: number of races.
        seed: draws the racers and their delays (up to 300 us).
        folder: empty, on a local disk.
        report: told (races done, violations) now and then.

    Raises:
        ConfigurationError: if this machine has no strace.
    """
    dice = random.Random(seed)  # noqa: S311 - chance that has to be repeatable
    tally, began = _Tally(), time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as venue:
        venue.settimeout(_PATIENCE_S)
        for race in range(n):
            _race(race, dice, folder, venue, tally)
            report(race + 1, len(tally.wrong))
    if not tally.winner_network_calls:
        tally.wrong.append("strace saw no winner speak, so it proves nothing about the others")
    figures = {
        "races": n,
        "seed": seed,
        "racers": tally.racers,
        "winners": tally.winners,
        "losers": tally.racers - tally.winners,
        "loser_network_calls": tally.loser_network_calls,
        "winner_network_calls": tally.winner_network_calls,
        "seconds": round(time.monotonic() - began, 1),
    }
    return Verdict("A18", figures, tuple(tally.wrong))


def _race(
    race: int, dice: random.Random, folder: Path, venue: socket.socket, tally: _Tally
) -> None:
    number = dice.choice(_RACERS)
    logs = [folder / f"racer-{place}.strace" for place in range(number)]
    racers = [
        _start(folder / "account.lock", log, venue.getsockname()[1], dice.randrange(300))
        for log in logs
    ]
    try:
        for racer in racers:
            if cast("IO[bytes]", racer.stdout).readline() != b"ready\n":
                raise AssertionError("a racer did not start")
        for racer in racers:
            cast("IO[bytes]", racer.stdin).write(b"g")
            cast("IO[bytes]", racer.stdin).flush()
        with _first_call(venue):
            _settle(race, racers, logs, tally)
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()
            cast("IO[bytes]", racer.stdin).close()
            cast("IO[bytes]", racer.stdout).close()


@contextmanager
def _first_call(venue: socket.socket) -> Iterator[None]:
    """Keep the winner's connection; nobody calling is for the judge to tell."""
    try:
        caller, _ = venue.accept()
    except TimeoutError:
        yield
        return
    with caller:
        yield


def _settle(
    race: int, racers: list[subprocess.Popen[bytes]], logs: list[Path], tally: _Tally
) -> None:
    """Wait until all but one have ended, kill that one, and read what strace has seen."""
    won = [cast("IO[bytes]", racer.stdout).readline() == b"won\n" for racer in racers]
    for racer, has_won in zip(racers, won, strict=True):
        if has_won:
            _kill_traced(racer)
        elif racer.wait(_PATIENCE_S) != _TURNED_AWAY:
            tally.wrong.append(f"race {race}: a racer ended with {racer.returncode}")
    spoke = [len(log.read_text().splitlines()) for log in logs]
    lost = sum(calls for calls, has_won in zip(spoke, won, strict=True) if not has_won)
    tally.racers += len(racers)
    tally.winners += sum(won)
    tally.loser_network_calls += lost
    tally.winner_network_calls += sum(spoke) - lost
    if sum(won) != 1:
        tally.wrong.append(f"race {race}: {sum(won)} winners")
    if lost:
        tally.wrong.append(f"race {race}: losers made {lost} network calls")


def _start(lock: Path, log: Path, port: int, delay_us: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, _NO_SITE, "-c", _RACER, str(lock), str(port), str(delay_us)]
    root = str(Path(__file__).parents[3])
    return subprocess.Popen(  # noqa: S603 - this interpreter, the text above
        traced(command, log, "%network"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )


def _kill_traced(tracer: subprocess.Popen[bytes]) -> None:
    """Kill the process under strace with -9; strace sees it and ends by itself."""
    os.kill(tracee(tracer.pid), signal.SIGKILL)
    tracer.wait(_PATIENCE_S)
