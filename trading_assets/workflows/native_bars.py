"""Bars of sources that give no minutes: cleaned in a table of their own, larger ones made of them.

`bars_1m` of such a month has no rows, but stands for the native bars: it names their version, and
has another one itself whenever they change. So the graph is the same for every source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import Micros
from trading_assets.market.bar_frame import RESAMPLED_SCHEMA, between, empty_bars
from trading_assets.market.history import SourceTraits
from trading_assets.market.native_bars import bars_of_native
from trading_assets.market.native_grid import NativeGrid, native_grid
from trading_assets.market.quality import QualityReport, require_tolerable
from trading_assets.market.sessions import Sessions
from trading_assets.storage.partition_store import Manifest
from trading_assets.storage.raw_store import RawManifest
from trading_assets.workflows.blast_radius import blast_radius
from trading_assets.workflows.data_diff import restatement
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of
from trading_assets.workflows.market_tables import (
    CODE_VERSION,
    bars_table,
    published_from_manifest,
)
from trading_assets.workflows.month_report import counts, month_report, require_usable
from trading_assets.workflows.month_rows import examine_month
from trading_assets.workflows.native_tables import bars_of_source, native_size, native_table
from trading_assets.workflows.published import Published


def publish_native(
    desk: Desk, traits: SourceTraits, raw: RawManifest, parents: dict[str, str], end: Micros
) -> Published:
    """Publish the native bars of a month, and a partition of `bars_1m` that stands for them.

    The native bars come first: a run that is killed in between leaves minutes that still name the
    version before.

    Args:
        desk: where to publish.
        traits: of the source; its bars are larger than a minute.
        raw: the month's objects.
        parents: what the bars are made of, by address.
        end: until when they are expected.

    Raises:
        CorruptFile, DataError, ConflictError: as `publish_bars_1m` does.
    """
    native = _native(desk, traits, raw, parents, end)
    symbol, month, table = raw.symbol, raw.month, bars_table(Timeframe.M1)
    before = desk.tables.current(table, symbol, month)
    minutes, changed = desk.tables.publish(
        table,
        symbol,
        month,
        empty_bars(),
        code_version=CODE_VERSION,
        parents=parents | {native.address: native.version},
        gaps=native.gaps,
        extra=native.extra | {"native_rows": native.rows},
        stands_for=native.version,
    )
    told = {"restated": 0} if before is None else _restated(desk, before, minutes)
    return published_from_manifest(
        desk.tables,
        minutes,
        changed=changed,
        native=traits.timeframe.value,
        native_rows=native.rows,
        native_file=str(desk.tables.path(native)),
        **counts(minutes),
        **told,
    )


def _native(
    desk: Desk, traits: SourceTraits, raw: RawManifest, parents: dict[str, str], end: Micros
) -> Manifest:
    """Bring `native_<size>` of a month up to date; what is not usable is not written."""
    table, symbol, month = native_table(traits.timeframe), raw.symbol, raw.month
    manifest = desk.tables.standing(
        table, symbol, month, code_version=CODE_VERSION, parents=parents
    )
    if manifest is None or manifest.extra["jump_factor"] != desk.settings.quality.jump_factor:
        found = examine_month(desk, raw, traits.name)
        grid = native_grid(traits.timeframe, month.start, end, sessions_of_symbol(desk, symbol))
        _require_usable(desk, raw, found.report, grid)
        manifest, _ = desk.tables.publish(
            table,
            symbol,
            month,
            found.frame,
            code_version=CODE_VERSION,
            parents=parents,
            gaps=found.report.gaps,
            extra={
                **month_report(found, raw, traits.name, end),
                "native": traits.timeframe.value,
                "native_end": int(grid.end[-1]) if len(grid) else month.start,
            },
        )
    require_tolerable(manifest.gaps, desk.settings.quality.max_gap_minutes, symbol, month)
    return manifest


def _require_usable(desk: Desk, raw: RawManifest, report: QualityReport, grid: NativeGrid) -> None:
    """Refuse a month as `require_usable` does, but for one that owes no bar yet.

    On the first days of a month, of which the first may be no session, there is nothing to have.
    """
    owes_nothing = raw.start is not None and not len(grid) and not report.received
    rows = 1 if owes_nothing else report.rows
    require_usable(desk, raw.symbol, raw.month, report.gaps, rows=rows)


def larger_of_native(
    desk: Desk, inputs: Sequence[Manifest], timeframe: Timeframe, sessions: Sessions | None
) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Build larger bars of a month without minutes: of its native bars; none smaller than these.

    Args:
        desk: where to read from.
        inputs: `bars_1m` of the month, after that of the month before where its evening counts.
        timeframe: of the result.
        sessions: of the symbol's calendar; None for 24/7.

    Returns:
        RESAMPLED_SCHEMA, and what is special about it, for its manifest.

    Raises:
        CorruptFile: if a file is damaged.
        MissingPartition: if native bars are missing.
    """
    minutes = inputs[-1]
    symbol, month, size = minutes.symbol, minutes.month, native_size(minutes)
    assert symbol is not None and month is not None and size is not None  # noqa: PT018, S101
    source, end = minutes.extra["source"], minutes.extra["expected_end"]
    facts = {"native": size.value}
    if timeframe.micros < size.micros:
        why = f"{source} gives bars of {size.value}; smaller ones are not made up"
        return pl.DataFrame(schema=RESAMPLED_SCHEMA), facts | {"empty_because": why}
    grid = native_grid(size, month.shift(-1).start, end, sessions)
    frame = pl.concat(
        desk.tables.read_manifest(bars_of_source(desk.tables, each)) for each in inputs
    )
    bars = bars_of_native(
        frame,
        symbol,
        size,
        timeframe,
        grid,
        end=end,
        sessions=sessions,
        longest_silence_minutes=traits_of(desk.settings, source).longest_silence_minutes,
    )
    own = between(month.start, month.end)
    if sessions is None:
        return bars.filter(own), facts
    outside = ~grid.holds(frame.filter(own)["ts"].to_physical().to_numpy())
    told = {"calendar": sessions.calendar, "outside_sessions": int(outside.sum())}
    return bars.filter(own), facts | told


def _restated(desk: Desk, before: Manifest, minutes: Manifest) -> dict[str, Any]:
    """Tell which native bars were restated, and who has used the old ones."""
    if before.version == minutes.version or native_size(before) != native_size(minutes):
        return {"restated": 0}
    told = restatement(desk.tables, before, minutes)
    if told.get("restated"):
        used = blast_radius(desk, before.address, before.version)
        told["made_of_the_old_rows"] = used.shown()
    return told
