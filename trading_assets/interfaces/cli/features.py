"""`trading-assets features`: what models see of the market, and proof that it is the past."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from trading_assets.domain.ids import Month, symbol_from_text
from trading_assets.interfaces.cli.completions import SymbolName
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text, working

app = typer.Typer(help="List, build and prove features.", no_args_is_help=True)

_Set = Annotated[str, typer.Option("--set", help="Feature set; the models' own when left out.")]


@app.command()
def catalogue(
    name: Annotated[str, typer.Option("--set", help="Only this feature set.")] = "",
    as_json: AsJson = False,
) -> None:
    """List every feature: formula, bars it is made of, warm-up, source, set and version.

    Example: trading-assets features catalogue --json
    """
    from trading_assets.workflows.feature_catalogue import catalogue_rows
    from trading_assets.workflows.feature_sets import find_set, list_sets

    settings = load_settings().settings
    sets = [find_set(settings, name)] if name else [*list_sets(settings).values()]
    if as_json:
        told = [
            {
                "set": one.name,
                "version": one.version,
                "code_version": one.code_version,
                "warm_up": str(one.warm_up),
                "table": one.table,
                "features": catalogue_rows(one),
            }
            for one in sets
        ]
        typer.echo(json.dumps(told, indent=2))
        return
    for one in sets:
        table = Table("feature", "formula", "bars", "warm-up", "source", box=None, pad_edge=False)
        for row in catalogue_rows(one):
            table.add_row(
                *(str(row[key]) for key in ("name", "formula", "bars", "warm_up")),
                str(row["source"]),
            )
        Console().print(table)
        typer.echo(
            f"Set {one.name}, version {one.version}: {len(one.columns)} features, warm-up "
            f"{one.warm_up}, code version {one.code_version[:16]}, table {one.table}\n"
        )


@app.command()
def build(symbol: SymbolName, month: str, name: _Set = "", as_json: AsJson = False) -> None:
    """Compute one month of a symbol, prove that it knows no future, and publish it.

    Example: trading-assets features build BTCUSDT 2024-03
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.build_features import build_features
    from trading_assets.workflows.feature_sets import find_set

    desk = bootstrap.desk(load_settings().settings)
    features = find_set(desk.settings, name or desk.settings.model.feature_set)
    with working(f"computing features of {symbol} {month}"):
        made = build_features(desk, symbol_from_text(symbol), Month.from_text(month), features)
    if as_json:
        said = ("table", "symbol", "month", "rows", "version", "changed")
        typer.echo(json_text({n: getattr(made, n) for n in said} | dict(made.metadata)))
        return
    typer.echo(
        f"{made.table} {made.symbol} {made.month}: {made.rows} rows, "
        f"{made.metadata['incomplete_rows']} of them not warm, "
        f"{'new' if made.changed else 'unchanged'}, version {made.version[:16]}"
    )
    typer.echo(f"look-ahead: none at {made.metadata['look_ahead_cuts']} cuts")
    typer.echo(f"warm-up: {made.metadata['warm_up']}")


@app.command()
def drift(symbol: SymbolName, month: str, name: _Set = "", as_json: AsJson = False) -> None:
    """Compare a month with those before it; ends with 1 when a feature that matters has moved.

    Example: trading-assets features drift BTCUSDT 2024-03
    """
    from trading_assets import bootstrap
    from trading_assets.features.drift import MOVED
    from trading_assets.workflows.feature_drift import feature_drift
    from trading_assets.workflows.feature_sets import find_set

    desk = bootstrap.desk(load_settings().settings)
    features = find_set(desk.settings, name or desk.settings.model.feature_set)
    with working("comparing months"):
        found = feature_drift(desk, symbol_from_text(symbol), Month.from_text(month), features)
    moved = found.beyond(MOVED)
    if as_json:
        typer.echo(json_text({**asdict(found), "limit": MOVED, "moved": moved}))
        raise typer.Exit(1 if moved else 0)
    if not found.psi:
        lacks = "no rows yet" if found.reference else "no earlier month to compare with"
        typer.echo(f"{symbol} {month}: {lacks}")
        return
    table = Table("feature", "PSI", "matters", box=None, pad_edge=False)
    for column, index in found.psi.items():
        table.add_row(column, f"{index:.4f}", "yes" if column in found.top else "")
    Console().print(table)
    typer.echo(f"Against {len(found.reference)} months: {len(moved)} that matter beyond {MOVED}")
    if moved:
        raise typer.Exit(1)


@app.command("look-ahead")
def look_ahead(
    symbol: SymbolName,
    month: str,
    name: _Set = "",
    cuts: Annotated[int, typer.Option(min=12, help="Random places to cut.")] = 48,
    seed: Annotated[int, typer.Option(min=0, help="Decides the places.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Search the features of one month for look-ahead; ends with 1 when there is any.

    Example: trading-assets features look-ahead BTCUSDT 2024-03 --cuts 200
    """
    from trading_assets import bootstrap
    from trading_assets.workflows import build_features
    from trading_assets.workflows.feature_sets import find_set

    desk = bootstrap.desk(load_settings().settings)
    features = find_set(desk.settings, name or desk.settings.model.feature_set)
    with working(f"cutting {symbol} {month} at {cuts} places"):
        leaks = build_features.look_ahead(
            desk, symbol_from_text(symbol), Month.from_text(month), features, cuts=cuts, seed=seed
        )
    for leak in leaks:
        typer.echo(str(leak), err=True)
    if as_json:
        told = {"symbol": symbol, "month": month, "cuts": cuts, "seed": seed}
        typer.echo(json_text({**told, "leaks": [asdict(leak) for leak in leaks]}))
    elif not leaks:
        typer.echo(f"{symbol} {month}: no look-ahead at {cuts} cuts, seed {seed}")
    if leaks:
        raise typer.Exit(1)
