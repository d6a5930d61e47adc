"""The operator's front door: every command that needs no Dagster."""

from __future__ import annotations

import json
import os
import sys
from typing import Annotated

import typer

from trading_assets import __version__
from trading_assets.domain.errors import ConfigurationError, DataError, TradingAssetsError
from trading_assets.interfaces.cli.lazy import LazyGroup

app = typer.Typer(
    cls=LazyGroup,
    help="A quant's whole desk as one lineage graph.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _group() -> None:
    """Keep `version` a command of its own: all others are loaded when they are asked for."""


@app.command()
def version(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the version.

    Example: trading-assets version
    """
    typer.echo(json.dumps({"version": __version__}) if as_json else __version__)


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
    from trading_assets.settings import load_settings
    from trading_assets.workflows.process_log import begin_logging

    try:
        settings = load_settings().settings
    except ConfigurationError:
        return
    begin_logging(settings)


def _only_tells(words: list[str]) -> bool:
    """Whether nothing runs that could log: help, the version, or what a shell can complete."""
    return (
        words[:1] in ([], ["version"])
        or "--help" in words
        or "_TRADING_ASSETS_COMPLETE" in os.environ
    )


def main() -> None:
    """Run a command; an error of ours is a message, not a traceback.

    What it logs is on stderr, masked; so is the error of a bug that ends it.
    """
    try:
        if not _only_tells(sys.argv[1:]):
            _begin_logging()
        _run()
    except TradingAssetsError as error:
        _print(error)
        sys.exit(2)
    except Exception:
        from trading_assets.workflows.process_log import take_uncaught

        take_uncaught()
        raise


def _print(error: TradingAssetsError) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    console.print(f"[bold red]{type(error).__name__}[/]: {error.what}", highlight=False)
    for name, text in (
        ("expected", error.expected),
        ("found", error.found),
        ("what to do", error.fix),
    ):
        if text:
            console.print(f"  {name}: {text}", highlight=False, markup=False)
