"""The operator's front door: every command that needs no Dagster."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from trading_assets import __version__
from trading_assets.domain.errors import ConfigurationError, DataError, TradingAssetsError
from trading_assets.interfaces.cli import (
    alerts,
    backtest,
    chaos,
    config,
    control,
    costs,
    data,
    decision,
    demo,
    desk_services,
    exchange,
    features,
    forecast,
    journal,
    live,
    metrics,
    models,
    new,
    preflight,
    redis,
    release,
    runs,
    sim,
    sql,
    status,
    strategy,
    sweep,
    telegram,
    trace,
    trials,
    universe,
    what_if,
)
from trading_assets.settings import load_settings
from trading_assets.workflows.process_log import begin_logging, take_uncaught

app = typer.Typer(
    help="A quant's whole desk as one lineage graph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(config.app, name="config")
app.add_typer(exchange.app, name="exchange")
data.app.command()(universe.universe)
app.add_typer(data.app, name="data")
app.add_typer(sql.app)
app.add_typer(features.app, name="features")
app.add_typer(models.app, name="models")
app.add_typer(forecast.app, name="forecast")
app.add_typer(new.app, name="new")
app.add_typer(backtest.app, name="backtest")
app.add_typer(sweep.app)
app.add_typer(trials.app, name="trials")
app.add_typer(runs.app, name="runs")
app.add_typer(decision.app, name="decision")
app.add_typer(what_if.app)
app.add_typer(live.app)
app.add_typer(journal.app, name="journal")
app.add_typer(trace.app)
app.add_typer(release.app, name="release")
app.add_typer(control.app)
app.add_typer(strategy.app, name="strategy")
app.add_typer(telegram.app, name="telegram")
app.add_typer(redis.app, name="redis")
app.add_typer(status.app)
app.add_typer(metrics.app, name="metrics")
app.add_typer(alerts.app, name="alerts")
app.add_typer(costs.app, name="costs")
app.add_typer(preflight.app)
app.add_typer(sim.app, name="sim")
app.add_typer(chaos.app, name="chaos")
app.add_typer(demo.app)
app.add_typer(desk_services.app)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _run() -> None:
    """Run the command; a panic inside polars, which is no Exception, becomes an error of ours."""
    try:
        app()
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        raise DataError(
            "A library gave up on the data that it was given",
            expected="tables that it can work with",
            found=f"a panic: {str(panic)[:200]}",
            fix="`trading-assets data verify` tells whether files are damaged; if none is, this is "
            "a bug to report.",
        ) from panic


def _begin_logging() -> None:
    """Log as settings say; where they cannot be read, a command that needs them says so."""
    try:
        settings = load_settings().settings
    except ConfigurationError:
        return
    begin_logging(settings)


def main() -> None:
    """Run a command; an error of ours is a message, not a traceback.

    What it logs is on stderr, masked; so is the error of a bug that ends it.
    """
    try:
        _begin_logging()
        _run()
    except TradingAssetsError as error:
        console = Console(stderr=True)
        console.print(f"[bold red]{type(error).__name__}[/]: {error.what}", highlight=False)
        for name, text in (
            ("expected", error.expected),
            ("found", error.found),
            ("what to do", error.fix),
        ):
            if text:
                console.print(f"  {name}: {text}", highlight=False, markup=False)
        sys.exit(2)
    except Exception:
        take_uncaught()
        raise
