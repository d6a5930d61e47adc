"""Conduct: whether the release of each book does what was predicted, and its page in MLflow."""

# No postponed annotations here: Dagster reads the types of a body's arguments.
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.assets.live import (
    GROUP,
    LIVE_RUNS,
    found_of,
    live_parity,
    of_each_book,
    taken_back,
)
from trading_assets.defs.partition_events import (
    CheckEvents,
    Finding,
    PartitionEvents,
    Version,
    check_each,
    report_each,
)
from trading_assets.defs.partitions import DAYS, ONE_RUN
from trading_assets.defs.presentation import facts, table
from trading_assets.defs.resources import DeskResource
from trading_assets.defs.run_tags import run_tags
from trading_assets.domain.ids import content_hash
from trading_assets.workflows.code_hash import source_hash

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk
    from trading_assets.workflows.live_conduct import ConductReport

_OF_A_RULE = ("rule", "passed", "value", "threshold", "note")
_CODE_VERSION = source_hash(
    "evaluation/conduct.py",
    "evaluation/bootstrap.py",
    "evaluation/predicted_band.py",
    "workflows/live_conduct.py",
    "workflows/lived.py",
)[:16]


@dg.asset(
    deps=[*LIVE_RUNS, live_parity],
    partitions_def=DAYS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=_CODE_VERSION,
    kinds={"numpy"},
)
def live_conduct(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """Whether each book's release does what was predicted of it, up to the end of the day.

    Its probation for real money, and the rules that take a book back; docs/gate.md explains both.
    Of a day that `live_parity` has not looked at, nothing is known.
    """
    yield from report_each(context, partial(_conduct_of, context.instance, desk.open()))


@dg.asset(
    deps=[live_conduct],
    partitions_def=DAYS,
    backfill_policy=ONE_RUN,
    group_name=GROUP,
    code_version=source_hash("workflows/log_conduct.py")[:16],
    kinds={"mlflow"},
)
def live_conduct_pages(context: dg.AssetExecutionContext, desk: DeskResource) -> PartitionEvents:
    """The page in MLflow of the release that each book trades; nothing waits for it."""
    tags = partial(run_tags, context.run.run_id, context.asset_key)
    yield from report_each(context, partial(_pages_of, context.instance, desk.open(), tags))


CHECKS = [
    dg.AssetCheckSpec(
        "as_predicted",
        asset=live_conduct,
        description="No rule of `conduct.demotes_by` has failed.",
        partitions_def=DAYS,
    )
]


@dg.multi_asset_check(specs=CHECKS, can_subset=True)
def conduct_checks(context: dg.AssetCheckExecutionContext, desk: DeskResource) -> CheckEvents:
    """Judge each release, book by book; one that was found wanting is taken back."""
    judge = partial(_judge, context.instance, desk.open())
    yield from check_each(context, CHECKS, judge)


def _conduct_of(instance: dg.DagsterInstance, desk: "Desk", key: str) -> Version:
    def of_book(book: str, day: date) -> Mapping[str, Any]:
        report = _judged(instance, desk, book, day)
        wanting = report.found_wanting(desk.settings.conduct.demotes_by)
        return report.plain() | {
            "has_proven_itself": report.has_proven_itself,
            "wanting": [f"{rule.rule}: {rule.note or rule.value}" for rule in wanting],
        }

    reports = of_each_book(desk, key, of_book)
    metadata = facts(
        {
            name: {book: report[name] for book, report in reports.items()}
            for name in ("release_id", "has_proven_itself", "wanting")
        }
    )
    for book, report in reports.items():
        for of in ("probation", "demotion"):
            metadata[f"{book} {of}"] = table(report[of], _OF_A_RULE)
    return Version(content_hash(reports), metadata)


def _pages_of(
    instance: dg.DagsterInstance,
    desk: "Desk",
    tags_of: Callable[[str], Mapping[str, str]],
    key: str,
) -> Version:
    from trading_assets.workflows.log_conduct import log_conduct

    def page_of(book: str, day: date) -> str:
        return log_conduct(desk, _judged(instance, desk, book, day), tags_of(key)).url

    pages = of_each_book(desk, key, page_of)
    links = {book: dg.MetadataValue.url(url) for book, url in pages.items()}
    return Version(content_hash(dict(pages)), links)


def _judged(instance: dg.DagsterInstance, desk: "Desk", book: str, day: date) -> "ConductReport":
    """Judge a book by what `live_parity` has found of its days; none is replayed once more."""
    from trading_assets.workflows.live_conduct import live_conduct as judged

    def is_exact(of: date) -> bool | None:
        equal: Any = found_of(instance, live_parity.key, of.isoformat(), "equal")
        return None if book not in equal else bool(equal[book])

    return judged(desk, book, is_exact=is_exact, until=day)


def _judge(instance: dg.DagsterInstance, desk: "Desk", key: str) -> list[Finding]:
    """Look at what the day's report says; it is not made once more."""
    wanting: Any = found_of(instance, live_conduct.key, key, "wanting")
    releases: Any = found_of(instance, live_conduct.key, key, "release_id")
    done = [
        taken_back(desk, book, releases[book], "; ".join(rules), "conduct")
        for book, rules in wanting.items()
        if rules
    ]
    said = {"wanting": dict(wanting), "done": done}
    return [Finding("as_predicted", not any(wanting.values()), said)]
