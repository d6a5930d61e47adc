"""`trading-assets data calendars`: freeze the sessions of the desk's calendars."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text


def calendars(
    refreeze: Annotated[
        bool,
        typer.Option("--refreeze", help="Take the library's word for sessions of the past, too."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Freeze the trading sessions of every calendar of the desk, to the end of next year.

    A library that now tells another past is refused, naming the first session that differs.

    Example: trading-assets data calendars
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.freeze_calendars import freeze_calendars

    frozen = freeze_calendars(bootstrap.desk(load_settings().settings), refreeze=refreeze)
    if as_json:
        said = ("calendar", "first", "last", "early_closes", "origin")
        told = [
            {name: item.metadata[name] for name in said}
            | {"sessions": item.rows, "changed": item.changed}
            for item in frozen
        ]
        typer.echo(json_text(told))
        return
    table = Table(box=None, pad_edge=False)
    names = ("calendar", "first", "last", "sessions", "early closes", "origin", "new")
    for name in names:
        table.add_column(name, no_wrap=True)
    for item in frozen:
        facts = item.metadata
        table.add_row(
            *(str(facts[name]) for name in ("calendar", "first", "last")),
            *(str(item.rows), str(facts["early_closes"]), str(facts["origin"])),
            "yes" if item.changed else "",
        )
    if frozen:
        Console().print(table)
    else:
        typer.echo("Every symbol of the settings trades 24/7: there are no sessions to freeze.")
