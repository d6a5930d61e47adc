"""From the raw objects of a month to its bars, and what was found on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import polars as pl

from trading_assets.domain.bar import Gap, Timeframe
from trading_assets.domain.ids import content_hash
from trading_assets.market.decoding import month_rows
from trading_assets.market.differences import with_repairs
from trading_assets.market.history import Confirmation, SourceTraits
from trading_assets.market.native_bars import clean_native_bars
from trading_assets.market.outages import explained, unexplained
from trading_assets.market.quality import QualityReport, clean_bars
from trading_assets.storage.raw_store import RawManifest, RawObject
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of, traits_of_symbol
from trading_assets.workflows.known_outages import known_outages
from trading_assets.workflows.listing import listed_part, require_listed


@dataclass(frozen=True, slots=True)
class Examined:
    """Bars of a month as they would be published.

    Attributes:
        frame: BAR_SCHEMA.
        report: with the cause of every gap.
        repaired: rows that come from objects fetched for the minutes that the listed ones lack.
    """

    frame: pl.DataFrame
    report: QualityReport
    repaired: int


def examine_month(desk: Desk, raw: RawManifest, source: str) -> Examined:
    """Decode and clean the raw objects of a month, and explain its gaps; nothing is written.

    Raises:
        CorruptFile: if a raw file is damaged or cannot be read as bars.
        DataError: if bars contradict each other, are impossible, or from before the symbol was
            listed or after it was delisted.
    """
    listed = _decoded(desk, raw, (i for i in raw.objects if i.described.role == "listed"))
    repairs = [item for item in raw.objects if item.described.role == "repair"]
    rows = listed
    if repairs:
        rows = with_repairs(listed, _decoded(desk, raw, repairs), raw.symbol)
    require_listed(desk.settings, raw.symbol, rows)
    start, end = listed_part(desk.settings, raw.symbol, raw.start, raw.end)
    traits = traits_of(desk.settings, source)
    frame, report = cleaning(traits)(
        rows,
        raw.symbol,
        source,
        month=raw.month,
        start=start,
        end=end,
        jump_factor=desk.settings.quality.jump_factor,
        sessions=sessions_of_symbol(desk, raw.symbol),
        longest_silence_minutes=traits.longest_silence_minutes,
    )
    outages = known_outages(desk.settings, source, raw.symbol, raw.month)
    report = replace(report, gaps=explained(report.gaps, outages))
    return Examined(frame, report, repaired=rows.height - listed.height)


def cleaning(traits: SourceTraits) -> Callable[..., tuple[pl.DataFrame, QualityReport]]:
    """Give what makes bars of the rows of a source: `clean_bars`, or that for its own size."""
    if traits.timeframe is Timeframe.M1:
        return clean_bars
    return partial(clean_native_bars, timeframe=traits.timeframe)


def open_gaps(gaps: Iterable[Gap], confirmed: Iterable[Confirmation]) -> tuple[Gap, ...]:
    """Choose the gaps that nothing explains, and that the vendor was not asked for again."""
    answers = tuple(confirmed)
    return tuple(
        gap for gap in unexplained(gaps) if not any(answer.covers(gap) for answer in answers)
    )


def gap_set(gaps: Iterable[Gap]) -> str:
    """Give one hash for a set of gaps, "" when there is none."""
    spans = [[gap.start, gap.end] for gap in gaps]
    return content_hash(spans)[:16] if spans else ""


def _decoded(desk: Desk, raw: RawManifest, objects: Iterable[RawObject]) -> pl.DataFrame:
    read = ((item.described, desk.raw.read(raw, item)) for item in objects)
    traits = traits_of_symbol(desk.settings, raw.symbol)
    return month_rows(read, traits, raw.month, desk.decoded)
