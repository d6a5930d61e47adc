"""Calendars: which sessions the bars of each month stand on."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from datetime import timedelta
from functools import partial
from typing import Any

import dagster as dg

from trading_assets.defs.partition_events import PartitionEvents, report_each
from trading_assets.defs.partitions import SETTINGS, monthly_table, with_months_before
from trading_assets.defs.presentation import by_month
from trading_assets.defs.resources import DeskResource

_ALWAYS_OPEN = "24/7"
_HAS_SESSIONS = any(SETTINGS.calendar_of(s) != _ALWAYS_OPEN for s in SETTINGS.symbols)


@monthly_table(group="market_data", code_version="1", kinds={"polars", "parquet"})
def calendars(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """The sessions of a symbol's month, from a frozen table that no library can rewrite.

    The version is the hash of these sessions alone: the table grows by a year each year, and no
    month is stale for it. Markets that never close have no table.
    """
    from trading_assets.workflows.freeze_calendars import calendar_month

    yield from report_each(context, by_month(partial(calendar_month, desk.open())))


def on_calendars() -> list[Any]:
    """Depend on the calendars, where a symbol of the desk has one with closes.

    Days of UTC cannot change, so that an edge would only call bars stale for nothing.
    """
    return [calendars] if _HAS_SESSIONS else []


def minutes_of_days(minutes: dg.AssetsDefinition) -> Any:
    """Depend on the minutes of daily bars: a session may open in the month before its label."""
    return with_months_before(minutes, timedelta(days=1)) if _HAS_SESSIONS else minutes
