"""Settings of what processes log; the log of a live book's journal is `live.log_file`."""

from __future__ import annotations

from typing import Literal

from trading_assets.declarations.declaration import Declaration


class Logging(Declaration):
    """How records of any library are written to stderr."""

    format: Literal["auto", "json", "text"]
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
