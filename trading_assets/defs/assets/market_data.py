"""Market data: the vendor's bytes, the bars made of them, and the data sets that use them."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.assets.calendars import minutes_of_days, on_calendars
from trading_assets.defs.assets.vendors import used_vendors
from trading_assets.defs.datasets import dataset
from trading_assets.defs.heat_map import heat_map
from trading_assets.defs.lineage_links import with_radius
from trading_assets.defs.partition_events import (
    CheckEvents,
    Finding,
    PartitionEvents,
    Version,
    check_each,
    report_each,
)
from trading_assets.defs.partitions import (
    MONTHS,
    MONTHS_BY_SYMBOL,
    ONE_RUN,
    month_and_symbol,
    monthly_table,
)
from trading_assets.defs.presentation import by_month, columns, facts, shown
from trading_assets.defs.quality_checks import ODDITIES, judge_gaps, judge_oddities
from trading_assets.defs.resources import DeskResource
from trading_assets.defs.specs import SIZES
from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.table_columns import BAR_COLUMNS, RESAMPLED_COLUMNS, UNIVERSE_COLUMNS
from trading_assets.workflows.market_tables import (
    CODE_VERSION,
    INSTRUMENTS_CODE_VERSION,
    UNIVERSE_CODE_VERSION,
    bars_table,
)

if TYPE_CHECKING:
    import polars as pl

    from trading_assets.workflows.desk import Desk

GROUP = "market_data"
_table = partial(monthly_table, group=GROUP, code_version=CODE_VERSION)
_LATE_MINUTES = 15


@dg.asset(
    group_name=GROUP,
    deps=used_vendors(),
    code_version=INSTRUMENTS_CODE_VERSION,
    kinds={"binance", "parquet"},
)
def instruments(desk: DeskResource) -> dg.MaterializeResult[Any]:
    """What every symbol is: class, grid, smallest order, point value, calendar, time of trading."""
    from trading_assets.workflows.list_instruments import publish_instruments

    content = shown(publish_instruments(desk.open()))
    return dg.MaterializeResult(
        data_version=dg.DataVersion(content.version), metadata=content.metadata
    )


class FetchConfig(dg.Config):
    """How the vendor's bytes are brought."""

    repair: bool = False
    """Ask again for missing minutes, instead of fetching what is missing of the listed objects."""


@_table(deps=used_vendors(), kinds={"binance", "file"})
def raw_klines(
    context: dg.AssetExecutionContext, config: FetchConfig, desk: DeskResource
) -> PartitionEvents:
    """The vendor's own bytes of a month, unchanged: one file per vendor object, each with its hash.

    Running it again fetches only what is missing or was not finished. What the bytes lack is shown,
    also where a gap is too long for bars to be published.
    """
    from trading_assets.workflows.repair_month import fetch_month

    opened = desk.open()
    fetch = partial(fetch_month, opened, repair=config.repair)
    with opened.history() as sources:
        publish = by_month(
            lambda s, m: fetch(s, m, history=sources.of(s)), pictures=_lacking(opened)
        )
        yield from report_each(context, publish)


@_table(
    deps=[raw_klines, *on_calendars()], kinds={"polars", "parquet"}, schema=columns(BAR_COLUMNS)
)
def bars_1m(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """One-minute bars: in order, unique, finished, on the grid; gaps are listed and never filled.

    `ts` is the open time in UTC. Of a source of larger bars there are no minutes: the month is
    empty, its version and its checks are those of the source's own bars.
    """
    from trading_assets.workflows.publish_bars import publish_bars_1m

    opened = desk.open()
    publish = partial(publish_bars_1m, opened)
    yield from report_each(
        context, by_month(publish, _closes(opened, Timeframe.M1), _coverage(opened))
    )


def _resampled(timeframe: Timeframe, description: str) -> dg.AssetsDefinition:
    @_table(
        name=f"bars_{timeframe.value}",
        description=description,
        deps=[
            minutes_of_days(bars_1m) if timeframe is Timeframe.D1 else bars_1m,
            *on_calendars(),
        ],
        kinds={"polars", "parquet"},
        schema=columns(RESAMPLED_COLUMNS),
    )
    def bars(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
        from trading_assets.workflows.resample_month import resample_month

        opened = desk.open()
        publish = partial(resample_month, opened, timeframe=timeframe)
        yield from report_each(
            context, by_month(publish, _closes(opened, timeframe), _coverage(opened))
        )

    return bars


bars_5m = _resampled(
    Timeframe.M5,
    "Five-minute bars, which features, forecasts and strategies stand on. `n_minutes` and "
    "`complete` say how much of each bar is there; a bar that has not ended is left out.",
)
bars_1h = _resampled(Timeframe.H1, "Hourly bars, made of the one-minute bars.")
bars_1d = _resampled(
    Timeframe.D1,
    "Daily bars, one per session (per UTC day where the market never closes), made of the "
    "one-minute bars. `ts` is the midnight of the session's label.",
)

dataset_bars_5m = dataset("bars_5m", bars_5m, GROUP)
dataset_bars_1d = dataset("bars_1d", bars_1d, GROUP)

ASKED_BARS = (
    [_resampled(Timeframe.M15, "Bars of a quarter of an hour, made of the one-minute bars.")]
    if Timeframe.M15 in SIZES
    else []
)
"""Tables that the graph has because a spec trades their size."""

_ASKED = {
    size: dataset(bars_table(size), table, GROUP)
    for size, table in zip(
        (Timeframe.M1, Timeframe.H1, Timeframe.M15), (bars_1m, bars_1h, *ASKED_BARS), strict=False
    )
    if size in SIZES
}
ASKED_DATASETS = list(_ASKED.values())
"""Data sets that only backtests of specs stand on."""

DATASETS = {Timeframe.M5: dataset_bars_5m, Timeframe.D1: dataset_bars_1d, **_ASKED}
"""What a backtest depends on, by the size of its bars: all sizes that specs trade."""


@dg.asset(
    deps=[instruments, dataset_bars_1d],
    partitions_def=MONTHS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=UNIVERSE_CODE_VERSION,
    kinds={"polars", "parquet"},
    metadata={"dagster/column_schema": columns(UNIVERSE_COLUMNS)},
)
def universe(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """Which symbols may be traded in a month, by rank, and why the others may not.

    It is decided by what was known before the month began; delisted symbols keep their months.
    """
    from trading_assets.workflows.publish_universe import publish_universe

    opened = desk.open()

    def publish(key: str) -> Version:
        return shown(publish_universe(opened, Month.from_text(key)))

    yield from report_each(context, publish)


dataset_universe = dataset("universe", universe, GROUP)

BARS_1M_CHECKS = [
    dg.AssetCheckSpec(
        name,
        asset=bars_1m,
        description=text,
        blocking=name != "is_fresh" and name not in ODDITIES,
        partitions_def=MONTHS_BY_SYMBOL,
    )
    for name, text in {
        "has_no_gaps": "Every expected minute is there, or in a known outage. A short gap that "
        "nothing explains warns, one beyond quality.max_gap_minutes blocks.",
        "has_no_duplicates": "No minute is there twice. Exact repetitions by the vendor warn.",
        "is_on_the_grid": "Open times are whole minutes inside the month. Rows of the vendor that "
        "were not, and were left out, warn.",
        "prices_are_possible": "low <= open, close <= high, prices above zero, volumes not below.",
        "is_fresh": "The last bar is at most 15 minutes of trading before the end of what was "
        "fetched; of a source of larger bars, none is missing there. Never blocks.",
        **ODDITIES,
    }.items()
]
BARS_5M_CHECKS = [
    dg.AssetCheckSpec(
        "is_made_of_current_minutes",
        asset=bars_5m,
        description="The one-minute bars have not changed since, and every minute of them is in "
        "exactly one bar. Where the source gives larger bars, there is none.",
        blocking=True,
        partitions_def=MONTHS_BY_SYMBOL,
    )
]


@dg.multi_asset_check(specs=BARS_1M_CHECKS, can_subset=True)
def bars_1m_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Judge each month of one-minute bars as it stands on disk."""
    yield from check_each(context, BARS_1M_CHECKS, partial(_judge, "bars_1m", desk.open()))


@dg.multi_asset_check(specs=BARS_5M_CHECKS, can_subset=True)
def bars_5m_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Judge each month of five-minute bars against the minutes."""
    yield from check_each(context, BARS_5M_CHECKS, partial(_judge, "bars_5m", desk.open()))


def _judge(table: str, desk: "Desk", key: str) -> list[Finding]:
    judge = _judge_minutes if table == "bars_1m" else _judge_five_minutes
    return with_radius(desk, table, key, judge(desk, key))


def _judge_minutes(desk: "Desk", key: str) -> list[Finding]:
    from trading_assets.workflows.coverage import minutes_behind
    from trading_assets.workflows.native_tables import bars_of_source

    month, symbol = month_and_symbol(key)
    manifest = desk.tables.require("bars_1m", symbol, month)
    frame = desk.tables.read_manifest(bars_of_source(desk.tables, manifest))
    late = minutes_behind(desk, manifest)
    repeated = frame.height - frame["ts"].n_unique()
    stray = frame.filter(frame["ts"].to_physical() % MINUTE != 0).height
    return [
        judge_gaps(manifest, desk.settings.quality.max_gap_minutes),
        Finding(
            "has_no_duplicates",
            repeated + manifest.extra["duplicates"] == 0,
            {"in_table": repeated, "left_out": manifest.extra["duplicates"]},
            severity=_blocks(repeated > 0),
        ),
        Finding(
            "is_on_the_grid",
            stray + len(manifest.extra["off_grid"]) == 0,
            {"in_table": stray, "left_out": len(manifest.extra["off_grid"])},
            severity=_blocks(stray > 0),
        ),
        _judge_prices(frame, symbol),
        Finding(
            "is_fresh",
            late <= _LATE_MINUTES,
            {"minutes_behind": late, "unfinished": manifest.extra["unfinished"]},
            severity=dg.AssetCheckSeverity.WARN,
        ),
        *judge_oddities(manifest),
    ]


def _judge_five_minutes(desk: "Desk", key: str) -> list[Finding]:
    from trading_assets.workflows.freeze_calendars import expected_rows
    from trading_assets.workflows.native_tables import native_size

    month, symbol = month_and_symbol(key)
    minutes = desk.tables.require("bars_1m", symbol, month)
    bars = desk.tables.require("bars_5m", symbol, month)
    last_bar = (bars.max_ts or month.start) + Timeframe.M5.micros
    expected = expected_rows(desk, symbol, desk.tables.read_manifest(minutes))
    inside = expected["ts"].to_physical() < last_bar
    counted = int(desk.tables.read_manifest(bars)["n_minutes"].sum())
    is_current = bars.parents.get(minutes.address) == minutes.version
    native = native_size(minutes)
    if native is not None:
        is_right = bars.rows == 0 or native.micros <= Timeframe.M5.micros
        told = {"native": native.value, "bars": bars.rows, "is_current": is_current}
        return [Finding("is_made_of_current_minutes", is_current and is_right, told)]
    return [
        Finding(
            "is_made_of_current_minutes",
            is_current and counted == int(inside.sum()),
            {"minutes_in_bars": counted, "minutes": int(inside.sum()), "is_current": is_current},
        )
    ]


def _judge_prices(frame: "pl.DataFrame", symbol: Symbol) -> Finding:
    from trading_assets.market.bar_frame import validate_bars

    try:
        validate_bars(frame, symbol)
    except DataError as error:
        return Finding("prices_are_possible", passed=False, description=str(error))
    return Finding("prices_are_possible", passed=True)


def _blocks(is_grave: bool) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if is_grave else dg.AssetCheckSeverity.WARN


def _closes(desk: "Desk", timeframe: Timeframe) -> Callable[[Symbol, Month], Sequence[float]]:
    def closes(symbol: Symbol, month: Month) -> Sequence[float]:
        frame = desk.tables.read(f"bars_{timeframe.value}", symbol, month)
        return list(frame["close"])

    return closes


def _lacking(desk: "Desk") -> Callable[[Symbol, Month], dict[str, Any]]:
    def report(symbol: Symbol, month: Month) -> dict[str, Any]:
        from trading_assets.workflows.raw_report import raw_report

        found = raw_report(desk, symbol, month)
        picture = {"coverage": heat_map(found.coverage)} if found.coverage else {}
        return {**facts(found.facts), **picture}

    return report


def _coverage(desk: "Desk") -> Callable[[Symbol, Month], dict[str, Any]]:
    def picture(symbol: Symbol, month: Month) -> dict[str, Any]:
        from trading_assets.workflows.coverage import month_coverage

        return {"coverage": heat_map(month_coverage(desk, symbol, month))}

    return picture
