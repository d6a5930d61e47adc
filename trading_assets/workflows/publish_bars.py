"""Make canonical one-minute bars from the stored raw objects of one month."""

from __future__ import annotations

import polars as pl

from trading_assets.domain.bar import Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.archive_files import decode
from trading_assets.market.quality import QualityReport, clean_bars, require_tolerable
from trading_assets.storage.partition_store import address
from trading_assets.storage.raw_store import RawManifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.ingest_month import RAW_TABLE
from trading_assets.workflows.market_tables import (
    CODE_VERSION,
    bars_table,
    published_from_manifest,
)
from trading_assets.workflows.published import Published


def publish_bars_1m(desk: Desk, symbol: Symbol, month: Month) -> Published:
    """Decode, clean, check and publish; the source itself is not needed.

    All checks come before anything is written: a month that breaks one keeps its last good
    version.

    Raises:
        MissingPartition: if the month was never ingested from the source in settings.
        CorruptFile: if a raw file is damaged or cannot be read as bars.
        DataError: if bars contradict each other, are impossible, or too many are missing.
        ConflictError: if another run has published this month meanwhile.
    """
    traits = traits_of_symbol(desk.settings, symbol)
    raw = desk.raw.require(traits.store, symbol, month)
    parents = {
        address(RAW_TABLE, symbol, month): raw.version,
        f"source/{traits.name}": traits.version,
    }
    table = bars_table(Timeframe.M1)
    manifest = desk.tables.standing(
        table, symbol, month, code_version=CODE_VERSION, parents=parents
    )
    changed = False
    if manifest is None:
        frame, report = _bars(desk, raw, traits.name)
        _require_usable(desk, symbol, month, report.gaps, rows=frame.height)
        manifest, changed = desk.tables.publish(
            table,
            symbol,
            month,
            frame,
            code_version=CODE_VERSION,
            parents=parents,
            gaps=report.gaps,
            extra={
                "source": traits.name,
                "store": raw.source,
                "expected_end": raw.end,
                "duplicates": report.duplicates,
                "off_grid": list(report.off_grid),
                "unfinished": report.unfinished,
                "silent": report.silent,
            },
        )
    _require_usable(desk, symbol, month, manifest.gaps, rows=manifest.rows)
    return published_from_manifest(
        desk.tables,
        manifest,
        changed=changed,
        duplicates=manifest.extra["duplicates"],
        off_grid=len(manifest.extra["off_grid"]),
        unfinished=manifest.extra["unfinished"],
        silent=manifest.extra["silent"],
    )


def _bars(desk: Desk, raw: RawManifest, source: str) -> tuple[pl.DataFrame, QualityReport]:
    rows = pl.concat(
        decode(item.described.kind, desk.raw.read(raw, item), item.file) for item in raw.objects
    )
    return clean_bars(rows, raw.symbol, source, month=raw.month, start=raw.start, end=raw.end)


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
