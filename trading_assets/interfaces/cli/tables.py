"""What commands that print tables, or JSON for programs, share."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
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


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Write facts as JSON that any program reads.

    What JSON has no word for is text: instants in ISO 8601, exact numbers digit by digit, paths and
    names as they are written. A number that is none, or has no end, is null.
    """
    return json.dumps(_finite(value), indent=indent, default=_text)


def say(facts: Any, sentence: str, *, as_json: bool) -> None:
    """Print facts for a program, or a sentence about them for a person."""
    typer.echo(json_text(facts) if as_json else sentence)


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on stderr, where a person looks, that something takes its time."""
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _finite(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


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
