"""What is missing in the published one-minute bars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from trading_assets.domain.bar import MINUTE, Gap, Timeframe
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.gaps import merge_gaps
from trading_assets.market.quality import minute_text
from trading_assets.storage.partition_store import Manifest
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.market_tables import bars_table, is_of_own_source


@dataclass(frozen=True, slots=True)
class GapRow:
    """One gap, as people write it down: between two bars.

    Attributes:
        start: open time of the last bar before the gap, `2018-02-08 00:28` (UTC).
        end: open time of the first bar after it.
        minutes: bars that are missing between the two.
    """

    symbol: Symbol
    start: str
    end: str
    minutes: int


def data_quality(
    desk: Desk, symbols: tuple[Symbol, ...] = (), months: tuple[Month, ...] = ()
) -> list[GapRow]:
    """List the gaps of the published one-minute bars, by symbol and time.

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
        gaps = tuple(gap for m in _manifests(desk, symbol, months) for gap in m.gaps)
        rows.extend(gap_row(symbol, gap) for gap in merge_gaps(gaps))
    return rows


def gap_row(symbol: Symbol, gap: Gap) -> GapRow:
    """Describe a gap by the bars around it."""
    return GapRow(
        symbol=symbol,
        start=minute_text(gap.start - MINUTE),
        end=minute_text(gap.end + MINUTE),
        minutes=gap.minutes,
    )


def _manifests(desk: Desk, symbol: Symbol, months: tuple[Month, ...]) -> Iterable[Manifest]:
    table = bars_table(Timeframe.M1)
    if months:
        return [desk.tables.require(table, symbol, month) for month in months]
    published = [
        desk.tables.require(table, symbol, month) for month in desk.tables.months(table, symbol)
    ]
    return [m for m in published if is_of_own_source(desk.settings, m)]
