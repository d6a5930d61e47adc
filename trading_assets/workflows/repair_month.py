"""Ask the vendor again for minutes that are missing, keep what is new, write down what is not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from trading_assets.domain.bar import MINUTE, Gap, Timeframe
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.bar_frame import between, on_grid
from trading_assets.market.decoding import decode_object
from trading_assets.market.gaps import gaps
from trading_assets.market.history import (
    Confirmation,
    HasOtherObjects,
    HistorySource,
    Listing,
    VendorObject,
)
from trading_assets.market.native_grid import NativeGrid, native_grid
from trading_assets.market.outages import unexplained
from trading_assets.storage.raw_store import RawManifest, RawObject
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.ingest_month import (
    fetch_object,
    history_or_own,
    ingest_month,
    published_raw,
    require_configured,
)
from trading_assets.workflows.listing import require_traded
from trading_assets.workflows.month_rows import examine_month, open_gaps
from trading_assets.workflows.published import Published


def repair_month(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    *,
    history: HistorySource | None = None,
    again: bool = False,
) -> Published:
    """Ask the vendor again for what an unexplained gap lacks, and publish the raw objects anew.

    Asked is for the listed objects that a gap lies in, unless the vendor's checksum says that they
    are what they were; and, where the vendor has them, for other objects that span the gap. An
    object that has a missing minute becomes one of the month's. A minute that none has is written
    down as confirmed, with the time and what was looked into; it is not asked for again.

    Args:
        desk: where to read from and to store.
        symbol: one of the settings.
        month: that was ingested.
        history: an open source to use, when several months are repaired in one go.
        again: ask for confirmed gaps, too.

    Returns:
        The raw objects as they stand now; `bars_1m` and larger bars follow from them.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if the month was never ingested.
        CorruptFile, DataError: if its objects cannot be made into bars.
        ConflictError: if another run has stored this month meanwhile.
        VenueError: if the source cannot be reached.
    """
    require_configured(desk.settings, symbol, month)
    require_traded(desk.settings, symbol, month)
    with history_or_own(desk, symbol, history) as source:
        raw = desk.raw.require(source.store, symbol, month)
        missing = unexplained(examine_month(desk, raw, source.name).report.gaps)
        if not again:
            missing = open_gaps(missing, raw.confirmed)
        if not missing:
            return published_raw(desk, raw, changed=False, fetched=0)
        listing = source.listing(symbol, month)
        asked = _ask(desk, source, raw, listing, missing)
        manifest, changed = desk.raw.publish(
            source.store,
            symbol,
            month,
            asked.objects,
            start=listing.start,
            end=listing.end,
            confirmed=_answers(desk, raw, missing, asked),
            before=raw,
        )
    return published_raw(desk, manifest, changed=changed, fetched=asked.fetched)


def fetch_month(
    desk: Desk,
    symbol: Symbol,
    month: Month,
    *,
    history: HistorySource | None = None,
    repair: bool = False,
) -> Published:
    """Bring the raw objects of a month up to date, or ask again for what they lack."""
    fetch = repair_month if repair else ingest_month
    return fetch(desk, symbol, month, history=history)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of asking: all objects of the month, what was looked into, and its bars."""

    objects: tuple[RawObject, ...]
    looked_into: tuple[VendorObject, ...]
    bars: pl.DataFrame
    fetched: int


def _ask(
    desk: Desk, source: HistorySource, raw: RawManifest, listing: Listing, missing: Sequence[Gap]
) -> _Asked:
    stored = {item.described.name: item for item in raw.objects}
    objects: list[RawObject] = []
    new: list[RawObject] = []
    for wanted in listing.objects:
        item = stored.get(wanted.name)
        is_same = item is not None and item.stands_for(wanted) and desk.raw.is_sound(raw, item)
        is_sure = bool(wanted.vendor_sha256) or not _spans(wanted, missing)
        if item is None or not (is_same and is_sure):
            item = fetch_object(desk, source, raw.symbol, raw.month, wanted)
            new.append(item)
        objects.append(item)
    others: tuple[VendorObject, ...] = ()
    if isinstance(source, HasOtherObjects):
        others = source.other_objects(raw.symbol, raw.month, listing, missing)
    names = {item.name for item in (*listing.objects, *others)}
    repairs = [i for i in raw.objects if i.described.role == "repair"]
    objects += [item for item in repairs if item.described.name not in names]
    for wanted in others:
        item = stored.get(wanted.name)
        is_same = item is not None and item.stands_for(wanted) and desk.raw.is_sound(raw, item)
        if item is None or not is_same:
            item = fetch_object(desk, source, raw.symbol, raw.month, wanted)
            new.append(item)
            if not _bars(desk, raw, [item], missing).height:
                continue
        objects.append(item)
    looked_into = (*(item for item in listing.objects if _spans(item, missing)), *others)
    return _Asked(tuple(objects), looked_into, _bars(desk, raw, new, missing), len(new))


def _left(desk: Desk, raw: RawManifest, found: pl.DataFrame, gap: Gap) -> Sequence[Gap]:
    """Give what is still missing of a gap."""
    grid = _grid(desk, raw)
    if grid is not None:
        return grid.of_gap(gap).missing(found["ts"].to_physical().to_numpy())
    inside = found.filter(between(gap.start, gap.end + MINUTE))
    return gaps(inside, gap.start, gap.end + MINUTE) if inside.height else (gap,)


def _grid(desk: Desk, raw: RawManifest) -> NativeGrid | None:
    """Give the bars of a month whose source has larger ones; None where it has minutes."""
    size = traits_of_symbol(desk.settings, raw.symbol).timeframe
    if size is Timeframe.M1:
        return None
    sessions = sessions_of_symbol(desk, raw.symbol)
    return native_grid(size, raw.month.start, raw.month.end, sessions)


def _answers(
    desk: Desk, raw: RawManifest, missing: Sequence[Gap], asked: _Asked
) -> tuple[Confirmation, ...]:
    """Keep the answers about other minutes, and add one for each stretch that is still missing."""
    kept = [a for a in raw.confirmed if not any(_covered(a, gap) for gap in missing)]
    now = desk.clock.now()
    for gap in missing:
        for part in _left(desk, raw, asked.bars, gap):
            names = tuple(item.name for item in asked.looked_into if _spans(item, [part]))
            kept.append(Confirmation(part.start, part.end, now, names))
    return tuple(sorted(kept))


def _bars(
    desk: Desk, raw: RawManifest, items: Iterable[RawObject], missing: Sequence[Gap]
) -> pl.DataFrame:
    """Give the bars of these objects that were missing: one column `ts`, sorted and unique."""
    grid = _grid(desk, raw)
    if grid is None:
        spans = pl.any_horizontal(between(gap.start, gap.end + MINUTE) for gap in missing)
        wanted = spans & on_grid(Timeframe.M1)
    else:
        asked = [ts for gap in missing for ts in grid.of_gap(gap).ts.tolist()]
        wanted = pl.col("ts").to_physical().is_in(asked)
    traits = traits_of_symbol(desk.settings, raw.symbol)
    frames = [
        decode_object(item.described, desk.raw.read(raw, item), traits, desk.decoded).select("ts")
        for item in items
    ]
    if not frames:
        return pl.DataFrame(schema={"ts": pl.Datetime("us", "UTC")})
    return pl.concat(frames).filter(wanted).unique().sort("ts")


def _spans(item: VendorObject, missing: Sequence[Gap]) -> bool:
    return any(item.start <= gap.end and gap.start < item.end for gap in missing)


def _covered(answer: Confirmation, gap: Gap) -> bool:
    return gap.start <= answer.start and answer.end <= gap.end
