"""`trading-assets costs`: what fills have cost, and what specs charge beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from trading_assets.domain.errors import MissingPartition
from trading_assets.domain.ids import Month
from trading_assets.interfaces.cli.completions import BookName
from trading_assets.interfaces.cli.tables import (
    AsJson,
    cell,
    json_text,
    new_table,
    open_desk,
    working,
)

if TYPE_CHECKING:
    from trading_assets.storage.partition_store import Manifest

app = typer.Typer(help="What the fills of live books have cost.", no_args_is_help=True)

_Book = BookName


@app.command()
def measure(
    book: _Book = "paper",
    month: Annotated[
        str, typer.Argument(help="YYYY-MM. All months of the book's journal if left out.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Estimate spread, impact and fees from a book's fills, and publish a version per month.

    Example: trading-assets costs measure --book paper 2024-04
    """
    from trading_assets.workflows.publish_costs import KNOWN_FROM, cost_months, publish_costs

    desk = open_desk()
    months = [Month.from_text(month)] if month else cost_months(desk, book)
    told: list[dict[str, Any]] = []
    for each in months:
        with working(f"measuring costs of {each}"):
            made, found = publish_costs(desk, book, each)
        told.append(
            {
                "table": made.table,
                "month": each,
                "orders": len(found.orders),
                "known_from": made.metadata[KNOWN_FROM],
                "changed": made.changed,
                "version": made.version,
            }
        )
        if as_json:
            continue
        typer.echo(
            f"{made.table} {each}: {len(found.orders)} orders, known from "
            f"{made.metadata[KNOWN_FROM]}, {'new' if made.changed else 'unchanged'}, "
            f"version {made.version[:16]}"
        )
    if as_json:
        typer.echo(json_text(told))


@app.command()
def show(book: _Book = "paper", as_json: AsJson = False) -> None:
    """Print the newest estimates of a book, and what each spec charges on its symbols.

    Ends with 1 when a spec is surely cheaper than the fills were.

    Example: trading-assets costs show --json
    """
    from trading_assets.workflows.costs_compared import compare_specs, latest_costs

    desk = open_desk()
    manifest = latest_costs(desk, book)
    if manifest is None:
        raise MissingPartition(
            f"Nothing is known of the costs of book {book}",
            expected="a version of its costs",
            found="none",
            fix=f"`trading-assets costs measure --book {book}` makes one of its journal.",
        )
    rows = desk.tables.read_manifest(manifest).to_dicts()
    compared = compare_specs(desk, book, manifest)
    if as_json:
        typer.echo(json.dumps(_plain(manifest, rows, [one.plain() for one in compared]), indent=2))
    else:
        _print(manifest, rows, [one.plain() for one in compared])
    if any(one.cheaper for one in compared):
        raise typer.Exit(1)


def _plain(
    manifest: Manifest, rows: list[dict[str, Any]], compared: list[dict[str, Any]]
) -> dict[str, Any]:
    from trading_assets.workflows.publish_costs import KNOWN_FROM

    return {
        "version": manifest.version,
        "month": str(manifest.month),
        **manifest.extra,
        "estimates": [{k: v for k, v in row.items() if k != KNOWN_FROM} for row in rows],
        "specs": compared,
    }


def _print(manifest: Manifest, rows: list[dict[str, Any]], compared: list[dict[str, Any]]) -> None:
    from trading_assets.domain.instants import time_text
    from trading_assets.workflows.publish_costs import known_from

    known = known_from(manifest)
    since = "no fill" if known is None else f"known from {time_text(known)}"
    typer.echo(f"{manifest.address}: {since}, version {manifest.version[:16]}")
    console = Console()
    table = new_table(
        "symbol", "model", "orders", "days", "taker bps", "maker bps", "half spread bps", "impact",
        "why not",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row["symbol"], row["model"], str(row["orders"]), str(row["days"]),
            cell(row["taker_bps"]), cell(row["maker_bps"]), _interval(row, "half_spread"),
            _interval(row, "impact"), row["reason"] or row["impact_reason"],
        )  # fmt: skip
    console.print(table)
    specs = new_table(
        "spec", "symbol", "charges bps", "fills cost bps", "fee bps", "paid", "surely cheaper"
    )
    for one in compared:
        specs.add_row(
            one["spec"], one["symbol"], cell(one["charged_bps"]),
            f"{cell(one['paid_bps'])} ({cell(one['low'])} to {cell(one['high'])})",
            cell(one["charged_fee_bps"]), cell(one["paid_fee_bps"]), cell(one["cheaper"]),
        )  # fmt: skip
    console.print(specs)


def _interval(row: dict[str, Any], name: str) -> str:
    if row[name] is None:
        return "-"
    return f"{cell(row[name])} ({cell(row[f'{name}_low'])} to {cell(row[f'{name}_high'])})"
