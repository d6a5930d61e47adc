"""What commands that print tables share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from trading_assets.evaluation.rule_words import value_text
from trading_assets.interfaces.cli.desk_settings import load_settings

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

MARKS = {True: "[green]yes[/]", False: "[red]no[/]", None: "[yellow]no evidence[/]"}
"""Of a rule that has passed, failed, or could not be judged."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_desk() -> Desk:
    """Give the desk of the settings."""
    from trading_assets import bootstrap

    return bootstrap.desk(load_settings().settings)


def new_table(*headings: str) -> Table:
    """Begin a table without lines."""
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def cell(value: Any) -> str:
    """Write a value, with what is in it: two decimals, yes or no, `-` for nothing."""
    return value_text(value)
