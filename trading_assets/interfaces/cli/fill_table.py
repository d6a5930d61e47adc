"""`trading-assets parity DAY --fills`: what the venue gave beside what the rules give."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from trading_assets.interfaces.cli.journal import instant_text
from trading_assets.interfaces.cli.tables import cell, json_text, new_table

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.fill_differences import FillReport


def print_fills(desk: Desk, book: str, day: date, *, as_json: bool) -> None:
    """Print a day's orders against expectation; exit 1 when they are beyond `live.parity_*`."""
    from trading_assets.workflows.fill_differences import fill_differences

    report = fill_differences(desk, book, day)
    if as_json:
        typer.echo(json_text(asdict(report)))
    else:
        _print(report)
    if report.failures:
        raise typer.Exit(1)


def _print(report: FillReport) -> None:
    table = new_table(
        "UTC", "strategy", "symbol", "side", "expected", "at", "got", "at", "late s", "bps",
        "quote", "codes",
    )  # fmt: skip
    for row in report.rows:
        table.add_row(
            instant_text(row.ts), row.strategy, row.symbol, row.side, f"{row.expected_quantity:g}",
            cell(row.expected_price), f"{row.quantity:g}", cell(row.price), cell(row.late_s),
            cell(row.bps), cell(row.cost), row.codes,
        )  # fmt: skip
    console = Console()
    console.print(table)
    summary = new_table("strategy", "symbol", "orders", "mean bps", "worst bps", "quote")
    for line in report.slippage:
        summary.add_row(
            line.strategy, line.symbol, str(line.orders), cell(line.mean_bps),
            cell(line.worst_bps), cell(line.cost),
        )  # fmt: skip
    console.print(summary)
    for failure in report.failures:
        typer.echo(failure)
