"""Costs: what the fills of live books have cost, month by month, and whether specs charge it."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from collections.abc import Mapping, Sequence
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
from trading_assets.defs.partitions import MONTHS, ONE_RUN
from trading_assets.defs.presentation import columns, facts, image, table
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.ids import Month, content_hash
from trading_assets.market.table_columns import COST_COLUMNS, COST_TEXTS
from trading_assets.workflows.code_hash import COST_SOURCES, source_hash

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.fill_costs import FillCosts

_SHOWN = (
    "symbol", "model", "orders", "days", "taker_bps", "maker_bps", "worse", "half_spread",
    "half_spread_low", "half_spread_high", "impact", "impact_low", "impact_high", "reason",
)  # fmt: skip
_COMPARED = ("spec", "symbol", "charged_bps", "paid_bps", "low", "high", "cheaper")


@dg.asset(
    deps=LIVE_RUNS,
    partitions_def=MONTHS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=source_hash(*COST_SOURCES)[:16],
    kinds={"numpy", "parquet"},
    metadata={"dagster/column_schema": columns(COST_COLUMNS, COST_TEXTS)},
)
def costs(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """Half spread, impact and fees that each book's fills paid, as known by the end of the month.

    One table per book with a venue, `costs_<book>`; docs/costs.md says how.
    """
    yield from report_each(context, partial(_costs_of, desk.open()))


COST_CHECKS = [
    dg.AssetCheckSpec(
        "specs_are_not_cheaper",
        asset=costs,
        description="No spec charges surely less than fills of its symbols have cost. A warning.",
        partitions_def=MONTHS,
    )
]


@dg.multi_asset_check(specs=COST_CHECKS, can_subset=True)
def cost_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Compare every spec with each month's version."""
    yield from check_each(context, COST_CHECKS, partial(_judge, desk.open()))


def _costs_of(desk: "Desk", key: str) -> Version:
    from trading_assets.workflows.publish_costs import measurable_books, publish_costs

    month = Month.from_text(key)
    metadata: dict[str, Any] = {}
    versions = {}
    for book in measurable_books(desk, month):
        published, found = publish_costs(desk, book, month)
        rows = desk.tables.read(published.table, None, month).to_dicts()
        versions[book] = published.version
        metadata[f"{book} costs"] = table(rows, _SHOWN)
        metadata |= {f"{book} {k}": v for k, v in facts(published.metadata).items()}
        if found.orders:
            metadata[f"{book} picture"] = _picture(desk, book, month, rows, found)
    return Version(content_hash(versions), metadata)


def _picture(
    desk: "Desk", book: str, month: Month, rows: Sequence[Mapping[str, Any]], found: "FillCosts"
) -> dg.MetadataValue[Any]:
    from trading_assets.workflows.costs_compared import costs_picture

    return image(f"costs of {book}", costs_picture(desk, book, month, rows, found))


def _judge(desk: "Desk", key: str) -> list[Finding]:
    from trading_assets.workflows.costs_compared import compare_specs
    from trading_assets.workflows.publish_costs import costs_table

    month = Month.from_text(key)
    manifests = {
        book: desk.tables.current(costs_table(book), None, month) for book in desk.settings.books
    }
    compared = [
        one
        for book, manifest in manifests.items()
        if manifest is not None
        for one in compare_specs(desk, book, manifest)
    ]
    cheaper = [one for one in compared if one.cheaper]
    said = {"compared": table([one.plain() for one in compared], _COMPARED)}
    text = "; ".join(
        f"{one.spec} on {one.symbol} of {one.book}: {' and '.join(one.cheaper)}" for one in cheaper
    )
    return [
        Finding(
            "specs_are_not_cheaper",
            not cheaper,
            said,
            f"Surely cheaper than the fills: {text}" if cheaper else None,
            dg.AssetCheckSeverity.WARN,
        )
    ]
