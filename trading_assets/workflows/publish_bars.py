"""Make canonical one-minute bars from the stored raw objects of one month."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.bar import Timeframe, minute_text
from trading_assets.domain.errors import NotTraded
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.history import SourceTraits
from trading_assets.market.outages import outages_version
from trading_assets.storage.partition_store import Manifest, address
from trading_assets.storage.raw_store import RawManifest
from trading_assets.workflows.blast_radius import blast_radius
from trading_assets.workflows.data_diff import restatement
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol, sessions_parent
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.ingest_month import RAW_TABLE
from trading_assets.workflows.known_outages import known_outages
from trading_assets.workflows.listing import listed_part, require_traded
from trading_assets.workflows.market_tables import (
    CODE_VERSION,
    bars_table,
    published_from_manifest,
)
from trading_assets.workflows.month_report import counts, month_report, require_usable
from trading_assets.workflows.month_rows import examine_month
from trading_assets.workflows.native_bars import publish_native
from trading_assets.workflows.published import Published


def publish_bars_1m(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Decode, clean, check and publish; the source itself is not needed.

    Of a source of larger bars the month has no minutes: it is empty, and stands for the bars in
    `native_<size>`, which are published with it.

    All checks come before anything is written: a month that breaks one keeps its last good
    version.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month, or its calendar has no
            minute of it yet.
        MissingPartition: if the month was never ingested from the source in settings.
        CorruptFile: if a raw file is damaged or cannot be read as bars.
        DataError: if bars contradict each other, are impossible, from before the symbol was listed
            or after it was delisted, or too many are missing.
        ConflictError: if another run has published this month meanwhile.
    """
    traits = traits_of_symbol(desk.settings, symbol)
    require_traded(desk.settings, symbol, month)
    raw = desk.raw.require(traits.store, symbol, month)
    parents, end = _basis(desk, traits, raw)
    if traits.timeframe is not Timeframe.M1:
        return publish_native(desk, traits, raw, parents, end)
    table = bars_table(Timeframe.M1)
    manifest = desk.tables.standing(
        table, symbol, month, code_version=CODE_VERSION, parents=parents
    )
    changed = False
    restated: dict[str, Any] = {"restated": 0}
    if manifest is None or manifest.extra["jump_factor"] != desk.settings.quality.jump_factor:
        before = desk.tables.current(table, symbol, month)
        manifest, changed = _published(desk, raw, traits.name, parents, end)
        if before is not None and before.version != manifest.version:
            restated = _restated(desk, before, manifest)
    require_usable(desk, symbol, month, manifest.gaps, rows=manifest.rows)
    return published_from_manifest(
        desk.tables, manifest, changed=changed, **counts(manifest), **restated
    )


def _basis(desk: Desk, traits: SourceTraits, raw: RawManifest) -> tuple[dict[str, str], Micros]:
    """Give all that decides the bars of a month, by address, and until when they are expected."""
    outages = known_outages(desk.settings, traits.name, raw.symbol, raw.month)
    parents = {
        address(RAW_TABLE, raw.symbol, raw.month): raw.version,
        f"source/{traits.name}": traits.version,
    }
    if outages:
        parents[address("outages", raw.symbol, raw.month)] = outages_version(outages)
    start, end = listed_part(desk.settings, raw.symbol, raw.start, raw.end)
    if (start, end) != (raw.start, raw.end):
        parents[address("listing", raw.symbol, raw.month)] = f"{start}:{end}"
    sessions = sessions_of_symbol(desk, raw.symbol)
    if sessions is not None:
        parents |= sessions_parent(sessions, raw.month)
    return parents, end


def _restated(desk: Desk, before: Manifest, manifest: Manifest) -> dict[str, Any]:
    """Tell what was restated, and who has used the old rows."""
    told = restatement(desk.tables, before, manifest)
    if told.get("restated"):
        used = blast_radius(desk, before.address, before.version)
        told["made_of_the_old_rows"] = used.shown()
    return told


def _published(
    desk: Desk, raw: RawManifest, source: str, parents: dict[str, str], end: Micros
) -> tuple[Manifest, bool]:
    """Publish what the raw objects give, when it is usable."""
    found = examine_month(desk, raw, source)
    report = found.report
    if not report.received:
        _require_begun(desk, raw, end)
    require_usable(desk, raw.symbol, raw.month, report.gaps, rows=found.frame.height)
    return desk.tables.publish(
        bars_table(Timeframe.M1),
        raw.symbol,
        raw.month,
        found.frame,
        code_version=CODE_VERSION,
        parents=parents,
        gaps=report.gaps,
        extra=month_report(found, raw, source, end),
    )


def _require_begun(desk: Desk, raw: RawManifest, end: Micros) -> None:
    """Tell a month whose first session is still to come from one whose minutes are missing."""
    sessions = sessions_of_symbol(desk, raw.symbol)
    if sessions is None or raw.start is None or sessions.expected_minutes(raw.start, end):
        return
    raise NotTraded(
        f"{raw.symbol} has not been traded in {raw.month} yet",
        expected=f"a session of {sessions.calendar}",
        found=f"none until {minute_text(end)}",
        fix="Nothing was published. Try again after the first session of the month.",
    )
