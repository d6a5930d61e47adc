"""`trading-assets metrics`: what Prometheus reads of the live books."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from trading_assets.interfaces.cli.desk_settings import load_settings

app = typer.Typer(help="What Prometheus reads of the live books.", no_args_is_help=True)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(min=0, help="Port; 0 takes a free one.")] = None,
) -> None:
    """Serve /metrics on loopback until Ctrl-C; see docs/monitoring.md.

    Example: trading-assets metrics serve --port 9470
    """
    from trading_assets.bootstrap import desk
    from trading_assets.interfaces.metrics_server import PATH, metrics_server
    from trading_assets.workflows.live_metrics import DeskMetrics

    settings = load_settings().settings
    metrics = DeskMetrics(desk(settings))
    own = settings.metrics
    with metrics_server(metrics, own.host, own.port if port is None else port) as server:
        metrics.figures()  # the first reading is of whole journals: no scrape shall wait for it
        host = f"[{own.host}]" if ":" in own.host else own.host
        # Whoever starts this in the background may have SIGINT ignored; a supervisor sends SIGTERM.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler)
        typer.echo(f"http://{host}:{server.server_address[1]}{PATH}")
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            typer.echo("stopped")


@app.command()
def show() -> None:
    """Print once what `serve` would answer.

    Example: trading-assets metrics show
    """
    from trading_assets.interfaces.cli.tables import open_desk
    from trading_assets.interfaces.metrics_exporter import metrics_text
    from trading_assets.workflows.live_metrics import DeskMetrics

    typer.echo(metrics_text(DeskMetrics(open_desk())).decode(), nl=False)
