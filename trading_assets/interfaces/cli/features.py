"""`trading-assets features`: what models see of the market, and proof that it is the past."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trading_assets.domain.ids import Month, symbol_from_text
from trading_assets.settings import load_settings

app = typer.Typer(help="List, build and prove features.", no_args_is_help=True)


@app.command()
def catalogue(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List every feature: formula, bars it is made of, warm-up."""
    from trading_assets.features.feature_set import CORE

    rows = [
        {
            "name": feature.name,
            "formula": feature.formula,
            "source": feature.source.value,
            "warm_up_bars": feature.warm_up_bars,
            "warm_up": str(feature.warm_up),
        }
        for feature in CORE.features
    ]
    if as_json:
        facts = {"set": CORE.name, "code_version": CORE.code_version, "warm_up": str(CORE.warm_up)}
        typer.echo(json.dumps({**facts, "features": rows}, indent=2))
        return
    table = Table("feature", "formula", "bars", "warm-up", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            str(row["name"]), str(row["formula"]), str(row["source"]), str(row["warm_up"])
        )
    Console().print(table)
    typer.echo(
        f"Set {CORE.name}: {len(rows)} features, warm-up {CORE.warm_up}, "
        f"code version {CORE.code_version[:16]}"
    )


@app.command()
def build(symbol: str, month: str) -> None:
    """Compute one month of a symbol, prove that it knows no future, and publish it."""
    from trading_assets import bootstrap
    from trading_assets.workflows.build_features import build_features

    desk = bootstrap.desk(load_settings().settings)
    made = build_features(desk, symbol_from_text(symbol), Month.from_text(month))
    typer.echo(
        f"{made.table} {made.symbol} {made.month}: {made.rows} rows, "
        f"{made.metadata['incomplete_rows']} of them not warm, "
        f"{'new' if made.changed else 'unchanged'}, version {made.version[:16]}"
    )
    typer.echo(f"look-ahead: none at {made.metadata['look_ahead_cuts']} cuts")
    typer.echo(f"warm-up: {made.metadata['warm_up']}")


@app.command("look-ahead")
def look_ahead(
    symbol: str,
    month: str,
    cuts: Annotated[int, typer.Option(min=12, help="Random places to cut.")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="Decides the places.")] = 0,
) -> None:
    """Search the features of one month for look-ahead; ends with 1 when there is any."""
    from trading_assets import bootstrap
    from trading_assets.workflows import build_features

    desk = bootstrap.desk(load_settings().settings)
    leaks = build_features.look_ahead(
        desk, symbol_from_text(symbol), Month.from_text(month), cuts=cuts, seed=seed
    )
    for leak in leaks:
        typer.echo(str(leak), err=True)
    if leaks:
        raise typer.Exit(1)
    typer.echo(f"{symbol} {month}: no look-ahead at {cuts} cuts, seed {seed}")
