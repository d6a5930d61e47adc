"""`trading-assets new`: files to begin with."""

from __future__ import annotations

from typing import Annotated

import typer

from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text

app = typer.Typer(help="Write files to begin with.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `strategy` a word of its own while it is the only one."""


@app.command()
def strategy(
    name: Annotated[str, typer.Argument(help="Of module, strategy and spec: a-z, 0-9 and _.")],
    form: Annotated[
        str, typer.Option(help="on_bar: asked at every close. target: a column over all bars.")
    ] = "on_bar",
    as_json: AsJson = False,
) -> None:
    """Write a small strategy that works, its spec and its test into your folder (strategies_dir).

    Example: trading-assets new strategy breakout
    """
    from trading_assets.workflows.new_strategy import new_strategy

    paths = list(new_strategy(load_settings().settings, name, form))
    if as_json:
        typer.echo(json_text({"files": paths}))
        return
    for path in paths:
        typer.echo(path)
    typer.echo(f"Next: pytest {path}, then trading-assets backtest run {name}")
