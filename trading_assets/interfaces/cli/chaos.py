"""`trading-assets chaos`: kill, race, damage and watch real processes; exit 1 for a violation.

Everything is on loopback and in a folder of its own, which is removed afterwards.
"""

from __future__ import annotations

import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from trading_assets.simulation.chaos.verdict import Verdict

app = typer.Typer(
    help="Kill, race, damage and watch real processes; one JSON line each, exit 1 for a violation.",
    no_args_is_help=True,
)

Seed = Annotated[int, typer.Option(help="Draws whatever is drawn.")]
Record = Annotated[
    Path | None, typer.Option(help="File of evidence to write to, such as docs/evidence.json.")
]
_VIOLATED = 1


@app.command()
def lease(
    n: Annotated[int, typer.Option(min=1, help="Races.")] = 100,
    seed: Seed = 0,
    record: Record = None,
) -> None:
    """Start executors at the same moment: one wins, the others touch no network (A18).

    Example: trading-assets chaos lease --n 1000
    """
    from trading_assets.simulation.chaos.lease_races import race_for_leases

    with _folder() as folder, _bar("races", n) as advance:
        verdict = race_for_leases(n, seed, folder, advance)
    _finish(verdict, record)


@app.command()
def kill9(
    rounds: Annotated[int, typer.Option(min=1, help="Kills.")] = 20,
    undisturbed: Annotated[
        bool,
        typer.Option(help="Let market time stand still meanwhile, and repeat it without kills."),
    ] = False,
    seed: Seed = 0,
    record: Record = None,
) -> None:
    """Kill an executor with -9 and start it again; nothing is lost or doubled (A9).

    With --undisturbed the ledger must be that of a life without kills, row for row.

    Example: trading-assets chaos kill9 --rounds 500
    """
    from trading_assets.simulation.chaos.kills import kill_again_and_again
    from trading_assets.simulation.chaos.undisturbed import compare_with_undisturbed

    hurt = compare_with_undisturbed if undisturbed else kill_again_and_again
    with _folder() as folder, _bar("kills", rounds) as advance:
        verdict = hurt(rounds, seed, folder, advance)
    _finish(verdict, record)


@app.command()
def halt(
    n: Annotated[int, typer.Option(min=1, help="Triggers, by turns each of the six.")] = 60,
    seed: Seed = 1,
    record: Record = None,
) -> None:
    """Halt a book that trades, by six ways: no entry arrives after the call's return (A10).

    Example: trading-assets chaos halt --n 1000
    """
    from trading_assets.simulation.chaos.halts import halt_again_and_again

    with _folder() as folder, _bar("triggers", n) as advance:
        verdict = halt_again_and_again(n, seed, folder, advance)
    _finish(verdict, record)


@app.command()
def journal(
    n: Annotated[int, typer.Option(min=0, help="Bits to turn over.")] = 1_000,
    stride: Annotated[int, typer.Option(min=1, help="Cut the log at every so many bytes.")] = 97,
    seed: Seed = 0,
    record: Record = None,
) -> None:
    """Cut a journal and turn bits over: it is whole, or it is refused (A12).

    Example: trading-assets chaos journal --n 10000 --stride 1
    """
    from trading_assets.simulation.chaos.journal_damage import damage_journal

    with _folder() as folder, _bar("damages", None) as advance:
        verdict = damage_journal(n, stride, seed, folder, advance)
    _finish(verdict, record)


@app.command("fsync-order")
def fsync_order(
    n: Annotated[int, typer.Option(min=1, help="Orders.")] = 20,
    record: Record = None,
) -> None:
    """Watch an executor's system calls: each order's row is on the disk before it leaves (A13).

    Example: trading-assets chaos fsync-order --n 200
    """
    from trading_assets.simulation.chaos.send_order import watch_sends

    with _folder() as folder, _bar("orders", n) as advance:
        verdict = watch_sends(n, folder, advance)
    _finish(verdict, record)


@app.command()
def soak(
    bars: Annotated[int, typer.Option(min=1, help="Minutes of market time; one a second.")] = 60,
    seed: Seed = 0,
    record: Record = None,
) -> None:
    """Let a book live a day at a stormy venue: memory, orders and error budget hold (A22).

    Example: trading-assets chaos soak --bars 1440
    """
    from trading_assets.simulation.chaos.soak import soak as live_on

    with _folder() as folder, _bar("bars", bars) as advance:
        verdict = live_on(bars, seed, folder, advance)
    _finish(verdict, record)


@app.command()
def recover(
    records: Annotated[int, typer.Option(min=1_000, help="Rows of the journal.")] = 20_000,
    seed: Seed = 0,
    record: Record = None,
) -> None:
    """Start a book with a long journal, with snapshot and without, and take the time (A11).

    Example: trading-assets chaos recover --records 1000000
    """
    from trading_assets.simulation.chaos.recovery_time import time_recovery
    from trading_assets.workflows.release_parts import parts_of

    with _folder() as folder, _bar("rows", records) as advance:
        verdict = time_recovery(records, seed, folder, parts_of, advance)
    _finish(verdict, record)


@app.command()
def secrets(record: Record = None) -> None:
    """Let runs fail with canary secrets; no file that they leave holds one (A19).

    Example: trading-assets chaos secrets
    """
    from trading_assets.simulation.chaos.canaries import look_for_canaries

    with _folder() as folder:
        verdict = look_for_canaries(folder)
    _finish(verdict, record)


@app.command()
def processes(
    case: Annotated[
        list[str] | None, typer.Option(help="Act to try; again for more. All of them by default.")
    ] = None,
    record: Record = None,
) -> None:
    """Kill, end and reload parts of `dagster dev` around a live run: never two traders (A18).

    Example: trading-assets chaos processes --case "Ctrl-C twice"
    """
    from trading_assets.simulation.chaos.process_matrix import CASES, try_processes

    names = case or list(CASES)
    if unknown := sorted(set(names) - set(CASES)):
        raise typer.BadParameter(f"{unknown[0]!r} is none of: {'; '.join(CASES)}")
    with _folder() as folder, _bar("cases", len(names)) as advance:
        verdict = try_processes(names, folder, advance)
    _finish(verdict, record)


def _finish(verdict: Verdict, record: Path | None) -> None:
    from trading_assets.simulation.chaos.verdict import record as keep

    typer.echo(json.dumps(verdict.to_json()))
    if verdict.wrong:
        raise typer.Exit(_VIOLATED)
    if record is not None:
        keep(record, verdict, _command())


def _command() -> str:
    """Give the command line as somebody would type it, without where it is recorded."""
    words = iter(sys.argv[1:])
    kept = []
    for word in words:
        if word == "--record":
            next(words, "")
        elif not word.startswith("--record="):
            kept.append(word)
    return shlex.join(["trading-assets", *kept])


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="trading-assets-chaos-") as folder:
        yield Path(folder)


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[Callable[[int, int], None]]:
    """Show progress on the error output, where a person looks and no program reads."""
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    told = TextColumn("{task.fields[wrong]}")
    with Progress(*columns, told, console=Console(stderr=True)) as progress:
        task = progress.add_task(name, total=total, wrong="")

        def advance(done: int, wrong: int) -> None:
            progress.update(task, completed=done, wrong=f"{wrong} wrong" if wrong else "")

        yield advance
