"""What commands print that hash files again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from trading_assets.interfaces.cli.tables import json_text

if TYPE_CHECKING:
    from trading_assets.storage.verification import Verification


def print_verified(found: Mapping[str, Verification], *, as_json: bool) -> None:
    """Print files, bytes and faults of each store; the faults go to stderr, too, for people.

    Raises:
        typer.Exit: with 1 if there is a fault.
    """
    if as_json:
        told = {
            name: {
                "files": checked.files,
                "size_bytes": checked.size_bytes,
                "faults": [str(fault) for fault in checked.faults],
            }
            for name, checked in found.items()
        }
        typer.echo(json_text(told))
    for name, checked in found.items():
        if not as_json:
            size = f"{checked.size_bytes / 1e6:.1f} MB"
            typer.echo(f"{name}: {checked.files} files, {size}, {len(checked.faults)} faults")
        for fault in checked.faults:
            typer.echo(str(fault), err=True)
    if any(checked.faults for checked in found.values()):
        raise typer.Exit(1)
