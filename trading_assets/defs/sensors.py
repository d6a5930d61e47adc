"""What happens by itself: green decisions are published, data sets follow, runs are kept alive.

None of it can reach a book with real money: what it launches refuses those.
"""

# No postponed annotations here: Dagster reads the types of a sensor's arguments.
from collections.abc import Sequence
from datetime import datetime

import dagster as dg

from trading_assets.defs.assets.models import forecast_model
from trading_assets.defs.assets.promotion import DECISION_CHECK, promotion_decision
from trading_assets.defs.books import PROMOTED_BOOK
from trading_assets.defs.jobs import (
    BOOK_TAG,
    DECISION_TAG,
    RELEASE_TAG,
    daily_results,
    daily_tables,
    live_trading,
    promote,
    promote_config,
    retrain,
)
from trading_assets.defs.partitions import DAILY_TAG, SETTINGS, key_range, open_months, range_tags
from trading_assets.defs.run_watch import report_dead

MAX_ATTEMPTS = 3
_RELEASE = dg.AssetKey(["release", PROMOTED_BOOK])
ENDED = {
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
}


@dg.sensor(
    job=promote,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def promote_if_green(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Publish the newest decision when it says promote and its check is green; once.

    The cursor is the newest decision that needs nothing more. What has been tried is read from the
    runs themselves, so a restart neither repeats nor forgets anything; a failed run is tried
    again, at most three times in all.
    """
    records = context.instance.fetch_materializations(promotion_decision.key, limit=1).records
    if not records:
        return dg.SkipReason("nothing was decided yet")
    newest = records[0]
    if context.cursor == str(newest.storage_id):
        return dg.SkipReason("the newest decision is settled")
    green, why = _is_green(context.instance, newest)
    if green is None:
        return dg.SkipReason(why)
    if green:
        decision_id = metadata_text(newest, "decision_id")
        attempts = runs_with(context.instance, promote.name, DECISION_TAG, decision_id)
        why = why_not_again(attempts)
        if not why:
            return dg.RunRequest(
                run_key=f"promote:{decision_id}:{len(attempts) + 1}",
                run_config=promote_config(decision_id),
                tags={DECISION_TAG: decision_id},
            )
        if any(run.status not in ENDED for run in attempts):
            return dg.SkipReason(why)
    context.update_cursor(str(newest.storage_id))
    return dg.SkipReason(why)


@dg.sensor(
    job=live_trading,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
)
def keep_live_running(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start the paper book's live run when there is a release, and again when it failed.

    Off unless a person switches it on. A run that was stopped is not started again; one that
    failed is, at most three times per release. One whose process is gone, which Dagster does not
    notice by itself, is reported as failed at the second look that finds nobody trading.
    """
    records = context.instance.fetch_materializations(_RELEASE, limit=1).records
    if not records:
        return dg.SkipReason("there is no release to trade")
    release_id = metadata_text(records[0], "release_id")
    runs = _live_runs(context.instance, release_id, since=records[0].timestamp)
    if any(run.status not in ENDED for run in runs):
        suspects = report_dead(context.instance, runs, set((context.cursor or "").split()))
        context.update_cursor(" ".join(sorted(suspects)))
        runs = _live_runs(context.instance, release_id, since=records[0].timestamp)
    if any(run.status not in ENDED for run in runs):
        return dg.SkipReason("a live run is there")
    attempts = [run for run in runs if run.tags.get(RELEASE_TAG) == release_id]
    why = why_not_again(attempts) or _was_stopped(runs)
    if why:
        return dg.SkipReason(why)
    return dg.RunRequest(
        run_key=f"live:{PROMOTED_BOOK}:{release_id}:{len(attempts) + 1}",
        tags={BOOK_TAG: PROMOTED_BOOK, RELEASE_TAG: release_id},
    )


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    monitored_jobs=[daily_tables, retrain],
    request_jobs=[retrain, daily_results],
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=30,
)
def daily_chain(context: dg.RunStatusSensorContext) -> dg.RunRequest | dg.SkipReason:
    """Launch the next link of a daily chain, when the one before it has succeeded."""
    day = context.dagster_run.tags.get(DAILY_TAG)
    if day is None:
        return dg.SkipReason("not of a daily chain")
    months = open_months(int(datetime.fromisoformat(f"{day}T00:00Z").timestamp()) * 1_000_000)
    if context.dagster_run.job_name == daily_tables.name:
        trained = context.instance.get_materialized_partitions(forecast_model.key)
        first = min({*trained, str(months[0])})
        return dg.RunRequest(
            run_key=f"retrain:{day}",
            job_name=retrain.name,
            tags={DAILY_TAG: day, **range_tags(first, str(months[-1]))},
        )
    return dg.RunRequest(
        run_key=f"results:{day}",
        job_name=daily_results.name,
        tags={DAILY_TAG: day, **range_tags(*key_range(*months, SETTINGS.symbols))},
    )


follow_tables = dg.AutomationConditionSensorDefinition(
    "follow_tables",
    target=dg.AssetSelection.key_prefixes(["dataset"]),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=60,
    description="Freezes a data set again when a month of its table has changed, so that models "
    "and backtests made of it are shown as stale.",
)


def _live_runs(
    instance: dg.DagsterInstance, release_id: str, *, since: float
) -> list[dg.DagsterRun]:
    """List the live runs that could have traded a release; what ended last comes first.

    Whoever has started them, and for whichever release: a run goes over to the next one as that is
    published.
    """
    found = instance.get_run_records(
        filters=dg.RunsFilter(job_name=live_trading.name, tags={BOOK_TAG: PROMOTED_BOOK})
    )
    ends = {r.dagster_run.run_id: r.end_time or r.update_timestamp.timestamp() for r in found}
    runs = [record.dagster_run for record in found]
    return sorted(
        (
            run
            for run in runs
            if run.status not in ENDED
            or run.tags.get(RELEASE_TAG) == release_id
            or ends[run.run_id] >= since
        ),
        key=lambda run: ends[run.run_id],
        reverse=True,
    )


def _was_stopped(runs: Sequence[dg.DagsterRun]) -> str:
    """Say so when the run that ended last did as somebody wanted; "" when it failed."""
    if runs and runs[0].status != dg.DagsterRunStatus.FAILURE:
        return "the last live run was stopped"
    return ""


def _is_green(instance: dg.DagsterInstance, decision: dg.EventLogRecord) -> tuple[bool | None, str]:
    """Tell whether a decision is to be published; None while its check is not there yet."""
    verdict = metadata_text(decision, "verdict")
    if verdict != "promote":
        return False, f"the newest decision says {verdict}"
    key = DECISION_CHECK
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key([key]).get(key)
    evaluation = found.evaluation if found else None
    if not isinstance(evaluation, dg.AssetCheckEvaluation):
        return None, f"waiting for the check {key.name} of the newest decision"
    judged = evaluation.target_materialization_data
    if judged is None or judged.storage_id != decision.storage_id:
        return None, f"waiting for the check {key.name} of the newest decision"
    return evaluation.passed, f"the check {key.name} of the newest decision failed"


def why_not_again(attempts: Sequence[dg.DagsterRun]) -> str:
    """Say why nothing is to be launched after these runs; "" when another try is due."""
    if any(run.status not in ENDED for run in attempts):
        return "a run is at work"
    if any(run.status == dg.DagsterRunStatus.SUCCESS for run in attempts):
        return "it was done"
    if len(attempts) >= MAX_ATTEMPTS:
        return f"given up after {MAX_ATTEMPTS} failed runs"
    return ""


def runs_with(
    instance: dg.DagsterInstance, job_name: str, tag: str, value: str
) -> Sequence[dg.DagsterRun]:
    """List the runs of a job that have this tag."""
    return instance.get_runs(filters=dg.RunsFilter(job_name=job_name, tags={tag: value}))


def metadata_text(record: dg.EventLogRecord, name: str) -> str:
    """Give one value of a materialisation's metadata as text, "" when it is not there."""
    materialization = record.asset_materialization
    value = materialization.metadata.get(name) if materialization else None
    return str(value.value) if value is not None else ""
