"""Repair by itself: each set of unexplained gaps is asked for once, and what fails a few times."""

# No postponed annotations here: Dagster reads the types of a sensor's arguments.
import json
from typing import Any

import dagster as dg

from trading_assets.defs.assets.market_data import bars_1m, raw_klines
from trading_assets.defs.jobs import GAPS_TAG, REPAIR, repair_bars
from trading_assets.defs.partitions import SETTINGS, month_and_symbol, range_tags
from trading_assets.defs.sensors import ENDED, metadata_text, runs_with, why_not_again

_TELLING = (raw_klines, bars_1m)
"""Tables whose events say what a month lacks."""

EVENTS_AT_ONCE = 500
"""Materialisations of one table that one tick reads."""

RUNS_AT_ONCE = 5
"""Runs that one tick asks for."""


@dg.sensor(
    job=repair_bars,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def repair_gaps(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Ask the vendor again where new minutes have gaps that nothing explains and nobody confirmed.

    What fetched bytes lack counts, too: a month with a gap too long to be published has no bars.
    While the run that told of a gap is at work, it is waited for, as both would publish the month.

    The cursor holds the last event read, and the months whose gaps are not settled. A set of gaps
    is asked for until one run has succeeded, at most three times; what has been tried is read from
    the runs, so a restart neither repeats nor forgets anything. Another set is another question.
    """
    seen, unsettled = _read(context.instance, context.cursor)
    requests: list[dg.RunRequest] = []
    for key, gaps in sorted(unsettled.items()):
        value = f"{key}:{gaps}"
        attempts = runs_with(context.instance, repair_bars.name, GAPS_TAG, value)
        if _is_at_work(context.instance, key):
            continue
        if not why_not_again(attempts):
            requests.append(
                dg.RunRequest(
                    run_key=f"repair:{value}:{len(attempts) + 1}",
                    run_config=REPAIR,
                    tags={GAPS_TAG: value, **range_tags(key, key)},
                )
            )
        elif all(run.status in ENDED for run in attempts):
            del unsettled[key]
    cursor = json.dumps({"seen": seen, "unsettled": unsettled}, sort_keys=True)
    if requests:
        return dg.SensorResult(run_requests=requests[:RUNS_AT_ONCE], cursor=cursor)
    waiting = f"{len(unsettled)} months are being repaired" if unsettled else "no open gaps"
    return dg.SensorResult(skip_reason=dg.SkipReason(waiting), cursor=cursor)


def _read(instance: dg.DagsterInstance, cursor: str | None) -> tuple[int, dict[str, str]]:
    """Give the last event, and the open gaps (their hash) by month, after the newest events."""
    state: dict[str, Any] = json.loads(cursor) if cursor else {"seen": 0, "unsettled": {}}
    seen, unsettled = int(state["seen"]), dict(state["unsettled"])
    for record in _news(instance, seen):
        key, gaps = str(record.partition_key), metadata_text(record, "unconfirmed_set")
        unsettled.pop(key, None)
        if gaps and month_and_symbol(key)[1] in SETTINGS.symbols:
            unsettled[key] = gaps
        seen = record.storage_id
    return seen, unsettled


def _news(instance: dg.DagsterInstance, seen: int) -> list[dg.EventLogRecord]:
    """Give the events after `seen`, in order, as far as those of every table are known."""
    pages = [
        instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=table.key, after_storage_id=seen),
            limit=EVENTS_AT_ONCE,
            ascending=True,
        ).records
        for table in _TELLING
    ]
    full = [page[-1].storage_id for page in pages if len(page) == EVENTS_AT_ONCE]
    records = sorted((r for page in pages for r in page), key=lambda record: record.storage_id)
    return [record for record in records if not full or record.storage_id <= min(full)]


def _is_at_work(instance: dg.DagsterInstance, key: str) -> bool:
    """Tell whether the run that last told of this month has not ended."""
    for table in _TELLING:
        wanted = dg.AssetRecordsFilter(asset_key=table.key, asset_partitions=[key])
        for record in instance.fetch_materializations(wanted, limit=1).records:
            run = instance.get_run_by_id(record.run_id)
            if run is not None and run.status not in ENDED:
                return True
    return False
