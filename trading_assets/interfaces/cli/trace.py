"""`trading-assets trace` and `blast-radius`: why an order was sent, and what rests on what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from trading_assets.interfaces.cli.completions import book_names
from trading_assets.interfaces.cli.tables import AsJson, new_table, open_desk

if TYPE_CHECKING:
    from trading_assets.workflows.trace_links import Link, Trace

app = typer.Typer()

_MARKS = {
    "equal": "[green]equal[/]",
    "differs": "[red]differs[/]",
    "not checkable": "[yellow]not checkable[/]",
}
_EXIT = {"equal": 0, "differs": 1, "not checkable": 3}
_SHOWN_FILES = 3


@app.command()
def trace(
    order_id: Annotated[
        str,
        typer.Argument(
            help="Client order id; of a book also the venue's id or that of an execution, as "
            "BTCUSDT:17. Every order of --book or --run if not given."
        ),
    ] = "",
    book: Annotated[
        str, typer.Option("--book", autocompletion=book_names, help="Look in this book only.")
    ] = "",
    run: Annotated[str, typer.Option("--run", help="Look in this stored run only.")] = "",
    as_json: AsJson = False,
) -> None:
    """Go from an order to the vendor's bytes; every link is computed once more and compared.

    Ends with 0 when all links hold, 1 when one differs, 3 when none differs but one could not be
    checked.

    Example: trading-assets trace ta-0123456789abcdef0123456789abc --book paper
    """
    from trading_assets.workflows.trace import trace_all, trace_order

    desk = open_desk()
    if order_id:
        found = trace_order(desk, order_id, book=book, run=run)
        if as_json:
            typer.echo(json.dumps(found.to_json(), indent=2, default=str))
        else:
            _print(found)
        raise typer.Exit(_EXIT[found.status])
    worst, counts = 0, dict.fromkeys(_EXIT, 0)
    for each in trace_all(desk, book=book, run=run):
        counts[each.status] += 1
        worst = max(worst, _EXIT[each.status], key=(0, 3, 1).index)
        typer.echo(json.dumps(each.to_json(), default=str) if as_json else _line(each))
    if not as_json:
        typer.echo(", ".join(f"{number} {status}" for status, number in counts.items()))
    raise typer.Exit(worst)


def _line(found: Trace) -> str:
    """Write an order in one line, with what is wrong with it."""
    wrong = [f"{x.kind} {x.name}" for x in found.links if x.status != "equal"]
    return f"{found.order_id} {found.status}{': ' if wrong else ''}{', '.join(wrong)}"


def _print(found: Trace) -> None:
    console, order = Console(), found.order
    title = " ".join(str(order[n]) for n in ("side", "quantity", "qty", "symbol") if n in order)
    head = f"[bold]{escape(found.order_id)}[/] {title}, {order['strategy']}, {found.origin}"
    console.print(head, highlight=False)
    table = new_table("link", "which", "", "what was compared")
    for link in found.links:
        table.add_row(link.kind, escape(link.name), _MARKS[link.status], escape(_said(link)))
    console.print(table)
    files = [file for link in found.links for file in link.files]
    damaged = len(found.damaged_files)
    console.print(
        f"{_MARKS[found.status]}: {len(found.links)} links, {len(files)} files hashed again, "
        f"{damaged} of them damaged",
        highlight=False,
    )


def _said(link: Link) -> str:
    """Write what a link says: of one that holds the value, of another both."""
    parts = [link.said] if link.said else []
    if link.status != "equal":
        parts += [f"recorded {link.recorded}"] if link.recorded else []
        parts += [f"found {link.found}"] if link.found else []
    elif link.files:
        parts += [f"version {link.recorded[:16]}", *_files(link)]
    elif link.recorded:
        parts.append(link.recorded[:64])
    if code := link.facts.get("code_version"):
        parts.append(f"code version {str(code)[:16]}")
    return "; ".join(parts)


def _files(link: Link) -> list[str]:
    shown = [f"{f.vendor or f.path.rpartition('/')[2]} {f.sha256[:16]}" for f in link.files]
    more = len(shown) - _SHOWN_FILES
    return shown[:_SHOWN_FILES] + ([f"and {more} more files"] if more > 0 else [])


@app.command("blast-radius")
def blast_radius(
    partition: Annotated[
        str,
        typer.Argument(
            help="bars_1m/BTCUSDT/2024-03 (the current version, or with @3 or @<hash> another), "
            "the path of a manifest, or 8 or more characters of the SHA-256 of a file."
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """List every table, model, forecast, run, decision, release and order that rests on it.

    Example: trading-assets blast-radius raw_klines/BTCUSDT/2024-03
    """
    from dataclasses import asdict

    from trading_assets.workflows.blast_radius import blast_radius_of
    from trading_assets.workflows.named_version import find_versions

    desk = open_desk()
    nodes = find_versions(desk, partition)
    found = asdict(blast_radius_of(desk, nodes))
    if as_json:
        of = [{"address": name, "version": version} for name, version in nodes]
        typer.echo(json.dumps({"of": of, **found}, indent=2))
        return
    console = Console()
    for name, version in nodes:
        console.print(f"[bold]{escape(name)}[/] {version[:16]}", highlight=False)
    for kind, names in found.items():
        if kind != "unread" or names:
            console.print(f"{kind.replace('_', ' ')}: {len(names)}", highlight=False)
        for name in names:
            console.print(f"  {escape(name)}", highlight=False, soft_wrap=True)
