"""`trading-assets trials`: how often something was tried on this desk, and the proof of it."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from trading_assets.interfaces.cli.tables import AsJson, new_table, open_desk

app = typer.Typer(help="The ledger of all trials of this desk.", no_args_is_help=True)

Family = Annotated[str, typer.Option("--family", help="Of strategies or models; all if none.")]


@app.command("list")
def list_rows(
    family: Family = "",
    last: Annotated[int, typer.Option("--last", help="How many rows; 0 for all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the runs of trials in the order in which they were entered.

    Example: trading-assets trials list --family ema_trend --last 10
    """
    from trading_assets.workflows.trial_ledger import read_trials, row_family, row_trial_id

    rows = read_trials(open_desk().settings.data_root)
    rows = [row for row in rows if not family or row_family(row) == family]
    rows = rows[-last:] if last else rows
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = new_table("entered", "family", "purpose", "trial", "Sharpe/day", "days", "what it set")
    for row in rows:
        sharpe = row.get("sharpe")
        table.add_row(
            _time(row["at"]),
            row_family(row),
            row["purpose"],
            row_trial_id(row)[:12],
            "-" if sharpe is None else f"{sharpe:+.4f}",
            str(row.get("periods", "-")),
            escape(row["refusal"] or ", ".join(f"{k} {v}" for k, v in row["params"].items()))
            if "params" in row
            else "-",
        )
    Console().print(table)


@app.command()
def count(family: Family = "", as_json: AsJson = False) -> None:
    """Count the distinct trials of each family as the gate does, and their spread out of sample.

    Example: trading-assets trials count
    """
    from trading_assets.workflows.trial_ledger import count_trials, read_trials, trials_of_family

    root = open_desk().settings.data_root
    families = [family] if family else sorted(count_trials(read_trials(root)))
    counted = [trials_of_family(root, name) for name in families]
    plain: dict[str, Any] = {
        one.family: {
            "trials": one.n,
            "lost_rows": one.lost,
            "with_sharpe": len(one.sharpes),
            "best_sharpe_per_day": max(one.sharpes, default=None),
            "with_oos_sharpe": len(one.oos_sharpes),
            "variance_of_oos_sharpes": one.variance,
            "head": one.head_hash,
        }
        for one in counted
    }
    if as_json:
        typer.echo(json.dumps(plain, indent=2))
        return
    table = new_table("family", "trials", "of them lost", "best Sharpe/day", "std out of sample")
    for name, facts in plain.items():
        best, variance = facts["best_sharpe_per_day"], facts["variance_of_oos_sharpes"]
        table.add_row(
            name,
            str(facts["trials"]),
            str(facts["lost_rows"]),
            "-" if best is None else f"{best:+.4f}",
            "-" if variance is None else f"{math.sqrt(variance):.4f}",
        )
    Console().print(table)


@app.command()
def verify(as_json: AsJson = False) -> None:
    """Prove every byte of the ledger, and the daily returns that it names.

    Example: trading-assets trials verify
    """
    from trading_assets.workflows.trial_ledger import verify_ledger

    facts = verify_ledger(open_desk().settings.data_root)
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    typer.echo(
        f"{facts['rows']} rows, {facts['bytes']} bytes, whole to the head {facts['head'][:16]}; "
        f"{facts['files_of_returns']} files of returns"
    )
    for note in facts["notes"]:
        typer.echo(
            f"{_time(note['at'])}: {note['reason']}; {note['rows']} rows taken over, "
            f"{note['lost']} lost"
        )


@app.command()
def adopt(
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Go on with what can be read.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Chain a ledger of the time before it was chained, or go on with what is left of a broken one.

    Nothing is thrown away: the file that was there is kept beside it, and the first row of the new
    one says what happened. Rows that are lost count as further trials of every family.

    Example: trading-assets trials adopt
    """
    from trading_assets.workflows.trial_ledger import adopt_ledger

    desk = open_desk()
    note = adopt_ledger(desk.settings.data_root, at=desk.clock.now(), accept_loss=accept_loss)
    if as_json:
        typer.echo(json.dumps(note, indent=2))
    elif note:
        kept = f"; the file that was there is {note['kept_as']}" if note["kept_as"] else ""
        typer.echo(f"{note['rows']} rows taken over, {note['lost']} lost{kept}")
    else:
        typer.echo("The ledger is whole; nothing was done.")


def _time(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1_000_000, tz=UTC):%Y-%m-%d %H:%M}"
