"""How tables are cut: month x symbol for data, month for models, day for live reports."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg

from trading_assets.domain.ids import Micros, Month, Symbol, symbol_from_text
from trading_assets.settings import load_settings

# Dagster calls partitioned checks a preview and backfill policies a beta; tests pin what we use.
warnings.filterwarnings("ignore", category=dg.PreviewWarning)
warnings.filterwarnings("ignore", category=dg.BetaWarning)

SETTINGS = load_settings().settings
"""What the graph is made from: its symbols, first month and books; no secret is read from here."""

MONTHS = dg.MonthlyPartitionsDefinition(
    start_date=SETTINGS.history_start, fmt="%Y-%m", timezone="UTC", end_offset=1
)
"""Months in UTC up to the running one, which fills day by day."""

SYMBOLS = dg.StaticPartitionsDefinition(list(SETTINGS.symbols))

MONTHS_BY_SYMBOL = dg.MultiPartitionsDefinition({"month": MONTHS, "symbol": SYMBOLS})
"""Keys read `2024-03|BTCUSDT`: dimensions are joined in alphabetical order."""

DAYS = dg.DailyPartitionsDefinition(
    start_date=f"{SETTINGS.history_start}-01", timezone="UTC", end_offset=1
)
"""Days in UTC up to the running one."""

DAILY_TAG = "desk/day"
"""On the runs of a daily chain: the day whose bars it brings."""

_SHORTEST_MONTH = 28

ONE_RUN = dg.BackfillPolicy.single_run()
"""A backfill is one run per symbol, not one per key."""


def monthly_table(
    *,
    group: str,
    code_version: str,
    kinds: set[str],
    deps: Sequence[Any] = (),
    schema: dg.TableSchema | None = None,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Declare an asset of `MONTHS_BY_SYMBOL`; `schema` shows its columns in the catalogue."""
    return dg.asset(
        name=name,
        description=description,
        group_name=group,
        code_version=code_version,
        kinds=kinds,
        deps=deps,
        partitions_def=MONTHS_BY_SYMBOL,
        backfill_policy=ONE_RUN,
        metadata={**({"dagster/column_schema": schema} if schema else {}), **(metadata or {})},
    )


def with_months_before(asset: dg.AssetsDefinition, warm_up: timedelta) -> dg.AssetDep:
    """Depend on the same key and on as many months before as a warm-up can reach into."""
    months = 1 + warm_up.days // _SHORTEST_MONTH
    return dg.AssetDep(
        asset,
        partition_mapping=dg.MultiPartitionMapping(
            {
                "month": dg.DimensionPartitionMapping(
                    "month",
                    dg.TimeWindowPartitionMapping(
                        start_offset=-months, allow_nonexistent_upstream_partitions=True
                    ),
                ),
                "symbol": dg.DimensionPartitionMapping("symbol", dg.IdentityPartitionMapping()),
            }
        ),
    )


def only_months_before(asset: dg.AssetsDefinition, months: int) -> dg.AssetDep:
    """Depend on the same symbol in so many months before, and not on the month itself."""
    before = dg.TimeWindowPartitionMapping(
        start_offset=-months, end_offset=-1, allow_nonexistent_upstream_partitions=True
    )
    mappings = {
        "month": dg.DimensionPartitionMapping("month", before),
        "symbol": dg.DimensionPartitionMapping("symbol", dg.IdentityPartitionMapping()),
    }
    return dg.AssetDep(asset, partition_mapping=dg.MultiPartitionMapping(mappings))


def month_of_key(asset: dg.AssetsDefinition) -> dg.AssetDep:
    """Depend, from month x symbol, on the month of an asset that has no symbols."""
    return dg.AssetDep(asset, partition_mapping=dg.MultiToSingleDimensionPartitionMapping("month"))


def month_and_symbol(key: str) -> tuple[Month, Symbol]:
    """Read a key of `MONTHS_BY_SYMBOL`.

    Raises:
        DataError: if it is not one; keys become folders, so nothing else is let in.
    """
    month, _, symbol = str(key).partition("|")
    return Month.from_text(month), symbol_from_text(symbol)


def key_range(first: Month, last: Month, symbols: Sequence[Symbol]) -> tuple[str, str]:
    """Give the first and last key of the box of months x symbols, in order of definition."""
    return f"{first}|{symbols[0]}", f"{last}|{symbols[-1]}"


def range_tags(first: str, last: str) -> dict[str, str]:
    """Give the run tags that ask for all keys from `first` to `last`."""
    return {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }


def open_months(now: Micros) -> tuple[Month, Month]:
    """Give the months that may still change: the running one, and on its first day the last.

    The first day brings the last bars of the month before.
    """
    month = Month.of(now)
    first_day_over = Month.of(now - 86_400_000_000) == month
    return (month if first_day_over else month.shift(-1)), month
