"""`trading-assets release`: what a book trades, what it traded before, and the way back."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.tables import (
    MARKS,
    AsJson,
    cell,
    json_text,
    new_table,
    open_desk,
)

app = typer.Typer(help="Releases of live books.", no_args_is_help=True)

Book = BookName


@app.command("list")
def list_releases(book: Book = "paper", as_json: AsJson = False) -> None:
    """List the releases of a book, the current one last.

    Example: trading-assets release list --book paper
    """
    from rich.console import Console

    from trading_assets.workflows.live_book import live_book

    desk = open_desk()
    entries = desk.releases.history(live_book(desk.settings, book).traded)
    if as_json:
        typer.echo(json.dumps([dict(entry) for entry in entries]))
        return
    table = new_table("n", "release", "decision", "previous", "taken back")
    for entry in entries:
        back = entry.get("rolled_back")
        table.add_row(
            str(entry["n"]),
            entry["release_id"],
            entry["decision_id"][:16],
            cell(entry["previous"]),
            f"{back['reason']} ({back['by']})" if back else "",
        )
    Console().print(table)


@app.command()
def show(release_id: Annotated[str, typer.Argument(help="Of any book.")]) -> None:
    """Print what a release pins, every byte of it proven.

    Example: trading-assets release show 6bde7c9e8343b6b6
    """
    typer.echo(json.dumps(dict(open_desk().releases.get(release_id).facts), indent=2))


@app.command()
def check(book: Book = "paper", as_json: AsJson = False) -> None:
    """Look whether the data behind a book's release are what it was decided on.

    A running book looks hourly and answers by `live.upstream`. Ends with 1 when something is found.

    Example: trading-assets release check --book paper
    """
    from dataclasses import asdict

    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.upstream_of_release import upstream_findings

    desk = open_desk()
    release = desk.releases.require(live_book(desk.settings, book).traded)
    found = upstream_findings(desk, release)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in found]))
    else:
        for finding in found:
            typer.echo(str(finding))
        typer.echo(f"Release {release.release_id}: {len(found)} findings.")
    if found:
        raise typer.Exit(1)


@app.command()
def rollback(
    reason: Annotated[str, typer.Option("--reason", help="Why.")],
    by: Annotated[str, typer.Option("--by", help="Who says so.")],
    book: Book = "paper",
    as_json: AsJson = False,
) -> None:
    """Make the release before the current one current again.

    A running book leaves its release by the policy `live.hand_over`.

    Example: trading-assets release rollback --book paper --reason "fills too late" --by ada
    """
    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.switch_release import roll_back, without_leave

    desk = open_desk()
    release = roll_back(desk, book, reason=reason, by=by)
    left = without_leave(desk, live_book(desk.settings, book), release.release_id)
    if as_json:
        told = {"book": book, "release_id": release.release_id, "spec": release.spec.name}
        typer.echo(json_text({**told, "without_leave": [other.name for other in left]}))
        return
    typer.echo(f"Book {book} trades release {release.release_id} ({release.spec.name}) again.")
    for other in left:
        typer.echo(
            f"Book {other.name} has no leave for it and keeps to the release that was taken back: "
            f"halt it, or arm it for {release.release_id}."
        )


@app.command()
def conduct(book: Book = "paper", as_json: AsJson = False) -> None:
    """Judge the release that a book trades: its probation for real money, and what demotes it.

    Each whole day is decided again, which takes a while. Ends with 1 while the probation is open.

    Example: trading-assets release conduct --book paper
    """
    from rich.console import Console
    from rich.markup import escape

    from trading_assets.workflows.live_conduct import live_conduct

    console = Console(stderr=True)
    with console.status("replaying the days") as status:
        report = live_conduct(open_desk(), book, report=status.update)
    if as_json:
        typer.echo(json.dumps(report.plain()))
    else:
        out = Console()
        table = new_table("asked by", "rule", "passed", "value", "wanted")
        for of, rules in (("probation", report.probation), ("demotion", report.demotion)):
            for rule in rules:
                seen, wanted = escape(cell(rule.value)), escape(cell(rule.threshold))
                table.add_row(of, rule.rule, MARKS[rule.passed], seen, wanted)
        out.print(f"Release {report.release_id} ({report.spec}) in book {book}", highlight=False)
        out.print(table)
        for rule in (*report.probation, *report.demotion):
            if not rule.passed and rule.note:
                out.print(f"{rule.rule}: {escape(rule.note)}", highlight=False, soft_wrap=True)
    if not report.has_proven_itself:
        raise typer.Exit(1)
