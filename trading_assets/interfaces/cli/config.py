"""`trading-assets config`: what is set, and where it came from."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from trading_assets.interfaces.cli.desk_settings import load_settings

app = typer.Typer(help="Show the settings.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Show the settings."""


@app.command()
def show(
    origin: Annotated[
        bool, typer.Option("--origin", help="Also show where each value came from.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print every setting; secrets are masked.

    Example: trading-assets config show --origin
    """
    loaded = load_settings()
    values = _flat(loaded.settings.model_dump(), "")
    rows = [(key, value, _origin(key, loaded.origins)) for key, value in sorted(values.items())]
    if as_json:
        typer.echo(json.dumps({k: {"value": v, "origin": o} for k, v, o in rows}, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("setting", "value", *(["origin"] if origin else [])):
        table.add_column(heading, overflow="fold")
    for key, value, source in rows:
        table.add_row(key, value, *([source] if origin else []))
    Console().print(table)


def _flat(values: dict[str, Any], prefix: str) -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, SecretStr):
            flat[prefix + key] = "********"
        elif isinstance(value, tuple):
            flat[prefix + key] = ", ".join(map(str, value))
        else:
            flat[prefix + key] = "-" if value is None else str(value)
    return flat


def _origin(key: str, origins: Any) -> str:
    return str(origins.get(key, "not set"))
