"""`trading-assets what-if`: which past decisions would have come out otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from trading_assets.interfaces.cli.completions import book_names
from trading_assets.interfaces.cli.tables import AsJson, new_table, open_desk

if TYPE_CHECKING:
    from trading_assets.evaluation.decision import Decision
    from trading_assets.workflows.what_if import Outcome, WhatIf

app = typer.Typer()


@app.command(name="what-if")
def what_if(
    fees_bps: Annotated[str, typer.Option(help="Fee of every fill, in basis points.")] = "",
    fees_x: Annotated[str, typer.Option(help="Fees and financing times so much.")] = "",
    slippage_x: Annotated[
        str, typer.Option(help="Spread, slippage and impact times so much.")
    ] = "",
    cash: Annotated[str, typer.Option(help="Opening cash of every spec, in its quote.")] = "",
    others: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="gate.<threshold>=<number> or costs.<key>=<number>; may be repeated."
        ),
    ] = None,
    books: Annotated[
        list[str] | None,
        typer.Option(
            "--book", autocompletion=book_names, help="May be repeated; all books if none."
        ),
    ] = None,
    last: Annotated[int, typer.Option(min=0, help="The newest of each book; 0 for all.")] = 0,
    branch: Annotated[
        str, typer.Option(help="Keep what is made in data/branches/<name>, and go on from it.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List past decisions that would have come out otherwise under other costs or thresholds.

    Each is judged by itself, with the champion of its time; the desk is only read.

    Example: trading-assets what-if --fees-bps 10 --slippage-x 3 --set gate.max_pbo=0.1
    """
    from trading_assets.workflows.assumptions import assume
    from trading_assets.workflows.what_if import what_if as ask

    desk = open_desk()
    assumed = assume(
        desk.settings.gate,
        fees_bps=fees_bps,
        fees_x=fees_x,
        slippage_x=slippage_x,
        cash=cash,
        others=others or (),
    )
    with Console(stderr=True).status("reading decisions") as status:
        found = ask(
            desk, assumed, books=books or (), last=last, branch=branch, report=status.update
        )
    if as_json:
        typer.echo(json.dumps(found.plain(), indent=2))
        return
    _print(found)


def _print(found: WhatIf) -> None:
    from trading_assets.workflows.decide import as_of_text

    said = ", ".join(f"{name} {value}" for name, value in found.assumed.said.items())
    console = Console()
    console.print(f"[bold]What if[/] {escape(said)}", highlight=False)
    table = new_table("decision", "book", "as of", "then", "now", "what differs first")
    for outcome in found.outcomes:
        then = outcome.then
        table.add_row(
            then.decision_id[:16],
            escape(then.book),
            as_of_text(then),
            _verdict(then),
            _now(outcome),
            escape(outcome.difference) or "-",
        )
    console.print(table)
    for line in _summary(found):
        console.print(line, highlight=False)


def _now(outcome: Outcome) -> str:
    if outcome.now is None:
        return "[yellow]not comparable[/]"
    said = _verdict(outcome.now)
    return f"[bold red]{said}[/]" if outcome.flips else said


def _verdict(decision: Decision) -> str:
    spec = decision.candidate["spec"] if decision.candidate else "-"
    return f"{decision.verdict} {spec}"


def _summary(found: WhatIf) -> list[str]:
    made, outcomes = found.tally.plain(), found.outcomes
    unknown = sum(outcome.now is None for outcome in outcomes)
    lines = [
        f"{len(found.flipped)} of {len(outcomes)} decisions would flip; "
        f"{unknown} cannot be compared.",
        f"Made again: {made['runs_made_again']} runs, {made['examinations_made_again']} "
        f"examinations, {made['trials_of_sweeps_made_again']} trials of sweeps. "
        f"Used as they are: {made['runs_used_as_they_are']} runs, "
        f"{made['examinations_used_as_they_are']} examinations. "
        f"Found in the branch: {made['found_in_the_branch']}.",
    ]
    if made["controls"]:
        lines.append(
            f"{made['controls']} of them were first made as they were: their code is older."
        )
    for family, count in made["trials_as_recorded"].items():
        lines.append(
            f"{count} trials of {family} cannot be made again: what they earned is as the ledger "
            "has it."
        )
    return lines
