"""A check of one-minute bars against a second source, when settings name one."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from trading_assets.defs.assets.market_data import bars_1m
from trading_assets.defs.partition_events import CheckEvents, Finding, check_each
from trading_assets.defs.partitions import MONTHS_BY_SYMBOL, SETTINGS, month_and_symbol
from trading_assets.defs.presentation import table
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.errors import MissingPartition, UnknownSymbol

if TYPE_CHECKING:
    from trading_assets.market.history import HistorySources
    from trading_assets.workflows.cross_check_month import CrossCheck
    from trading_assets.workflows.desk import Desk

AGREES = "agrees_with_second_source"
_SHOWN = 20
_SAID = 3

SPECS = [
    dg.AssetCheckSpec(
        AGREES,
        asset=bars_1m,
        description="The source quality.cross_check has the same values for the same minutes. "
        "Other values, or a minute that is missing here, block; a minute missing there warns. "
        "Amounts are compared where both sources give them (quality.cross_check_amounts).",
        blocking=True,
        partitions_def=MONTHS_BY_SYMBOL,
    )
]


@dg.multi_asset_check(specs=SPECS, can_subset=True)
def second_source_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Ask a second source for each month, and compare."""
    opened = desk.open()
    with opened.history() as sources:
        yield from check_each(context, SPECS, partial(judge_second_source, opened, sources))


CHECKS = [second_source_checks] if SETTINGS.quality.cross_check else []
"""Without a second source there is nothing to check."""


def judge_second_source(desk: "Desk", sources: "HistorySources", key: str) -> list[Finding]:
    """Compare one month; a symbol or month that the second source does not have warns."""
    from trading_assets.workflows.cross_check_month import cross_check_month

    month, symbol = month_and_symbol(key)
    if desk.settings.source_of(symbol) == desk.settings.quality.cross_check:
        return [Finding(AGREES, passed=True, description="It is the source of these bars itself.")]
    try:
        return [_finding(cross_check_month(desk, symbol, month, sources=sources))]
    except (MissingPartition, UnknownSymbol) as error:
        warn = dg.AssetCheckSeverity.WARN
        return [Finding(AGREES, passed=False, description=str(error), severity=warn)]


def _finding(found: "CrossCheck") -> Finding:
    from trading_assets.market.differences import difference_text

    counts = {
        "differing": found.differing.height,
        "only_second": found.only_second.height,
        "only_first": found.only_first.height,
    }
    grave = counts["differing"] + counts["only_second"] > 0
    rows = [
        {"minute": text.partition(": ")[0], "what": text.partition(": ")[2]}
        for text in map(difference_text, found.minutes.head(_SHOWN).iter_rows(named=True))
    ]
    said = "; ".join(f"{row['minute']}: {row['what']}" for row in rows[:_SAID])
    return Finding(
        AGREES,
        passed=found.minutes.is_empty(),
        metadata={
            "second": found.second,
            "compared": found.compared,
            **counts,
            "not_compared": ", ".join(found.left_out),
            "list": table(rows, ("minute", "what")),
        },
        description=f"{found.first} against {found.second}: {said}" if rows else None,
        severity=dg.AssetCheckSeverity.ERROR if grave else dg.AssetCheckSeverity.WARN,
    )
