"""Make canonical one-minute bars from the stored raw objects of one month."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from trading_assets.domain.bar import Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.market.history import Confirmation, SourceTraits
from trading_assets.market.outages import outages_version, unexplained
from trading_assets.market.quality import require_tolerable
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
from trading_assets.workflows.month_rows import examine_month, gap_set, open_gaps
from trading_assets.workflows.published import Published


def publish_bars_1m(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Decode, clean, check and publish; the source itself is not needed.

    All checks come before anything is written: a month that breaks one keeps its last good
    version.

    Raises:
        NotTraded: if the symbol was, as declared, not traded in the month.
        MissingPartition: if the month was never ingested from the source in settings.
        CorruptFile: if a raw file is damaged or cannot be read as bars.
        DataError: if bars contradict each other, are impossible, from before the symbol was listed
            or after it was delisted, or too many are missing; or if the source gives larger bars.
        ConflictError: if another run has published this month meanwhile.
    """
    traits = traits_of_symbol(desk.settings, symbol)
    require_minutes(traits, symbol)
    require_traded(desk.settings, symbol, month)
    raw = desk.raw.require(traits.store, symbol, month)
    outages = known_outages(desk.settings, traits.name, symbol, month)
    parents = {
        address(RAW_TABLE, symbol, month): raw.version,
        f"source/{traits.name}": traits.version,
    }
    if outages:
        parents[address("outages", symbol, month)] = outages_version(outages)
    start, end = listed_part(desk.settings, symbol, raw.start, raw.end)
    if (start, end) != (raw.start, raw.end):
        parents[address("listing", symbol, month)] = f"{start}:{end}"
    sessions = sessions_of_symbol(desk, symbol)
    if sessions is not None:
        parents |= sessions_parent(sessions, month)
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
    _require_usable(desk, symbol, month, manifest.gaps, rows=manifest.rows)
    return published_from_manifest(
        desk.tables, manifest, changed=changed, **counts(manifest), **restated
    )


def require_minutes(traits: SourceTraits, symbol: Symbol) -> None:
    """Refuse a source of larger bars: its days must never pass for minutes.

    Raises:
        DataError: naming the source and the size of its bars.
    """
    if traits.timeframe is not Timeframe.M1:
        raise DataError(
            f"There are no minutes of {symbol} to publish",
            expected=f"a source of {Timeframe.M1.value} bars",
            found=f"{traits.name}, which gives {traits.timeframe.value}",
            fix="Its bytes are stored; choose a source of minutes for what is computed from them.",
        )


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


def _restated(desk: Desk, before: Manifest, manifest: Manifest) -> dict[str, Any]:
    """Tell what was restated, and who has used the old rows."""
    told = restatement(desk.tables, before, manifest)
    if told.get("restated"):
        told["made_of_the_old_rows"] = asdict(blast_radius(desk, before.address, before.version))
    return told


def _published(
    desk: Desk, raw: RawManifest, source: str, parents: dict[str, str], end: Micros
) -> tuple[Manifest, bool]:
    """Publish what the raw objects give, when it is usable."""
    found = examine_month(desk, raw, source)
    report = found.report
    _require_usable(desk, raw.symbol, raw.month, report.gaps, rows=found.frame.height)
    asked_for = unexplained(report.gaps)
    return desk.tables.publish(
        bars_table(Timeframe.M1),
        raw.symbol,
        raw.month,
        found.frame,
        code_version=CODE_VERSION,
        parents=parents,
        gaps=report.gaps,
        extra={
            "source": source,
            "store": raw.source,
            "expected_end": end,
            "repaired": found.repaired,
            "confirmed": [
                [answer.start, answer.end, answer.asked_at, list(answer.asked)]
                for answer in raw.confirmed
                if any(answer.covers(gap) for gap in asked_for)
            ],
            **report.facts(),
        },
    )


def _require_usable(
    desk: Desk, symbol: Symbol, month: Month, gaps: tuple[Gap, ...], *, rows: int
) -> None:
    require_tolerable(gaps, desk.settings.quality.max_gap_minutes, symbol, month)
    if not rows:
        raise DataError(
            f"There are no bars of {symbol} in {month}",
            expected="at least one bar",
            found="raw objects without rows",
            fix="Nothing was published. Choose another month.",
        )
