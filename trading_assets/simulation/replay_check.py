"""The same seed gives the same log, in whatever process."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable

from trading_assets.simulation.campaign import run_schedule
from trading_assets.simulation.world import World
from trading_assets.storage.journal_codec import encode

_CHUNK = 500


def log_hash(world: World) -> str:
    """Hash every byte that a schedule has left: journal, venue's record, engine, faults."""
    digest = hashlib.sha256()
    for commit in world.disk.commits:
        for event in commit:
            kind, body = encode(event)
            digest.update(kind.encode() + body)
        digest.update(b"|")
    for order in world.venue.orders:
        digest.update(repr(order.report()).encode())
    for record in (*world.venue.fills, *world.venue.refused, *world.wire.sent):
        digest.update(repr(record).encode())
    digest.update(repr(sorted(world.plan.counts.items())).encode())
    if world.session is not None:
        digest.update(world.session.snapshot())
    return digest.hexdigest()


def differing_seeds(
    first: int, stop: int, report: Callable[[int, int], None] = lambda done, wrong: None
) -> list[int]:
    """Run each seed twice, in two processes with other hash seeds; give those that differ.

    Raises:
        subprocess.CalledProcessError: if one of the processes fails.
    """
    different: list[int] = []
    for start in range(first, stop, _CHUNK):
        end = min(start + _CHUNK, stop)
        one, two = (_hashes(start, end, str(hash_seed)) for hash_seed in (1, 4_242))
        pairs = zip(range(start, end), one, two, strict=True)
        different += [seed for seed, a, b in pairs if a != b]
        report(end - first, len(different))
    return different


def _hashes(first: int, stop: int, hash_seed: str) -> list[str]:
    done = subprocess.run(  # noqa: S603 - this interpreter, this module
        [sys.executable, "-m", __spec__.name, str(first), str(stop)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


if __name__ == "__main__":
    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        sys.stdout.write(log_hash(run_schedule(number)[0]) + "\n")
