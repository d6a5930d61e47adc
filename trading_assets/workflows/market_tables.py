"""Names and code versions of the market tables, and what publishing one reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trading_assets.domain.bar import Gap, Timeframe, minute_text
from trading_assets.domain.ids import content_hash
from trading_assets.market.outages import UNEXPLAINED
from trading_assets.workflows.listing import is_traded_in
from trading_assets.workflows.published import Published

if TYPE_CHECKING:
    from trading_assets.settings import Settings
    from trading_assets.storage.partition_store import Manifest, PartitionStore

CODE_VERSION = "2"
"""Raise it whenever equal raw bytes would give other rows, or another report of them."""

INSTRUMENTS_CODE_VERSION = "2"
"""Raise it whenever the columns of `instruments` change; an older table is then published anew."""

UNIVERSE_CODE_VERSION = "1"
"""Raise it whenever equal bars would give another universe."""

RESAMPLED = (Timeframe.M5, Timeframe.H1, Timeframe.D1)
"""Sizes that the graph builds from minutes."""

EXPLAINED = "explained_set"
"""Metadata of a partition with explained gaps: one hash of them and their causes."""

_GAPS_SHOWN = 20


def bars_table(timeframe: Timeframe) -> str:
    """Give the table of a bar size, such as `bars_5m`."""
    return f"bars_{timeframe.value}"


def is_of_own_source(settings: Settings, manifest: Manifest) -> bool:
    """Tell whether a partition stands on the source that settings give its symbol now.

    A month outside the declared listing is none of the symbol's, whatever was published before it
    was declared: another instrument had the name.
    """
    if manifest.symbol is None:
        return True
    if manifest.month is not None and not is_traded_in(settings, manifest.symbol, manifest.month):
        return False
    own = settings.source_of(manifest.symbol)
    return bool(manifest.extra.get("source", own) == own)


def published_from_manifest(
    tables: PartitionStore, manifest: Manifest, *, changed: bool, **metadata: Any
) -> Published:
    """Report a partition as it stands now, with what a person wants to see first."""
    ends = {"first": manifest.min_ts, "last": manifest.max_ts}
    return Published(
        table=manifest.table,
        symbol=manifest.symbol,
        month=manifest.month,
        version=manifest.version,
        rows=manifest.rows,
        changed=changed,
        parents=manifest.parents,
        metadata={
            "rows": manifest.rows,
            **{name: minute_text(ts) for name, ts in ends.items() if ts is not None},
            **(_gap_facts(manifest) if manifest.symbol is not None else {}),
            "row_hash": manifest.version,
            "file": str(tables.path(manifest)),
            "file_sha256": manifest.file_sha256,
            "manifest": manifest.n,
            **metadata,
        },
    )


def _gap_facts(manifest: Manifest) -> dict[str, Any]:
    """Sum up what is missing of a symbol's rows; tables of all symbols have no minutes to miss."""
    return {
        "gaps": len(manifest.gaps),
        "missing_minutes": sum(gap.minutes for gap in manifest.gaps),
        "longest_gap_minutes": max((gap.minutes for gap in manifest.gaps), default=0),
        **gap_rows(manifest.gaps),
        **_explained(manifest),
    }


def _explained(manifest: Manifest) -> dict[str, Any]:
    """Give one hash of what explains the gaps, if anything does: it can change without the rows."""
    causes = [[g.start, g.end, g.cause] for g in manifest.gaps if g.cause != UNEXPLAINED]
    return {EXPLAINED: content_hash(causes)[:16]} if causes else {}


def gap_rows(gaps: tuple[Gap, ...]) -> dict[str, Any]:
    """List the first gaps by their missing minutes, if there is any."""
    rows = [
        {
            "first missing": minute_text(gap.start),
            "last missing": minute_text(gap.end),
            "minutes": gap.minutes,
            "cause": gap.cause,
        }
        for gap in gaps[:_GAPS_SHOWN]
    ]
    return {"first_gaps": rows} if rows else {}
