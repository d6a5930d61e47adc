"""Live: the runs of the books, and what they did, day by day, read from their journals."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import dagster as dg

from trading_assets.defs.alert_sensor import CHECK, evaluation
from trading_assets.defs.books import play_money_books, traded_book
from trading_assets.defs.lineage_links import TRACE, trace_commands
from trading_assets.defs.live_run import live_run_key
from trading_assets.defs.partition_events import (
    CheckEvents,
    Finding,
    PartitionEvents,
    Version,
    check_each,
    report_each,
)
from trading_assets.defs.partitions import DAYS, ONE_RUN, SETTINGS
from trading_assets.defs.presentation import facts, sparkline, table
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.ids import content_hash
from trading_assets.workflows.code_hash import source_hash

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

GROUP = "live"
_T = TypeVar("_T")
_PREVIEW_ROWS = 20
_CODE_VERSION = source_hash(
    "live",
    "workflows/expected_fills.py",
    "workflows/fill_differences.py",
    "workflows/live_tables.py",
    "workflows/replay_live_day.py",
)[:16]

LIVE_RUNS = [
    dg.AssetSpec(
        live_run_key(book),
        deps=[dg.AssetKey(["release", traded_book(SETTINGS, book)])],
        group_name=GROUP,
        kinds={"python", "sqlite"},
        description=f"The live run of book `{book}`: what it says of itself every hour and on "
        "every change of state, and the sum of it when it ends. Start it with the job "
        "`live_trading`; terminating that run stops it cleanly.",
    )
    for book in play_money_books(SETTINGS)
]


def _report(name: str, description: str) -> dg.AssetsDefinition:
    @dg.asset(
        name=f"live_{name}",
        description=description,
        deps=LIVE_RUNS,
        partitions_def=DAYS,
        backfill_policy=ONE_RUN,
        group_name=GROUP,
        code_version=_CODE_VERSION,
        kinds={"sqlite"},
    )
    def report(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
        yield from report_each(context, partial(_day_of, desk.open(), name))

    return report


live_orders = _report("orders", "Orders that left on the day, with the latest known state of each.")
live_fills = _report("fills", "Executions of the day by the venue's time, with their fees.")
live_equity = _report("equity", "Equity and drawdown at the close of every bar of the day.")


@dg.asset(
    deps=LIVE_RUNS,
    partitions_def=DAYS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=_CODE_VERSION,
    kinds={"numba"},
)
def live_parity(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """The day again: signals computed anew and replayed in the engine, compared with the journal.

    Parity means that every bar, signal row and decision is the same, by hash.
    """
    yield from report_each(context, partial(_parity_of, desk.open()))


@dg.asset(
    deps=LIVE_RUNS,
    partitions_def=DAYS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=_CODE_VERSION,
    kinds={"numba"},
)
def live_fill_differences(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """What the venue gave each order of the day, beside what the engine's own rules give it.

    Codes: missed, late, price, size, extra. Bps and quote are above zero where the venue was worse.
    """
    yield from report_each(context, partial(_fills_of, desk.open()))


REPORTS = [
    live_orders,
    live_fills,
    live_equity,
    live_parity,
    live_fill_differences,
]

LIVE_PARITY_CHECKS = [
    dg.AssetCheckSpec(
        "is_exact",
        asset=live_parity,
        description="No bar, signal row, decision or engine state of the day differs.",
        partitions_def=DAYS,
    )
]
LIVE_FILL_CHECKS = [
    dg.AssetCheckSpec(
        "as_expected",
        asset=live_fill_differences,
        description="Fills of the day are as good as `live.parity_*` of the settings asks for.",
        partitions_def=DAYS,
    )
]


LIVE_ALERT_CHECKS = [
    dg.AssetCheckSpec(
        CHECK,
        asset=live_run_key(book),
        description="Nothing alerts; judged by the sensor `tell_alerts` whenever that changes.",
    )
    for book in play_money_books(SETTINGS)
]


@dg.multi_asset_check(specs=LIVE_ALERT_CHECKS, can_subset=True)
def live_alert_checks(
    context: dg.AssetCheckExecutionContext, desk: DeskResource
) -> Iterator[dg.AssetCheckEvaluation]:
    """Look at the alerts of each book that stand now."""
    from trading_assets.storage.alert_file import AlertFile
    from trading_assets.workflows.live_book import live_book

    settings = desk.open().settings
    for key in sorted(context.selected_asset_check_keys):
        book = key.asset_key.path[-1]
        yield evaluation(book, AlertFile(live_book(settings, book).folder).standing())


@dg.multi_asset_check(specs=LIVE_PARITY_CHECKS, can_subset=True)
def live_parity_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Judge each day's parity, book by book; with `live.parity_demotes` a bad day takes back."""
    judge = partial(_judge_parity, context.instance, desk.open())
    yield from check_each(context, LIVE_PARITY_CHECKS, judge)


@dg.multi_asset_check(specs=LIVE_FILL_CHECKS, can_subset=True)
def live_fill_checks(context: dg.AssetCheckExecutionContext) -> CheckEvents:
    """Judge each day's fills, book by book."""
    yield from check_each(context, LIVE_FILL_CHECKS, partial(_judge_fills, context.instance))


def _day_of(desk: "Desk", name: str, key: str) -> Version:
    from trading_assets.workflows.live_tables import live_tables

    frames = of_each_book(desk, key, lambda book, day: live_tables(desk, book, day)[name])
    rows = {book: [_plain(row) for row in frame.rows(named=True)] for book, frame in frames.items()}
    metadata: dict[str, Any] = {"dagster/row_count": sum(map(len, rows.values()))}
    for book, frame in frames.items():
        metadata[f"{book} rows"] = frame.height
        if frame.height and name == "equity":
            metadata[f"{book} equity"] = sparkline(frame["equity"].to_list())
        elif frame.height:
            metadata[book] = table(rows[book][:_PREVIEW_ROWS], frame.columns)
        if frame.height and name == "orders":
            metadata[f"{book} {TRACE}"] = trace_commands(book, rows[book][:_PREVIEW_ROWS])
    return Version(content_hash(rows), metadata)


def _parity_of(desk: "Desk", key: str) -> Version:
    from trading_assets.workflows.replay_live_day import replay_live_day

    reports = of_each_book(desk, key, partial(replay_live_day, desk))
    plain = {book: asdict(report) | {"day": key} for book, report in reports.items()}
    verdicts = {book: report.is_equal for book, report in reports.items()}
    return Version(content_hash(plain), facts({"equal": verdicts, **plain}))


def _fills_of(desk: "Desk", key: str) -> Version:
    from trading_assets.workflows.fill_differences import fill_differences

    reports = of_each_book(desk, key, partial(fill_differences, desk))
    plain = {book: asdict(report) | {"day": key} for book, report in reports.items()}
    failures = {book: list(report.failures) for book, report in reports.items()}
    metadata = facts({"failures": failures})
    for book, report in plain.items():
        rows = sorted(report["rows"], key=lambda row: not row["codes"])
        metadata[f"{book} orders"] = len(rows)
        metadata[f"{book} odd"] = report["odd"]
        if rows:
            metadata[f"{book} fills"] = table(rows[:_PREVIEW_ROWS], tuple(rows[0]))
            bps = [row["bps"] for row in report["rows"] if row["bps"] is not None]
            metadata[f"{book} bps"] = sparkline(bps)
        if report["slippage"]:
            metadata[f"{book} slippage"] = table(report["slippage"], tuple(report["slippage"][0]))
    return Version(content_hash(plain), metadata)


def _judge_parity(instance: dg.DagsterInstance, desk: "Desk", key: str) -> list[Finding]:
    """Look at what the replay of the day found; it is not replayed once more."""
    equal: Any = found_of(instance, live_parity.key, key, "equal")
    done = [
        taken_back(
            desk,
            book,
            found_of(instance, live_parity.key, key, book)["release_id"],
            f"the decisions of {key} cannot be had again to the bit",
            "parity",
        )
        for book, is_equal in equal.items()
        if not is_equal and desk.settings.live.parity_demotes
    ]
    return [Finding("is_exact", all(equal.values()), {"books": dict(equal), "done": done})]


def _judge_fills(instance: dg.DagsterInstance, key: str) -> list[Finding]:
    failures: Any = found_of(instance, live_fill_differences.key, key, "failures")
    return [Finding("as_expected", not any(failures.values()), {"failures": dict(failures)})]


def taken_back(desk: "Desk", book: str, release_id: str, reason: str, source: str) -> str:
    """Take a book back from a release that was found wanting; it only tightens."""
    from trading_assets.workflows.switch_release import demote

    return demote(desk, book, release_id=release_id, reason=reason, source=source)


def found_of(instance: dg.DagsterInstance, asset: dg.AssetKey, key: str, name: str) -> Any:
    """Read what the latest materialisation of a day says."""
    wanted = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[key])
    records = instance.fetch_materializations(wanted, limit=1).records
    made = records[0].asset_materialization if records else None
    found = made.metadata if made else {}
    return found[name].value if name in found else {}


def of_each_book(desk: "Desk", key: str, read: Callable[[str, date], _T]) -> Mapping[str, _T]:
    """Read one day of every book that was live on it."""
    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.live_tables import live_days

    day = date.fromisoformat(key)
    return {
        book: read(book, day)
        for book in play_money_books(desk.settings)
        if live_book(desk.settings, book).folder.exists() and day in live_days(desk, book)
    }


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value if isinstance(value, float | int | None) else str(value)
        for name, value in row.items()
    }
