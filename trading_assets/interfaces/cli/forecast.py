"""`trading-assets forecast`: what the current models expect of the newest bar; research only."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from trading_assets.domain.instants import instant_from_text
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import working

app = typer.Typer(
    help="What is expected now: research, which no live book reads.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """Keep `now` a command of its own, although it is the only one."""


@app.command()
def now(
    at: Annotated[str, typer.Option(help="As if it were this instant, such as 2024-03-15.")] = "",
) -> None:
    """Forecast the newest finished bar of every symbol, and judge the risk factor at it.

    Prints a JSON document per line: forecasts, then risk factors. Fetches what is new, and
    publishes no bars of it: only forecasts_now, risk_updates, and the month's regime_parameters
    where they do not stand yet. Repeating it adds nothing.

    Example: trading-assets forecast now --at 2024-03-15T12:00
    """
    from trading_assets import bootstrap
    from trading_assets.workflows.forecast_now import forecast_now

    desk = bootstrap.desk(load_settings().settings)
    with working("forecasting the newest bars"):
        told = forecast_now(desk, at=instant_from_text(at) if at else None)
    for document in (*told.forecasts, *told.risk):
        typer.echo(json.dumps(document))
    for symbol, reason in told.skipped.items():
        typer.echo(f"{symbol}: no forecast, {reason}", err=True)
