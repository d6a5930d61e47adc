"""`trading-assets alerts`: tell people what begins and ends to alert, without Prometheus."""

from __future__ import annotations

from typing import Any

import typer

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text

app = typer.Typer(help="Tell people of alerts, without Prometheus.", no_args_is_help=True)


@app.command()
def serve() -> None:
    """Tell every alert of every book by the channels of the settings, until Ctrl-C or SIGTERM.

    Example: trading-assets alerts serve
    """
    from trading_assets.bootstrap import desk
    from trading_assets.interfaces.cli.signals import stop_on_signals
    from trading_assets.live.ports import MachineTime
    from trading_assets.workflows.alert_channels import alerter, require_channels

    opened = desk(load_settings().settings)
    names = ", ".join(channel.name for channel in require_channels(opened.settings))
    with stop_on_signals() as stop, alerter(opened, MachineTime()) as parts:
        typer.echo(f"telling {names}")
        while not stop.wait(1.0):
            if not all(part.is_alive for part in parts):
                raise TradingAssetsError(
                    "A part of the alerter has ended",
                    expected="every channel and the watch at work",
                    found="a failure, printed above",
                    fix="Mend what it names and start again: nothing is lost meanwhile.",
                )
    typer.echo("stopped")


@app.command("try")
def try_(as_json: AsJson = False) -> None:
    """Send one message by every channel now, to see that it arrives; exit 1 when one fails.

    Example: trading-assets alerts try
    """
    from trading_assets.adapters.alerting.message import AlertMessage
    from trading_assets.adapters.wall_clock import WallClock
    from trading_assets.domain.errors import AlertUndelivered
    from trading_assets.workflows.alert_channels import require_channels

    now = WallClock().now()
    message = AlertMessage(f"try-{now}", "no book", "trial", now, True, "alerts arrive here")
    told: list[dict[str, Any]] = []
    for channel in require_channels(load_settings().settings):
        try:
            channel.send(message)
        except AlertUndelivered as error:
            told.append({"channel": channel.name, "is_taken": False, "error": str(error)})
        else:
            told.append({"channel": channel.name, "is_taken": True, "error": ""})
        if not as_json:
            typer.echo(f"{channel.name}: {told[-1]['error'] or 'taken'}")
    if as_json:
        typer.echo(json_text(told))
    if not all(row["is_taken"] for row in told):
        raise typer.Exit(1)
