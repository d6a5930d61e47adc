"""What is missing in the published bars of each source: minutes, or its own larger ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from trading_assets.domain.bar import MINUTE, Gap, Timeframe, minute_text
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.gaps import merge_gaps
from trading_assets.market.history import Confirmation
from trading_assets.market.native_grid import NativeGrid
from trading_assets.market.outages import UNEXPLAINED
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_tables import bars_table, is_of_own_source
from trading_assets.workflows.month_report import confirmations, counts
from trading_assets.workflows.native_tables import grid_around

_DETAILS = ("off_grid", "early_closes", "silences", "jumps", "jump_factor", "confirmed")


@dataclass(frozen=True, slots=True)
class GapRow:
    """One gap, as people write it down: between two bars, of the source's own size.

    Attributes:
        start: open time of the last bar before the gap, `2018-02-08 00:28` (UTC).
        end: open time of the first bar after it.
        minutes: of trading that are missing between the two.
        cause: `unexplained`, or that of a known outage.
        confirmed: when the vendor was last asked and did not have them (UTC), "" if never.
        native_bars: how many are missing of a source that gives larger bars; None of minutes.
    """

    symbol: Symbol
    start: str
    end: str
    minutes: int
    cause: str = UNEXPLAINED
    confirmed: str = ""
    native_bars: int | None = None


def data_quality(
    desk: Desk, symbols: tuple[Symbol, ...] = (), months: tuple[Month, ...] = ()
) -> list[GapRow]:
    """List the gaps of the published bars, by symbol and time: of minutes, or of native bars.

    A gap over a month's end is one row when both months are looked at.

    Args:
        desk: whose tables to look at.
        symbols: empty means all of the settings.
        months: empty means every published month of the source in settings.

    Raises:
        MissingPartition: if a month that was asked for is not published.
    """
    rows: list[GapRow] = []
    for symbol in symbols or desk.settings.symbols:
        manifests = list(_manifests(desk, symbol, months))
        grid = grid_around(desk, manifests)
        gaps = tuple(gap for m in manifests for gap in m.gaps)
        answers = [answer for m in manifests for answer in confirmations(m)]
        for gap in merge_gaps(gaps):
            parts = [p for p in gaps if gap.start <= p.start and p.end <= gap.end]
            rows.append(gap_row(symbol, gap, _confirmed(parts, answers), grid))
    return rows


def quality_reports(
    desk: Desk, symbols: tuple[Symbol, ...] = (), months: tuple[Month, ...] = ()
) -> list[dict[str, Any]]:
    """Give the report of every published month as plain values: its counts, and the rows it names.

    The arguments are those of `data_quality`.

    Raises:
        MissingPartition: if a month that was asked for is not published.
    """
    return [
        {"symbol": symbol, "month": str(m.month), "rows": m.extra.get("native_rows", m.rows)}
        | counts(m)
        | {"details": {name: m.extra[name] for name in _DETAILS}}
        for symbol in symbols or desk.settings.symbols
        for m in _manifests(desk, symbol, months)
    ]


def gap_row(
    symbol: Symbol, gap: Gap, confirmed: str = "", grid: NativeGrid | None = None
) -> GapRow:
    """Describe a gap by the bars around it: by minutes, or by those of a grid."""
    before, after, missing = gap.start - MINUTE, gap.end + MINUTE, None
    if grid is not None:
        before, after = grid.around(gap)
        missing = len(grid.of_gap(gap))
    return GapRow(
        symbol=symbol,
        start=minute_text(before),
        end=minute_text(after),
        minutes=gap.minutes,
        cause=gap.cause,
        confirmed=confirmed,
        native_bars=missing,
    )


def _confirmed(parts: list[Gap], answers: list[Confirmation]) -> str:
    """Give the time of the last answer, when all parts of a gap have one."""
    times = [[a.asked_at for a in answers if a.covers(part)] for part in parts]
    return minute_text(max(max(each) for each in times)) if times and all(times) else ""


def _manifests(desk: Desk, symbol: Symbol, months: tuple[Month, ...]) -> Iterable[Manifest]:
    table = bars_table(Timeframe.M1)
    if months:
        return [desk.tables.require(table, symbol, month) for month in months]
    published = [
        desk.tables.require(table, symbol, month) for month in desk.tables.months(table, symbol)
    ]
    return [m for m in published if is_of_own_source(desk.settings, m)]
