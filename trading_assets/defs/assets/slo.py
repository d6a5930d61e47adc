"""Availability of live books, day by day, and what is left of their error budgets."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.assets.live import GROUP, LIVE_RUNS
from trading_assets.defs.partition_events import (
    CheckEvents,
    Finding,
    PartitionEvents,
    Version,
    check_each,
    report_each,
)
from trading_assets.defs.partitions import DAYS, ONE_RUN
from trading_assets.defs.presentation import facts
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.ids import content_hash
from trading_assets.workflows.code_hash import source_hash

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk


@dg.asset(
    deps=LIVE_RUNS,
    partitions_def=DAYS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=source_hash("live/supervision", "workflows/slo_report.py")[:16],
    kinds={"sqlite"},
)
def slo_report(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """Good and bad minutes of the day by every book's journal, and what is left of 30 days' budget.

    A minute of a symbol is good when its bar was decided on and journalled in time; a day on which
    no executor ran is bad.
    """
    yield from report_each(context, partial(_report_of, desk.open()))


SLO_CHECKS = [
    dg.AssetCheckSpec(
        "within_budget",
        asset=slo_report,
        description="At least half of every book's error budget was left at the end of the day.",
        partitions_def=DAYS,
    )
]


@dg.multi_asset_check(specs=SLO_CHECKS, can_subset=True)
def slo_checks(context: dg.AssetCheckExecutionContext) -> CheckEvents:
    """Judge each day's report."""
    yield from check_each(context, SLO_CHECKS, partial(_judge, context.instance))


def _report_of(desk: "Desk", key: str) -> Version:
    from trading_assets.domain.events import SessionOpened
    from trading_assets.storage.journal_reader import FILE
    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.slo_report import slo_report as report_day

    reports = {}
    for book in desk.settings.books:
        place = live_book(desk.settings, book)
        if not (place.folder / FILE).is_file():
            continue
        with place.journal() as journal:
            has_opened = journal.latest_row(SessionOpened.__name__) is not None
        if has_opened:
            reports[book] = asdict(report_day(desk, book, date.fromisoformat(key)))
    levels = {book: report["level"] for book, report in reports.items()}
    return Version(content_hash(reports), facts({"levels": levels, **reports}))


def _judge(instance: dg.DagsterInstance, key: str) -> list[Finding]:
    wanted = dg.AssetRecordsFilter(asset_key=slo_report.key, asset_partitions=[key])
    record = instance.fetch_materializations(wanted, limit=1).records[0]
    found = record.asset_materialization.metadata if record.asset_materialization else {}
    levels: Any = found["levels"].value if "levels" in found else {}
    is_well = all(level == "NORMAL" for level in levels.values())
    return [Finding("within_budget", is_well, {"books": dict(levels)})]
