"""Fetch the vendor's bytes of one month, as far as they are missing or unfinished."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from trading_assets.domain.bar import MINUTE, Gap, minute_text
from trading_assets.domain.errors import DataError, UnknownSymbol
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.decoding import check_container
from trading_assets.market.history import HasOtherObjects, HistorySource, Listing, VendorObject
from trading_assets.settings import Settings
from trading_assets.storage.raw_store import RawManifest, RawObject
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.published import Published

RAW_TABLE = "raw_klines"

Content = RawObject | tuple[VendorObject, bytes]
"""An object that is stored, or one that is to be."""

Told = Callable[[int, int], None]
"""Is told how many objects of a month are there, of how many."""


def ingest_month(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    *,
    history: HistorySource | None = None,
    refresh: bool = False,
    told: Told | None = None,
) -> Published:
    """Bring the raw objects of one month up to date.

    Objects that are stored, finished and sound are not fetched again, unless the vendor publishes
    another checksum for them; neither are those that an interrupted run has left. The month's
    manifest is written last, when everything is there.

    Args:
        desk: where to read from and to store.
        symbol: one of the settings.
        month: from `history_start` on.
        history: an open source to use, when several months are fetched in one go.
        refresh: fetch everything again; what the vendor has restated becomes a new version.
        told: is called at the start and after each object, for a progress bar.

    Raises:
        UnknownSymbol: if the symbol is not in settings, or the source does not have it.
        DataError: if the month is outside history.
        NotTraded: if the symbol was not traded in it, as declared or as the source says.
        MissingPartition: if the source has nothing of it.
        CorruptFile: if bytes are not what the vendor's checksum or their kind says.
        ConflictError: if another run has stored this month meanwhile.
        VenueError: if the source cannot be reached.
    """
    require_configured(desk.settings, symbol, month)
    require_traded(desk.settings, symbol, month)
    with history_or_own(desk, symbol, history) as source:
        listing = source.listing(symbol, month)
        before = desk.raw.current(source.store, symbol, month)
        kept = {} if refresh else _kept(desk, source.store, symbol, month, before, listing)
        contents = _fetched(desk, source, symbol, month, listing, kept, told)
        contents += repairs_of(desk, source, symbol, month, listing, before, refresh=refresh)
        manifest, changed = desk.raw.publish(
            source.store,
            symbol,
            month,
            contents,
            start=listing.start,
            end=listing.end,
            confirmed=before.confirmed if before else (),
            before=before,
        )
    fetched = len(listing.objects) - len(kept)
    return published_raw(desk, manifest, changed=changed, fetched=fetched)


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
def history_or_own(
    desk: Desk, symbol: Symbol, history: HistorySource | None
) -> Iterator[HistorySource]:
    """Use an open source, or open the symbol's own for this call only."""
    if history is not None:
        yield history
        return
    with desk.history() as sources:
        yield sources.of(symbol)


def _kept(
    desk: Desk,
    store: str,
    symbol: Symbol,
    month: Month,
    before: RawManifest | None,
    listing: Listing,
) -> dict[str, RawObject]:
    """Give what need not be fetched: left by an interrupted run, or of the current manifest."""
    wanted = {item.name: item for item in listing.objects}

    def stands(item: RawObject) -> bool:
        described = wanted.get(item.described.name)
        return described is not None and item.stands_for(described)

    kept = [item for item in desk.raw.kept(store, symbol, month) if stands(item)]
    if before is not None:
        kept += [i for i in before.objects if stands(i) and desk.raw.is_sound(before, i)]
    return {item.described.name: item for item in kept}


def _fetched(
    desk: Desk,
    source: HistorySource,
    symbol: Symbol,
    month: Month,
    listing: Listing,
    kept: dict[str, RawObject],
    told: Told | None,
) -> list[Content]:
    """Fetch what is missing, storing each object as it comes, and give all in order.

    The last one is stored with the month's manifest, which says more than a note of it would.
    """
    contents: list[Content] = []
    missing = [wanted.name for wanted in listing.objects if wanted.name not in kept]
    for done, wanted in enumerate(listing.objects):
        if told is not None:
            told(done, len(listing.objects))
        item: Content | None = kept.get(wanted.name)
        if item is None and wanted.name == missing[-1]:
            item = (wanted, _fetch(source, symbol, wanted))
        contents.append(item or fetch_object(desk, source, symbol, month, wanted))
    if told is not None:
        told(len(contents), len(contents))
    return contents


def repairs_of(
    desk: Desk,
    source: HistorySource,
    symbol: Symbol,
    month: Month,
    listing: Listing,
    before: RawManifest | None,
    *,
    refresh: bool,
) -> list[RawObject]:
    """Give the objects that an earlier repair has brought; those that are damaged come anew."""
    listed = {item.name for item in listing.objects}
    repairs = [] if before is None else [i for i in before.objects if i.described.role == "repair"]
    repairs = [item for item in repairs if item.described.name not in listed]
    if before is None or not repairs or not isinstance(source, HasOtherObjects):
        return []
    if not refresh and all(desk.raw.is_sound(before, item) for item in repairs):
        return repairs
    spans = [Gap(i.described.start, i.described.end - MINUTE, 0) for i in repairs]
    wanted = source.other_objects(symbol, month, listing, spans)
    return [fetch_object(desk, source, symbol, month, item) for item in wanted]


def fetch_object(
    desk: Desk, source: HistorySource, symbol: Symbol, month: Month, wanted: VendorObject
) -> RawObject:
    """Fetch one object and store it; it belongs to nothing before a manifest lists it."""
    return desk.raw.keep(source.store, symbol, month, wanted, _fetch(source, symbol, wanted))


def _fetch(source: HistorySource, symbol: Symbol, wanted: VendorObject) -> bytes:
    data = source.fetch(symbol, wanted)
    check_container(wanted.kind, data, wanted.name, proven=bool(wanted.vendor_sha256))
    return data


def published_raw(desk: Desk, manifest: RawManifest, *, changed: bool, fetched: int) -> Published:
    """Report the raw objects of a month as they stand now."""
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
            "repairs": sum(item.described.role == "repair" for item in manifest.objects),
            "confirmed_gaps": len(manifest.confirmed),
            "bytes": manifest.size_bytes,
            "expected_until": minute_text(manifest.end),
            "folder": str(desk.raw.folder(manifest.source, manifest.symbol, manifest.month)),
            "manifest": manifest.n,
        },
    )
