"""`trading-assets preflight`: is all there that a book needs; nothing is sent but questions."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text

if TYPE_CHECKING:
    from trading_assets.workflows.preflight import Line

app = typer.Typer()
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


class Venue(Enum):
    """Where a book would trade."""

    EMBEDDED = "embedded"
    DEMO = "demo"
    LIVE = "live"


@app.command()
def preflight(
    book: BookName = "paper",
    venue: Annotated[
        Venue | None,
        typer.Option("--venue", help="Look as if the book were there; default: where it is."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check keys, permissions, clock, release, filters, balance, disk; exit 1 when one fails.

    Example: trading-assets preflight --book paper --venue demo
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.preflight import at_venue
    from trading_assets.workflows.preflight import preflight as look

    settings = load_settings().settings
    if venue is not None:
        settings = at_venue(settings, book, venue.value)
    console = Console(highlight=False)
    lines: list[Line] = []
    for line in look(bootstrap.desk(settings), book):
        lines.append(line)
        if as_json:
            continue
        console.print(f"[{_COLOURS[line.status]}]{line.status:4}[/] ", end="")
        console.print(f"{line.what}: {line.found}", markup=False)
        if line.fix:
            console.print(f"     {line.fix}", markup=False)
    if as_json:
        typer.echo(json_text([asdict(line) for line in lines]))
    raise typer.Exit(1 if any(line.status == "fail" for line in lines) else 0)
