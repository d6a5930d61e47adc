"""`trading-assets sweep` and `walk-forward`: many parameters, and what holds out of sample."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from trading_assets.interfaces.cli.tables import AsJson, open_desk

app = typer.Typer()

Name = Annotated[str, typer.Argument(help="A sweep of this desk, or the path of its YAML file.")]


@app.command()
def sweep(
    name: Name,
    resume: Annotated[
        bool, typer.Option(help="Go on where an interrupted sweep stopped, or begin anew.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Run every trial of a sweep file; what is finished stays finished, also after a kill.

    Example: trading-assets sweep docs/examples/sweeps/ema_spans.yaml
    """
    from trading_assets.workflows.run_sweep import run_sweep
    from trading_assets.workflows.sweep_files import find_sweep

    desk = open_desk()
    found = find_sweep(desk.settings, name)
    said = found.sweep
    total = said.trials or (len(found.plan.space.grid()) if said.method == "grid" else None)
    with _bar(found.name, total) as advance:
        record = run_sweep(desk, found, resume=resume, report=advance)
    _tell(record.metadata, as_json=as_json)


@app.command()
def walk_forward(name: Name, as_json: AsJson = False) -> None:
    """Choose on each stretch of time, try on the next; the file needs a section `walk_forward`.

    Example: trading-assets walk-forward docs/examples/sweeps/ema_spans.yaml
    """
    from trading_assets.workflows.run_sweep import run_walk_forward
    from trading_assets.workflows.sweep_files import find_sweep

    desk = open_desk()
    found = find_sweep(desk.settings, name)
    with _bar(f"{found.name}: folds", None) as advance:
        record = run_walk_forward(desk, found, report=advance)
    _tell(record.metadata, as_json=as_json)


def _tell(metadata: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(metadata, indent=2))
        return
    for key, value in metadata.items():
        typer.echo(f"{key}: {value}")


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show on stderr how far it is, where a person looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task(name, total=total)
        yield lambda count: progress.advance(task, count)
