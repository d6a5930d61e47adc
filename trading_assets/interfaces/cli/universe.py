"""`trading-assets data universe`: who may be traded in a month, and why the others may not."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trading_assets.domain.ids import Month
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text


def universe(
    month: Annotated[
        str, typer.Argument(help="YYYY-MM; its universe is published. All published if not.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show who may be traded in a month, by rank, and why the others may not.

    Example: trading-assets data universe 2024-03
    """
    from trading_assets.bootstrap import desk as open_desk
    from trading_assets.workflows.publish_universe import UNIVERSE_TABLE, publish_universe

    desk = open_desk(load_settings().settings)
    if month:
        months = [Month.from_text(month)]
        publish_universe(desk, months[0])
    else:
        months = list(desk.tables.months(UNIVERSE_TABLE, None))
    if as_json:
        read = {each: desk.tables.read(UNIVERSE_TABLE, None, each) for each in months}
        told = [{"month": each, **row} for each, rows in read.items() for row in rows.to_dicts()]
        typer.echo(json_text(told))
        return
    table = Table("month", "rank", "symbol", "median quote volume", "change %", "why not", box=None)
    for each in months:
        manifest = desk.tables.require(UNIVERSE_TABLE, None, each)
        for row in desk.tables.read_manifest(manifest).iter_rows(named=True):
            volume, change = row["median_quote_volume"], row["roc_pct"]
            table.add_row(
                str(each),
                str(row["rank"] or "-"),
                row["symbol"],
                "-" if volume is None else f"{volume:,.0f}",
                "-" if change is None else f"{change:+.2f}",
                row["reason"] or "",
            )
    Console().print(table)
