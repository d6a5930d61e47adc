"""Instants as people type them, and as they are printed: UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros

AsOf = Annotated[
    str,
    typer.Option(
        "--as-of", help="See what was published by then: 2026-03-01 or 2026-03-01T12:00 (UTC)."
    ),
]


def instant_from_text(text: str) -> Micros:
    """Read an instant; without an offset it is UTC.

    Raises:
        DataError: if it is not one.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            "Not an instant", expected="2026-03-01 or 2026-03-01T12:00 (UTC)", found=repr(text)[:60]
        ) from None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    span = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds


def time_text(ts: Micros) -> str:
    """Write an instant to the second, in UTC."""
    return datetime.fromtimestamp(ts // 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
