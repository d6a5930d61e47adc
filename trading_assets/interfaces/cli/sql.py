"""`trading-assets sql`: ask the tables and the catalog, without a way to anything else."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.instants import AsOf, instant_from_text

if TYPE_CHECKING:
    from trading_assets.storage.queries import Answer, Value

app = typer.Typer(rich_markup_mode="rich")

_SHOWN = 50
_EXAMPLES = """
[bold]Examples[/]

trading-assets sql "show tables"

trading-assets sql "select * from bars_1d order by ts desc" --limit 5

trading-assets sql 'select count(*) from bars_1m where symbol = $s' --param s=BTCUSDT

trading-assets sql "select spec, value from runs join metrics using (run_id) where is_current
and part = 'all' and name = 'sharpe'" --format csv
"""


@app.command(epilog=_EXAMPLES)
def sql(
    query: Annotated[str, typer.Argument(help="One SELECT in DuckDB's SQL.")],
    output: Annotated[
        Literal["table", "csv", "json"], typer.Option("--format", help="How to print rows.")
    ] = "table",
    limit: Annotated[
        int | None,
        typer.Option(min=1, help=f"At most so many rows; of a table {_SHOWN} if not given."),
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option(help="name=value, bound to $name as a number or text. May be repeated."),
    ] = None,
    as_of: AsOf = "",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Ask the tables (bars_1m, features_5m, ...) and the catalog (runs, metrics, fills, ...).

    It can only read: no other file, no network, no writing, no settings. The columns symbol and
    ts (UTC) are in every table of bars, features and forecasts.

    Example: trading-assets sql "select * from bars_1d order by ts desc" --limit 5
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.query_tables import query_tables

    output = "json" if as_json else output
    shown = _SHOWN if limit is None and output == "table" else limit
    answer = query_tables(
        bootstrap.desk(load_settings().settings),
        query,
        values=dict(_value(text) for text in param or ()),
        limit=shown,
        as_of=instant_from_text(as_of) if as_of else None,
    )
    _PRINTERS[output](answer)
    if answer.is_cut:
        typer.echo(f"There are more than {shown} rows; --limit shows more.", err=True)


def _value(text: str) -> tuple[str, Value]:
    name, found, value = text.partition("=")
    if not found or not name.isidentifier():
        raise ConfigurationError(
            "Not a parameter", expected="name=value", found=repr(text)[:80], fix="--param s=BTCUSDT"
        )
    for number in (int, float):
        try:
            return name, number(value)
        except ValueError:
            continue
    return name, value


def _print_table(answer: Answer) -> None:
    table = Table(box=None, pad_edge=False)
    for name in answer.columns:
        table.add_column(escape(name), overflow="fold")
    for row in answer.rows:
        table.add_row(*("" if cell is None else escape(str(_plain(cell))) for cell in row))
    Console().print(table, highlight=False)


def _print_csv(answer: Answer) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(answer.columns)
    writer.writerows([_plain(cell) for cell in row] for row in answer.rows)


def _print_json(answer: Answer) -> None:
    rows = [dict(zip(answer.columns, row, strict=True)) for row in answer.rows]
    typer.echo(json.dumps(rows, indent=2, default=_plain))


_PRINTERS = {"table": _print_table, "csv": _print_csv, "json": _print_json}


def _plain(cell: Any) -> Any:
    """Write instants as ISO 8601 and exact numbers digit by digit."""
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    if isinstance(cell, bool | int | float | str):
        return cell
    return str(cell)
