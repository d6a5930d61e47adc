"""`trading-assets sim`: the live executor in simulated worlds, by the thousand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from trading_assets.domain.errors import ConfigurationError

if TYPE_CHECKING:
    from trading_assets.simulation.campaign import Tally
    from trading_assets.simulation.feed_campaign import FeedTally

app = typer.Typer(
    help="Simulate the live executor: lost requests, crashes, full disks, by seed.",
    no_args_is_help=True,
)

Seeds = Annotated[str, typer.Option(help="First seed and the one behind the last, such as 0:1000.")]
Jobs = Annotated[int, typer.Option(help="Processes.")]
_FAILED = 1


@app.command()
def run(seeds: Seeds = "0:1000", jobs: Jobs = 1) -> None:
    """Run schedules; exit 1 for a violation, or when the faults were too few to prove anything.

    Example: trading-assets sim run --seeds 0:20000 --jobs 2
    """
    from trading_assets.simulation.campaign import run_campaign

    first, stop = _range(seeds)
    with _bar("schedules", stop - first) as advance:
        tally = run_campaign(first, stop, jobs=jobs, report=advance)
    _conclude(
        tally, seeds, lambda seed, what: f"[red]{what}[/]\n  trading-assets sim replay {seed}"
    )


@app.command()
def replay(
    seed: Annotated[int, typer.Argument(help="Of one schedule.")],
    as_json: Annotated[bool, typer.Option("--json", help="The outcome without the story.")] = False,
) -> None:
    """Run one schedule and show what happened in it.

    Example: trading-assets sim replay 4711
    """
    from trading_assets.simulation.campaign import run_schedule
    from trading_assets.simulation.replay_check import log_hash
    from trading_assets.simulation.story import story_of

    world, wrong = run_schedule(seed)
    for line in () if as_json else story_of(world):
        typer.echo(line)
    _tell({"seed": seed, "violations": wrong, "log_hash": log_hash(world)})
    if wrong:
        raise typer.Exit(_FAILED)


@app.command()
def replay_check(seeds: Seeds = "0:1000") -> None:
    """Run each seed in two processes with other hash seeds, and compare every byte they leave.

    Example: trading-assets sim replay-check --seeds 0:10000
    """
    from trading_assets.simulation.replay_check import differing_seeds

    first, stop = _range(seeds)
    with _bar("seeds", stop - first) as advance:
        different = differing_seeds(first, stop, report=advance)
    _tell({"seeds": seeds, "equal": stop - first - len(different), "different": different})
    if different:
        raise typer.Exit(_FAILED)


@app.command()
def crashpoints(
    seeds: Seeds = "0:10",
    bars: Annotated[int, typer.Option(help="Bars of each schedule.")] = 6,
) -> None:
    """End the process at every point of each schedule, with every state of its disk.

    Example: trading-assets sim crashpoints --seeds 0:10
    """
    from trading_assets.simulation.crashpoints import cross_all

    first, stop = _range(seeds)
    with _bar("points", None) as advance:
        found = cross_all(first, stop, bars, report=advance)
    _tell({"seeds": seeds, **found.to_json()})
    for seed, point, outcome, what in found.wrong[:20]:
        _console().print(f"[red]seed {seed}, point {point}, snapshot {outcome}: {what}[/]")
    if found.wrong:
        raise typer.Exit(_FAILED)


@app.command()
def mutants(
    file: Annotated[Path, typer.Argument(help="JSON list of edits; see docs/simulation.md.")],
    seeds: Annotated[int, typer.Option(help="Most schedules for each.")] = 20_000,
    jobs: Jobs = 1,
) -> None:
    """Plant faults in the live code, one at a time, and see whether each is noticed.

    Example: trading-assets sim mutants trading_assets_tests/unit/simulation/mutants.json
    """
    from trading_assets.simulation.mutants import read_mutants, try_mutants

    planted = read_mutants(file)
    with _bar("mutants", len(planted)) as advance:
        done = 0

        def report(_: object) -> None:
            nonlocal done
            done += 1
            advance(done, 0)

        findings = try_mutants(planted, seeds, jobs, report)
    alive = [found.mutant for found in findings if not found.is_killed]
    for found in findings:
        word = f"noticed after {found.schedules}: {found.what[:90]}" if found.what else "ALIVE"
        _console().print(f"{found.mutant}: {word}", highlight=False)
    _tell({"mutants": len(findings), "killed": len(findings) - len(alive), "alive": alive})
    if alive:
        raise typer.Exit(_FAILED)


@app.command()
def feed(seeds: Seeds = "0:1000", jobs: Jobs = 1) -> None:
    """Let the live feed look at a venue that loses, delays and withholds bars.

    Example: trading-assets sim feed --seeds 0:10000 --jobs 2
    """
    from trading_assets.simulation.feed_campaign import run_feeds

    first, stop = _range(seeds)
    with _bar("schedules", stop - first) as advance:
        tally = run_feeds(first, stop, jobs=jobs, report=advance)
    _conclude(tally, seeds, lambda seed, what: f"[red]seed {seed}: {what}[/]")


@app.command()
def bench(
    seeds: Annotated[int, typer.Option(help="Schedules to time.")] = 1_000,
) -> None:
    """Time schedules on one core.

    Example: trading-assets sim bench
    """
    from trading_assets.simulation.campaign import run_seeds

    run_seeds(0, 3)  # the engine is loaded
    tally = run_seeds(0, seeds)
    told = tally.to_json()
    _tell({name: told[name] for name in ("schedules", "schedules_per_cpu_s", "orders", "points")})


def _conclude(tally: Tally | FeedTally, seeds: str, line: Callable[[int, str], str]) -> None:
    """Tell what a campaign found, the first violations by `line`; exit 1 if it proves nothing."""
    too_few = tally.shortfalls()
    _tell({**tally.to_json(), "seeds": seeds, "too_few": too_few})
    for seed, what in tally.wrong[:20]:
        _console().print(line(seed, what), highlight=False)
    if tally.wrong or too_few:
        raise typer.Exit(_FAILED)


def _range(text: str) -> tuple[int, int]:
    first, _, stop = text.partition(":")
    if not (first.isdecimal() and stop.isdecimal() and int(first) < int(stop)):
        raise ConfigurationError(
            "Not a range of seeds", expected="such as 0:1000", found=repr(text)[:40]
        )
    return int(first), int(stop)


def _tell(values: dict[str, Any]) -> None:
    typer.echo(json.dumps(values))


def _console() -> Console:
    return Console(stderr=True)


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[Callable[[int, int], None]]:
    """Show progress on the error output, where a person looks and no program reads."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[wrong]}"), console=_console()) as progress:
        task = progress.add_task(name, total=total, wrong="")

        def advance(done: int, wrong: int) -> None:
            progress.update(task, completed=done, wrong=f"{wrong} wrong" if wrong else "")

        yield advance
