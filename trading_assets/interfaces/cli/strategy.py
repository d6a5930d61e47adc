"""`trading-assets strategy`: the strategies of a live book, one by one."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.control import tell_asked
from trading_assets.interfaces.cli.tables import AsJson, cell, new_table, open_desk

app = typer.Typer(
    help="The strategies of a live book: stop one, let it go on, make it smaller.",
    no_args_is_help=True,
)

_SOURCE = "cli"
Name = Annotated[str, typer.Argument(help="Of the strategy, as `strategy list` shows it.")]
Book = BookName
Reason = Annotated[str, typer.Option("--reason", help="Why.")]
By = Annotated[str, typer.Option("--by", help="Who says so.")]


@app.command("list")
def list_all(book: Book = "paper", as_json: AsJson = False) -> None:
    """List them: running or stopped by whom, allocation, risk per trade.

    Example: trading-assets strategy list --book paper
    """
    from rich.console import Console

    from trading_assets.workflows.control_strategy import list_strategies

    rows = list_strategies(open_desk(), book)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = new_table("strategy", "state", "because", "allocation", "risk per trade")
    for row in rows:
        because = f"{row['reason']} ({row['by']})" if row["reason"] else ""
        allocation = f"{row['allocation_pct']} % of {row['allocation_pct_of_release']} %"
        risk = "-"
        if row["risk_bps"] is not None:
            risk = f"{row['risk_bps']} bps of {row['risk_bps_of_release']} bps"
        table.add_row(row["name"], row["state"], cell(because), allocation, risk)
    Console().print(table)


@app.command()
def stop(name: Name, reason: Reason, by: By, book: Book = "paper", as_json: AsJson = False) -> None:
    """Stop its entries from the next decision on; exits go on.

    Example: trading-assets strategy stop fast --book paper --reason "earnings" --by ann
    """
    from trading_assets.workflows.control_strategy import stop_strategy

    asked = stop_strategy(open_desk(), book, name, who=by, reason=reason, source=_SOURCE)
    tell_asked(book, f"the stop of {name}", asked, as_json=as_json)


@app.command()
def start(
    name: Name, reason: Reason, by: By, book: Book = "paper", as_json: AsJson = False
) -> None:
    """Take a stop back; a halt, a pause, a release that was taken back stay as they are.

    Example: trading-assets strategy start fast --book paper --reason "over" --by ann
    """
    from trading_assets.workflows.start_strategy import start_strategy

    asked = start_strategy(open_desk(), book, name, who=by, reason=reason, source=_SOURCE)
    tell_asked(book, f"the start of {name}", asked, as_json=as_json)


@app.command()
def risk(
    name: Name,
    bps: Annotated[str, typer.Argument(help="Basis points at risk per trade; only less.")],
    reason: Reason,
    by: By,
    book: Book = "paper",
    as_json: AsJson = False,
) -> None:
    """Let it risk less per trade; more needs a release.

    Example: trading-assets strategy risk fast 25 --book paper --reason "thin market" --by ann
    """
    _tighten(book, name, {"risk_bps": bps}, reason, by, as_json=as_json)


@app.command()
def alloc(
    name: Name,
    weight: Annotated[str, typer.Argument(help="Share of its own allocation, above 0 to 1.")],
    reason: Reason,
    by: By,
    book: Book = "paper",
    as_json: AsJson = False,
) -> None:
    """Give it less of the account than its release does; more needs a release.

    Example: trading-assets strategy alloc fast 0.5 --book paper --reason "thin market" --by ann
    """
    _tighten(book, name, {"weight": weight}, reason, by, as_json=as_json)


def _tighten(
    book: str, name: str, limits: dict[str, str], reason: str, by: str, *, as_json: bool
) -> None:
    from trading_assets.workflows.control_strategy import tighten_strategy

    asked = tighten_strategy(open_desk(), book, name, limits, who=by, reason=reason, source=_SOURCE)
    tell_asked(book, f"a smaller {name}", asked, as_json=as_json)
