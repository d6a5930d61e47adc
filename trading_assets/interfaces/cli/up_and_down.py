"""`trading-assets up` and `down`: the desk's servers as child processes, on loopback."""

from __future__ import annotations

import webbrowser
from typing import Annotated

import typer
from rich.console import Console

from trading_assets.interfaces.cli.control_server import login_link
from trading_assets.interfaces.cli.desk_settings import load_settings
from trading_assets.interfaces.cli.tables import AsJson, json_text, open_desk, say
from trading_assets.interfaces.compare_link import compare_link
from trading_assets.interfaces.desk_services import desk_services
from trading_assets.interfaces.running_services import PATIENCE_S, start, stop

app = typer.Typer(help="Start and stop the desk's servers.")


@app.command()
def up(
    browser: Annotated[bool, typer.Option(help="Open the desk's pages in a browser.")] = True,
    as_json: AsJson = False,
) -> None:
    """Serve the desk's pages, the Dagster UI, MLflow and the embedded exchange on loopback.

    The first address logs in once, within ten minutes; on a terminal a browser is opened there.

    Example: trading-assets up --no-browser
    """
    opened = open_desk()
    settings = opened.settings
    console = Console(stderr=as_json)
    started = start(desk_services(settings), settings.data_root / "run", settings.home, console)
    compared, page = compare_link(settings.mlflow.url), login_link(opened, "admin", "desk")
    if as_json:
        services = [{"name": each.name, "address": each.address} for each in started]
        typer.echo(json_text({"services": services, "compare": compared, "log_in": page}))
        return
    for service in started:
        if service.address and service.name != "desk":
            console.print(f"  {service.name:<10} {service.address}", highlight=False)
    console.print(f"  {'compare':<10} {compared}", highlight=False, soft_wrap=True)
    console.print(f"  {'desk':<10} {page}", highlight=False, soft_wrap=True)
    console.print("Stop them with `make down`; their logs are in", settings.data_root / "run")
    if browser and console.is_terminal:
        webbrowser.open(page)


@app.command()
def down(as_json: AsJson = False) -> None:
    """Stop what `up` started; a live run among it ends cleanly first.

    Example: trading-assets down
    """
    settings = load_settings().settings
    stopped = stop(settings.data_root / "run", patience_s=settings.live.stop_s + PATIENCE_S)
    sentence = f"stopped: {', '.join(stopped)}" if stopped else "nothing was running"
    say({"stopped": stopped}, sentence, as_json=as_json)
