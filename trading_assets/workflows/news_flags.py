"""News flags that a user declares: stretches of time of a symbol, from a versioned file."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.domain.ids import Symbol, sha256_hex, symbol_from_text
from trading_assets.settings import Settings

_COLUMNS = ("symbol", "from", "to", "flag")


@dataclass(frozen=True, slots=True)
class NewsFlags:
    """All flags of a file.

    Attributes:
        version: SHA-256 of the file; "" when there is none.
        by_symbol: rows `from`, `to` (half open, UTC), `flag`, in the order of the file.
    """

    version: str
    by_symbol: Mapping[Symbol, tuple[Mapping[str, Any], ...]]

    def of(self, symbol: Symbol) -> tuple[Mapping[str, Any], ...]:
        """Give the flags of a symbol."""
        return self.by_symbol.get(symbol, ())


def news_flags(settings: Settings) -> NewsFlags:
    """Read `universe.news`; without a file there are no flags.

    A flag must have been known when it begins: the file is taken at its word.

    Raises:
        ConfigurationError: if the file cannot be read, naming the row.
    """
    path = settings.universe.news
    if path is None:
        return NewsFlags("", {})
    try:
        data = path.read_bytes()
        is_parquet = path.suffix == ".parquet"
        frame = (
            pl.read_parquet(io.BytesIO(data))
            if is_parquet
            else pl.read_csv(io.BytesIO(data), infer_schema=False)
        )
    except (OSError, pl.exceptions.PolarsError) as error:
        raise _unreadable(path, str(error)) from None
    if not set(_COLUMNS) <= set(frame.columns):
        raise _unreadable(path, f"columns {', '.join(frame.columns)}")
    found: dict[Symbol, list[Mapping[str, Any]]] = {}
    for number, row in enumerate(frame.select(_COLUMNS).iter_rows(named=True), start=1):
        try:
            symbol, flag = _flag(row)
        except (TradingAssetsError, ValueError, TypeError) as error:
            raise _unreadable(path, f"row {number}: {error}") from None
        found.setdefault(symbol, []).append(flag)
    return NewsFlags(sha256_hex(data), {symbol: tuple(rows) for symbol, rows in found.items()})


def _flag(row: Mapping[str, Any]) -> tuple[Symbol, Mapping[str, Any]]:
    begin, end = _instant(row["from"]), _instant(row["to"])
    if begin >= end:
        raise ValueError("`to` is not after `from`")
    if not row["flag"]:
        raise ValueError("the flag has no name")
    return symbol_from_text(row["symbol"]), {"from": begin, "to": end, "flag": str(row["flag"])}


def _instant(value: Any) -> datetime:
    """Read ISO text, a date or a time; without a zone it is UTC."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
    elif isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        raise TypeError(f"not a time: {value!r}")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _unreadable(path: Any, found: str) -> ConfigurationError:
    return ConfigurationError(
        "Setting universe.news names no table of flags",
        expected=f"CSV or Parquet with columns {', '.join(_COLUMNS)}; times in ISO form, UTC",
        found=f"{path}: {found}"[:300],
    )
