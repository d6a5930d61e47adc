"""What the fetched bytes of a month lack, told before anything is published of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trading_assets.domain.bar import Gap, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.history import Confirmation
from trading_assets.market.native_grid import last_end
from trading_assets.market.outages import unexplained
from trading_assets.workflows.coverage import Shares, coverage_of
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.history_sources import traits_of_symbol
from trading_assets.workflows.listing import listed_part
from trading_assets.workflows.market_tables import gap_rows
from trading_assets.workflows.month_rows import examine_month, gap_set, open_gaps


@dataclass(frozen=True, slots=True)
class RawReport:
    """What is missing in the stored bytes of a month.

    Attributes:
        facts: plain values worth showing: gaps, their set, and the first rows; or why the bytes
            cannot be made into bars (`unusable`).
        coverage: see `coverage_of`; empty where nothing can be said.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    coverage: Shares = ()


def raw_report(desk: Desk, symbol: Symbol, month: Month) -> RawReport:
    """Examine the current bytes of a month as `publish_bars_1m` would; nothing is written.

    A month that a long gap blocks has no bars to ask about its gaps: here it has. Bytes that cannot
    be made into bars are stored all the same, and refused where bars are made of them; the report
    says why.

    Raises:
        MissingPartition: if the month was never fetched.
    """
    traits = traits_of_symbol(desk.settings, symbol)
    raw = desk.raw.require(traits.store, symbol, month)
    try:
        found = examine_month(desk, raw, traits.name)
    except DataError as error:
        return RawReport({"unusable": str(error)})
    gaps = found.report.gaps
    first = min(
        [int(ts) for ts in found.frame["ts"].to_physical().head(1)] + [gap.start for gap in gaps],
        default=month.end,
    )
    _, end = listed_part(desk.settings, symbol, raw.start, raw.end)
    sessions = sessions_of_symbol(desk, symbol)
    if traits.timeframe is not Timeframe.M1:
        end = last_end(traits.timeframe, month, end, sessions)
    shares = coverage_of(month, gaps, first, end, sessions)
    return RawReport(_facts(gaps, raw.confirmed), shares)


def _facts(gaps: tuple[Gap, ...], confirmed: tuple[Confirmation, ...]) -> dict[str, Any]:
    unasked = open_gaps(gaps, confirmed)
    return {
        "gaps": len(gaps),
        "missing_minutes": sum(gap.minutes for gap in gaps),
        "longest_gap_minutes": max((gap.minutes for gap in gaps), default=0),
        "unexplained_gaps": len(unexplained(gaps)),
        "unconfirmed_gaps": len(unasked),
        "unconfirmed_set": gap_set(unasked),
        **gap_rows(gaps),
    }
