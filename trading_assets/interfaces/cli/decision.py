"""`trading-assets decision`: what may a book trade, why, and can it be proven."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trading_assets.evaluation.rule_words import rule_text
from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import MARKS, cell, json_text, say
from trading_assets.interfaces.cli.tables import AsJson as ListJson

if TYPE_CHECKING:
    from trading_assets.evaluation.decision import Decision
    from trading_assets.workflows.desk import Desk

app = typer.Typer(help="Decide what a book may trade, and prove it.", no_args_is_help=True)

Book = BookName
AsJson = Annotated[bool, typer.Option("--json", help="Print the canonical document.")]


@app.command()
def make(book: Book = "paper", as_json: AsJson = False) -> None:
    """Gather the evidence, apply the rules and record the decision; publishes nothing.

    Example: trading-assets decision make --book paper
    """
    from trading_assets.workflows.log_decision import decide_and_log

    console = Console(stderr=True)
    with console.status("reading evidence") as status:
        decision = decide_and_log(_desk(), book, report=lambda what: status.update(f"now: {what}"))
    if as_json:
        typer.echo(decision.payload.decode())
        return
    _print(decision)


@app.command("list")
def list_decisions(book: Book = "paper", as_json: ListJson = False) -> None:
    """List the decisions about a book, newest first.

    Example: trading-assets decision list --book paper
    """
    from trading_assets.workflows.decide import as_of_text

    told = [
        {
            "decision_id": decision.decision_id,
            "as_of": as_of_text(decision),
            "verdict": decision.verdict,
            "candidate": decision.candidate["spec"] if decision.candidate else None,
            "reason": decision.document["reason"],
        }
        for decision in reversed(_desk().releases.decisions.history(book))
    ]
    if as_json:
        typer.echo(json_text(told))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("decision", "as of", "verdict", "candidate", "reason"):
        table.add_column(heading, overflow="fold")
    for row in told:
        shown = row | {"decision_id": row["decision_id"][:16], "candidate": row["candidate"] or "-"}
        table.add_row(*shown.values())
    Console().print(table)


@app.command()
def show(
    decision_id: Annotated[str, typer.Argument(help="8 or more characters; newest if none.")] = "",
    book: Book = "paper",
    as_json: AsJson = False,
) -> None:
    """Show a decision: every rule with its value, threshold, verdict and evidence.

    Example: trading-assets decision show 6bde7c9e --json
    """
    decision = _find(_desk(), decision_id, book)
    if as_json:
        typer.echo(decision.payload.decode())
        return
    _print(decision)


@app.command()
def explain(
    decision_id: Annotated[str, typer.Argument(help="8 or more characters; newest if none.")] = "",
    book: Book = "paper",
    as_json: ListJson = False,
) -> None:
    """Say in plain words, stage by stage, what stands between the candidate and a promotion.

    Example: trading-assets decision explain --book paper
    """
    console = Console()
    decision = _find(_desk(), decision_id, book)
    stages: dict[str, list[dict[str, Any]]] = {}
    for rule in decision.rules:
        stages.setdefault(rule.get("stage", "all"), []).append(dict(rule))
    if as_json:
        told = [
            {
                "stage": stage,
                "rules": len(rules),
                "unmet": [{**r, "text": rule_text(r)} for r in rules if not r["passed"]],
            }
            for stage, rules in stages.items()
        ]
        head = {"decision_id": decision.decision_id, "verdict": decision.verdict}
        reason = decision.document["reason"]
        typer.echo(json_text({**head, "reason": reason, "stages": told}))
        return
    console.print(f"[bold]{decision.verdict}[/]: {escape(decision.document['reason'])}")
    for stage, rules in stages.items():
        unmet = [rule for rule in rules if not rule["passed"]]
        console.print(
            f"[bold]{stage}[/]: {len(rules) - len(unmet)} of {len(rules)} rules are met",
            highlight=False,
        )
        for rule in rules if stage == "held_out" else unmet:
            console.print(
                f"  {MARKS[rule['passed']]}  {escape(rule_text(rule))}",
                highlight=False,
                soft_wrap=True,
            )


@app.command()
def recompute(
    decision_id: Annotated[str, typer.Argument(help="8 or more characters; newest if none.")] = "",
    book: Book = "paper",
    as_json: AsJson = False,
) -> None:
    """Make a decision again from the evidence that it names; fails unless the bytes are equal.

    Example: trading-assets decision recompute 6bde7c9e
    """
    from trading_assets.workflows.decide import recompute as recompute_decision

    desk = _desk()
    again = recompute_decision(desk, _find(desk, decision_id, book).decision_id)
    typer.echo(
        again.payload.decode()
        if as_json
        else f"{again.decision_id}: reproduced, {len(again.payload)} bytes"
    )


@app.command()
def publish(
    decision_id: Annotated[str, typer.Argument(help="8 or more characters; newest if none.")] = "",
    book: Book = "paper",
    as_json: ListJson = False,
) -> None:
    """Publish the candidate of a decision as the book's release; twice is the same as once.

    Example: trading-assets decision publish 6bde7c9e --book paper
    """
    from trading_assets.workflows.publish_release import publish_release

    desk = _desk()
    release = publish_release(desk, book, _find(desk, decision_id, book).decision_id)
    told = {"book": book, "release_id": release.release_id, "spec": release.spec.name}
    sentence = f"Book {book} trades release {release.release_id} ({release.spec.name})"
    say(told, sentence, as_json=as_json)


def _desk() -> Desk:
    from trading_assets import bootstrap

    return bootstrap.desk(load_settings().settings)


def _find(desk: Desk, decision_id: str, book: str) -> Decision:
    from trading_assets.domain.errors import MissingPartition

    decisions = desk.releases.decisions
    decision = decisions.get(decision_id) if decision_id else decisions.current(book)
    if decision is None:
        raise MissingPartition(
            f"Book {book} was never decided about",
            expected="a decision",
            found="none",
            fix=f"`trading-assets decision make --book {book}`",
        )
    return decision


def _print(decision: Decision) -> None:
    from trading_assets.workflows.decide import as_of_text

    console = Console()
    console.print(
        f"[bold]{decision.verdict}[/] for book {decision.book}, data to {as_of_text(decision)}",
        highlight=False,
    )
    console.print(decision.document["reason"], highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("stage", "rule", "passed", "value", "wanted", "if not"):
        table.add_column(heading, overflow="fold")
    for rule in decision.rules:
        table.add_row(
            rule.get("stage", ""),
            rule["rule"],
            MARKS[rule["passed"]],
            escape(cell(rule["value"])),
            escape(cell(rule["threshold"])),
            rule["on_fail"],
        )
    console.print(table)
    field = Table(box=None, pad_edge=False)
    for heading in ("field", "verdict", "OOS net %", "OOS trades", "failed"):
        field.add_column(heading, overflow="fold")
    for entry in decision.document["field"]:
        field.add_row(
            entry["spec"],
            entry["verdict"],
            cell(entry["oos_net_return_pct"]),
            cell(entry["oos_trades"]),
            ", ".join(entry["failed"]) or "-",
        )
    console.print(field)
    console.print(f"decision {decision.decision_id}", highlight=False)
