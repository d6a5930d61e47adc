"""Instants on the command line: the option `--as-of`, and the span of `--from` and `--to`."""

from __future__ import annotations

from typing import Annotated

import typer

from trading_assets.domain.instants import instant_from_text, time_text

__all__ = ["AsOf", "From", "To", "instant_from_text", "time_text"]

AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", help="See what was published by then: 2026-03-01 or 2026-03-01T12:00 (UTC)."
    ),
]
From = Annotated[str, typer.Option("--from", help="First instant, UTC: 2026-03-01[T12:00].")]
To = Annotated[str, typer.Option("--to", help="First instant after the span, UTC.")]
