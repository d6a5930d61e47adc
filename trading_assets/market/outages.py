"""Known outages of venues: which missing minutes are explained, for which symbol, by what."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import astuple, dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from trading_assets.domain.bar import MINUTE, Gap
from trading_assets.domain.errors import ConfigurationError, DataError, TradingAssetsError
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash, symbol_from_text

UNEXPLAINED = "unexplained"

_COLUMNS = ("venue", "symbol", "first_missing", "last_missing", "cause", "evidence")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SHIPPED = Path(__file__).with_name("known_outages")


@dataclass(frozen=True, slots=True, order=True)
class Outage:
    """A stretch in which a venue is known to have had no bars of one symbol.

    Attributes:
        venue: market it was at, such as `binance_spot`, or the name of a source of the settings.
        symbol: the only one that it explains anything of; others are never assumed to share it.
        start: open time of the first missing minute.
        end: open time of the last one.
        cause: what a gap inside is called, such as `venue_outage`.
        evidence: why this is believed.
    """

    venue: str
    symbol: Symbol
    start: Micros
    end: Micros
    cause: str
    evidence: str


@cache  # files of the package, which are read-only, and every month asks
def shipped_outages() -> tuple[Outage, ...]:
    """Read the tables that come with the package."""
    return tuple(
        outage
        for path in sorted(_SHIPPED.glob("*.csv"))
        for outage in outages_from_csv(path.read_text(encoding="utf-8"), path.name)
    )


def outages_from_csv(text: str, name: str) -> tuple[Outage, ...]:
    """Read a table of outages.

    Args:
        text: CSV with a header: venue, symbol, first_missing, last_missing (`2018-02-08 00:29`,
            UTC, both inclusive), cause, evidence.
        name: of the file, for messages.

    Raises:
        ConfigurationError: naming the line that cannot be read.
    """
    lines = csv.reader(io.StringIO(text))
    header = next(lines, [])
    if tuple(header) != _COLUMNS:
        raise _unreadable(name, 1, f"columns {', '.join(header)}", ", ".join(_COLUMNS))
    return tuple(_outage(fields, name, number) for number, fields in enumerate(lines, 2) if fields)


def outages_of(
    known: Iterable[Outage], venues: Collection[str], symbol: Symbol, month: Month
) -> tuple[Outage, ...]:
    """Choose the outages of one symbol at one of these venues that touch a month; sorted."""
    return tuple(
        sorted(
            outage
            for outage in known
            if outage.venue in venues
            and outage.symbol == symbol
            and outage.start < month.end
            and outage.end >= month.start
        )
    )


def outages_version(outages: Iterable[Outage]) -> str:
    """Give one hash for a list of outages."""
    return content_hash([list(astuple(outage)) for outage in outages])


def explained(found: Iterable[Gap], outages: Iterable[Outage]) -> tuple[Gap, ...]:
    """Name the cause of each gap that lies inside one known outage.

    A gap that is longer than the outage stays unexplained as a whole: part of it has another
    reason, and nobody knows which.
    """
    known = tuple(outages)
    return tuple(_explained(gap, known) for gap in found)


def unexplained(found: Iterable[Gap]) -> tuple[Gap, ...]:
    """Choose the gaps that nothing explains."""
    return tuple(gap for gap in found if gap.cause == UNEXPLAINED)


def _explained(gap: Gap, outages: tuple[Outage, ...]) -> Gap:
    for outage in outages:
        if outage.start <= gap.start and gap.end <= outage.end:
            return replace(gap, cause=outage.cause)
    return gap


def _outage(fields: list[str], name: str, line: int) -> Outage:
    if len(fields) != len(_COLUMNS):
        raise _unreadable(name, line, f"{len(fields)} fields", f"{len(_COLUMNS)} fields")
    venue, symbol, first, last, cause, evidence = fields
    for text in (venue, cause):
        if not _NAME.fullmatch(text) or text == UNEXPLAINED:
            raise _unreadable(name, line, repr(text), "a name of a-z, 0-9 and _ for a known reason")
    try:
        start, end = _minute(first), _minute(last)
        known = symbol_from_text(symbol)
    except (ValueError, TradingAssetsError) as error:
        raise _unreadable(name, line, str(error), "a symbol and minutes in UTC") from None
    if end < start:
        raise _unreadable(name, line, f"{first} to {last}", "a first minute before the last one")
    return Outage(venue, known, start, end, cause, evidence)


def _minute(text: str) -> Micros:
    parsed = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    ts = int(parsed.timestamp()) * 1_000_000
    if ts % MINUTE:
        raise DataError("Not a whole minute", found=text)
    return ts


def _unreadable(name: str, line: int, found: str, expected: str) -> ConfigurationError:
    return ConfigurationError(
        f"Table of outages {name}, line {line}, cannot be read",
        expected=expected,
        found=found[:160],
        fix=f"The columns are {', '.join(_COLUMNS)}; minutes are written 2018-02-08 00:29, UTC.",
    )
