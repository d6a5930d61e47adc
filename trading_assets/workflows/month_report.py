"""What the manifest of a month's bars says of them beside rows and gaps, and how it is read."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.bar import Gap
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.history import Confirmation
from trading_assets.market.outages import unexplained
from trading_assets.market.quality import require_tolerable
from trading_assets.storage.partition_store import Manifest
from trading_assets.storage.raw_store import RawManifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.month_rows import Examined, gap_set, open_gaps


def month_report(found: Examined, raw: RawManifest, source: str, end: Micros) -> dict[str, Any]:
    """Give what was found in a month as plain values, for the manifest of its bars.

    Args:
        found: its bars and their report.
        raw: the objects that they were made of.
        source: whose they are.
        end: until when bars are expected.
    """
    asked_for = unexplained(found.report.gaps)
    return {
        "source": source,
        "store": raw.source,
        "expected_end": end,
        "repaired": found.repaired,
        "confirmed": [
            [answer.start, answer.end, answer.asked_at, list(answer.asked)]
            for answer in raw.confirmed
            if any(answer.covers(gap) for gap in asked_for)
        ],
        **found.report.facts(),
    }


def confirmations(manifest: Manifest) -> tuple[Confirmation, ...]:
    """Read what the vendor has confirmed of a month's gaps."""
    return tuple(
        Confirmation(start, end, asked_at, tuple(asked))
        for start, end, asked_at, asked in manifest.extra["confirmed"]
    )


def counts(manifest: Manifest) -> dict[str, int | str]:
    """Count what the report of a month lists, for a person."""
    found = manifest.extra
    unasked = open_gaps(manifest.gaps, confirmations(manifest))
    return {
        "unexplained_gaps": len(unexplained(manifest.gaps)),
        "unconfirmed_gaps": len(unasked),
        "unconfirmed_set": gap_set(unasked),
        "repaired": found["repaired"],
        "received": found["received"],
        "duplicates": found["duplicates"],
        "off_grid": len(found["off_grid"]),
        "unfinished": found["unfinished"],
        "silent": found["silent"],
        "early_closes": found["early_closes"]["count"],
        "silences": found["silences"]["count"],
        "jumps": found["jumps"]["count"],
    }


def require_usable(
    desk: Desk, symbol: Symbol, month: Month, gaps: tuple[Gap, ...], *, rows: int
) -> None:
    """Refuse a month without bars, or with a gap that is too long to work with.

    Raises:
        DataError: naming what is missing.
    """
    require_tolerable(gaps, desk.settings.quality.max_gap_minutes, symbol, month)
    if not rows:
        raise DataError(
            f"There are no bars of {symbol} in {month}",
            expected="at least one bar",
            found="raw objects without rows that could be one",
            fix="Nothing was published. Choose another month, or correct `timeframe` and `time` of "
            "the source and the calendar of the symbol.",
        )
