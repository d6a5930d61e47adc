"""Planted faults: edits of the live code, each of which the simulation has to notice.

A simulation that lets a wrong program pass proves nothing about a right one. Each mutant is a copy
of this package with one edit, run by its seeds until a schedule is violated. The crash points are
tried too: some mistakes show in one instant out of thousands.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trading_assets.domain.errors import ConfigurationError

_PACKAGE = Path(__file__).parents[1]
_RUN = "trading_assets.simulation.mutant_run"
_LONGEST_S = 1_800


@dataclass(frozen=True, slots=True)
class Mutant:
    """One edit.

    Attributes:
        name: what is wrong then.
        path: of the file, from the package.
        old: text that stands there exactly once.
        new: what it is replaced by.
    """

    name: str
    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What the simulation said of a mutant; `seed` is -1 and `what` "" when it said nothing."""

    mutant: str
    seed: int
    what: str
    schedules: int

    @property
    def is_killed(self) -> bool:
        """Whether the mutant was noticed."""
        return bool(self.what)


def read_mutants(path: Path) -> tuple[Mutant, ...]:
    """Read a JSON list of objects with `name`, `path`, `old` and `new`.

    Raises:
        ConfigurationError: if it is none, or an `old` does not stand in its file exactly once.
    """
    try:
        items = json.loads(path.read_text())
        found = tuple(Mutant(**item) for item in items if isinstance(items, list))
        text = "" if found else f"an empty {type(items).__name__}"
    except (OSError, ValueError, TypeError) as error:
        found, text = (), str(error)
    if not found:
        raise ConfigurationError(
            f"{path} is no list of mutants",
            expected='[{"name": ..., "path": "live/session.py", "old": ..., "new": ...}, ...]',
            found=text,
        )
    for mutant in found:
        source = _PACKAGE / mutant.path
        count = source.read_text().count(mutant.old) if source.is_file() else 0
        if count != 1:
            raise ConfigurationError(
                f"Mutant {mutant.name} cannot be planted",
                expected=f"its `old` exactly once in {mutant.path}",
                found=f"{count} times",
                fix="Bring the edit up to the present source.",
            )
    return found


def try_mutants(
    mutants: tuple[Mutant, ...],
    seeds: int,
    jobs: int,
    report: Callable[[Finding], None] = lambda found: None,
) -> list[Finding]:
    """Run each mutant until it is noticed, by at most so many seeds.

    Args:
        mutants: what to plant.
        seeds: most schedules for each.
        jobs: mutants at a time.
        report: told of each finding as it is made.
    """

    def run(mutant: Mutant) -> Finding:
        found = _run(mutant, seeds)
        report(found)
        return found

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(run, mutants))


def _run(mutant: Mutant, seeds: int) -> Finding:
    with _planted(mutant) as root:
        command = [sys.executable, "-m", _RUN, str(seeds)]
        environment = {**os.environ, "PYTHONPATH": str(root), "OMP_WAIT_POLICY": "passive"}
        done = subprocess.run(  # noqa: S603 - this interpreter, a module of this package
            command, env=environment, cwd=root, capture_output=True, text=True, check=False,
            timeout=_LONGEST_S,
        )  # fmt: skip
    if done.returncode != 0:
        # A program that cannot even run is noticed by anybody.
        return Finding(mutant.name, 0, f"crash: {done.stderr.strip().splitlines()[-1:]}", 0)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Finding(mutant.name, answer["seed"], answer["what"], answer["schedules"])


@contextmanager
def _planted(mutant: Mutant) -> Iterator[Path]:
    """Copy the package with one edit for as long as the block runs; give the folder it is in.

    The machine code of the engine comes along, Python's own byte code does not.
    """
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        root = Path(folder)
        ignored = shutil.ignore_patterns("*.pyc")
        shutil.copytree(_PACKAGE, root / _PACKAGE.name, ignore=ignored)
        path = root / _PACKAGE.name / mutant.path
        path.write_text(path.read_text().replace(mutant.old, mutant.new))
        yield root
