"""Build the graph over some months, in this process: `python -m trading_assets.build`.

It runs the jobs that the UI and the schedules run, on the same instance, and shows how far they
are. Repeating it changes nothing that has not changed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import dagster as dg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from trading_assets.definitions import defs
from trading_assets.defs.assets.models import forecasts
from trading_assets.defs.assets.promotion import promotion_decision
from trading_assets.defs.assets.regimes import dataset_regimes, regimes
from trading_assets.defs.jobs import (
    DECISION_TAG,
    daily_results,
    daily_tables,
    live_reports,
    promote,
    promote_config,
    retrain,
)
from trading_assets.defs.partitions import SETTINGS, key_range, range_tags
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError
from trading_assets.domain.ids import Month

_MONTHS_TO_LEARN_FROM = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of a job: what people read, what it covers, and how many results it will report."""

    title: str
    job: str
    tags: Mapping[str, str]
    results: int
    only: Sequence[dg.AssetKey] | None = None


def main() -> None:
    """Build the months that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", default="", help="2024-01,2024-02,2024-03")
    parser.add_argument(
        "--model-for", default="", help="also train the model of this later month, for live"
    )
    parser.add_argument(
        "--live-days", default="", help="2024-04-01: the reports of these days, and nothing else"
    )
    arguments = parser.parse_args()
    os.environ.setdefault("DAGSTER_HOME", str(SETTINGS.home / "dagster_home"))
    try:
        if arguments.live_days:
            report(arguments.live_days.split(","))
            return
        months = sorted(Month.from_text(text) for text in arguments.months.split(","))
        extra = [Month.from_text(arguments.model_for)] if arguments.model_for else []
        build(months, extra)
    except TradingAssetsError as error:
        Console(stderr=True).print(f"[bold red]{type(error).__name__}[/]: {error}", highlight=False)
        sys.exit(2)


def build(months: Sequence[Month], model_for: Sequence[Month] = ()) -> None:
    """Run every stage in order, and publish what the decision promotes.

    Raises:
        ConfigurationError: if there are too few months to learn from.
        TradingAssetsError: if a stage fails; the ones before it stand.
    """
    if len(months) <= _MONTHS_TO_LEARN_FROM:
        raise ConfigurationError(
            "Too few months to build",
            expected=f"at least {_MONTHS_TO_LEARN_FROM + 1}: one to learn from, one to judge",
            found=", ".join(map(str, months)),
        )
    with dg.DagsterInstance.get() as instance, _progress() as progress:
        for stage in _stages(months, model_for):
            _run(instance, stage, progress)
        decision_id = _promoted(instance)
        if decision_id:
            stage = Stage("release", promote.name, {DECISION_TAG: decision_id}, 1)
            _run(instance, stage, progress, promote_config(decision_id))


def report(days: Sequence[str]) -> None:
    """Run the live reports of some days of market time.

    Raises:
        TradingAssetsError: if a report fails.
    """
    with dg.DagsterInstance.get() as instance, _progress() as progress:
        tags = range_tags(days[0], days[-1])
        _run(instance, Stage("live reports", live_reports.name, tags, 5 * len(days)), progress)


def _stages(months: Sequence[Month], model_for: Sequence[Month]) -> Iterator[Stage]:
    symbols = SETTINGS.symbols
    for chunk in _contiguous(months):
        tags = range_tags(*key_range(chunk[0], chunk[-1], symbols))
        tables = 6 * len(chunk) * len(symbols) + 4
        title = f"bars and features {_span(chunk)}"
        yield Stage(title, daily_tables.name, tags, tables, only=_without_regimes())
    tags = range_tags(*key_range(months[-1], months[-1], symbols))
    yield Stage(f"regimes {months[-1]}", daily_tables.name, tags, len(symbols) + 1, only=_REGIMES)
    judged = months[_MONTHS_TO_LEARN_FROM:]
    for chunk in _contiguous([*judged, *model_for]):
        tags = range_tags(str(chunk[0]), str(chunk[-1]))
        yield Stage(f"models, universe {_span(chunk)}", retrain.name, tags, 2 * len(chunk) + 1)
    chunks = _contiguous(judged)
    for chunk in chunks[:-1]:
        tags = range_tags(*key_range(chunk[0], chunk[-1], symbols))
        keys = len(chunk) * len(symbols)
        yield Stage(
            f"forecasts {_span(chunk)}", daily_results.name, tags, keys, only=[forecasts.key]
        )
    last = chunks[-1]
    tags = range_tags(*key_range(last[0], last[-1], symbols))
    results = 2 * len(last) * len(symbols) + len(_backtests()) + 2
    yield Stage("forecasts, backtests, decision", daily_results.name, tags, results)


_REGIMES = (regimes.key, dataset_regimes.key)


def _without_regimes() -> list[dg.AssetKey]:
    """Give what makes tables, without what is estimated for seconds per month and symbol.

    Only the last month is shown; no shipped spec looks at regimes.
    """
    made = defs.resolve_job_def(daily_tables.name).asset_layer.selected_asset_keys
    return sorted(made - set(_REGIMES))


def _run(
    instance: dg.DagsterInstance,
    stage: Stage,
    progress: Progress,
    run_config: Mapping[str, object] | None = None,
) -> None:
    task = progress.add_task(stage.title, total=stage.results)
    run_id = str(uuid4())
    with _told_of_results(instance, run_id, lambda: progress.advance(task)):
        result = defs.resolve_job_def(stage.job).execute_in_process(
            run_id=run_id,
            instance=instance,
            tags=dict(stage.tags),
            asset_selection=list(stage.only) if stage.only else None,
            run_config={**(run_config or {}), **_QUIET},
            raise_on_error=False,
        )
    if not result.success:
        progress.stop()
        raise TradingAssetsError(
            f"{stage.title}: a step failed", found=_first_failure(result), fix=_WHERE
        )
    progress.update(task, total=progress.tasks[task].completed)


_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Events go to the instance, where the UI shows them; the terminal shows progress."""

_WHERE = "The whole story is in the Dagster UI (`make up`), under Runs."


def _first_failure(result: dg.ExecuteInProcessResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            return f"{event.step_key}: {error.message.strip() if error else 'no message'}"
    return "a run without a failed step"


@contextmanager
def _told_of_results(
    instance: dg.DagsterInstance, run_id: str, tell: Callable[[], None]
) -> Iterator[None]:
    """Call `tell` for every materialisation of a run of this process, as it is written."""

    def notice(event: dg.EventLogEntry) -> None:
        found = event.dagster_event
        if found is not None and found.is_step_materialization:
            tell()

    instance.add_event_listener(run_id, notice)
    yield


def _promoted(instance: dg.DagsterInstance) -> str:
    """Give the id of the newest decision when it says promote, else ""."""
    event = instance.get_latest_materialization_event(promotion_decision.key)
    materialization = event.asset_materialization if event else None
    if materialization is None or materialization.metadata["verdict"].value != "promote":
        return ""
    return str(materialization.metadata["decision_id"].value)


def _backtests() -> list[dg.AssetKey]:
    keys = defs.resolve_asset_graph().get_all_asset_keys()
    return [key for key in keys if key.path[0] == "backtest"]


def _contiguous(months: Sequence[Month]) -> list[list[Month]]:
    chunks: list[list[Month]] = []
    for month in sorted(set(months)):
        if chunks and chunks[-1][-1].shift(1) == month:
            chunks[-1].append(month)
        else:
            chunks.append([month])
    return chunks


def _span(months: Sequence[Month]) -> str:
    return str(months[0]) if len(months) == 1 else f"{months[0]} to {months[-1]}"


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description:<34}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(),
    )


if __name__ == "__main__":
    main()
