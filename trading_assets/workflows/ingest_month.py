"""Fetch the vendor's bytes of one month, as far as they are missing or unfinished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.archive_files import check_container
from trading_assets.market.history import HistorySource, Listing, VendorObject
from trading_assets.market.quality import minute_text
from trading_assets.settings import Settings
from trading_assets.storage.raw_store import RawManifest, RawObject
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.published import Published

RAW_TABLE = "raw_klines"


def ingest_month(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    *,
    history: HistorySource | None = None,
    refresh: bool = False,
) -> Published:
    """Bring the raw objects of one month up to date.

    Objects that are stored, finished and sound are not fetched again, unless the vendor publishes
    another checksum for them. Everything is fetched before anything is written.

    Args:
        desk: where to read from and to store.
        symbol: one of the settings.
        month: from `history_start` on.
        history: an open source to use, when several months are fetched in one go.
        refresh: fetch everything again; what the vendor has restated becomes a new version.

    Raises:
        UnknownSymbol: if the symbol is not in settings, or the source does not have it.
        DataError: if the month is outside history.
        MissingPartition: if the source has nothing of it.
        CorruptFile: if bytes are not what the vendor's checksum or their kind says.
        ConflictError: if another run has stored this month meanwhile.
        VenueError: if the source cannot be reached.
    """
    require_configured(desk.settings, symbol, month)
    with _history_or_own(desk, symbol, history) as source:
        listing = source.listing(symbol, month)
        before = desk.raw.current(source.store, symbol, month)
        kept = {} if refresh or before is None else _kept(desk, before, listing)
        contents = [
            kept.get(wanted.name) or (wanted, _fetch(source, symbol, wanted))
            for wanted in listing.objects
        ]
        manifest, changed = desk.raw.publish(
            source.store,
            symbol,
            month,
            contents,
            start=listing.start,
            end=listing.end,
            before=before,
        )
    fetched = len(contents) - len(kept)
    return _published(desk, manifest, changed=changed, fetched=fetched)


def require_configured(settings: Settings, symbol: Symbol, month: Month) -> None:
    """Refuse what has no place in the graph.

    Raises:
        UnknownSymbol: if the symbol is not in settings.
        DataError: if the month is before `history_start`.
    """
    if symbol not in settings.symbols:
        raise UnknownSymbol(
            f"Symbol {symbol} is not configured",
            expected=f"one of {', '.join(settings.symbols)}",
            found=str(symbol),
            fix="Add it to `symbols` in the settings.",
        )
    if month < settings.first_month:
        raise DataError(
            f"Month {month} is before history starts",
            expected=f"{settings.first_month} or later",
            found=str(month),
            fix="Set `history_start` (TA_HISTORY_START) to an earlier month.",
        )


@contextmanager
def _history_or_own(
    desk: Desk, symbol: Symbol, history: HistorySource | None
) -> Iterator[HistorySource]:
    """Use an open source, or open the symbol's own for this call only."""
    if history is not None:
        yield history
        return
    with desk.history() as sources:
        yield sources.of(symbol)


def _kept(desk: Desk, before: RawManifest, listing: Listing) -> dict[str, RawObject]:
    stored = {item.described.name: item for item in before.objects}
    return {
        wanted.name: stored[wanted.name]
        for wanted in listing.objects
        if wanted.name in stored
        and stored[wanted.name].stands_for(wanted)
        and desk.raw.is_sound(before, stored[wanted.name])
    }


def _fetch(source: HistorySource, symbol: Symbol, wanted: VendorObject) -> bytes:
    data = source.fetch(symbol, wanted)
    check_container(wanted.kind, data, wanted.name)
    return data


def _published(desk: Desk, manifest: RawManifest, *, changed: bool, fetched: int) -> Published:
    return Published(
        table=RAW_TABLE,
        symbol=manifest.symbol,
        month=manifest.month,
        version=manifest.version,
        rows=len(manifest.objects),
        changed=changed,
        metadata={
            "source": manifest.source,
            "objects": len(manifest.objects),
            "fetched": fetched,
            "bytes": manifest.size_bytes,
            "expected_until": minute_text(manifest.end),
            "folder": str(desk.raw.folder(manifest.source, manifest.symbol, manifest.month)),
            "manifest": manifest.n,
        },
    )
