"""Alerts of live books in Dagster: each change is an observation of the live run, told once."""

# No postponed annotations here: Dagster reads the types of a sensor's arguments.
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import dagster as dg

from trading_assets.defs.books import play_money_books
from trading_assets.defs.live_run import live_run_key
from trading_assets.domain.errors import CorruptFile
from trading_assets.settings import load_settings

if TYPE_CHECKING:
    from trading_assets.storage.alert_file import AlertFile, AlertLine

CHECK = "no_alerts"
MOST = 100
"""Observations of one tick; writing one takes tens of milliseconds."""


@dg.sensor(minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.RUNNING)
def tell_alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Show what began and ended to alert, and judge `no_alerts` of the books that changed.

    The lines of a book's `alerts.jsonl` are told in order; the cursor says how far, file by file. A
    tick that was cut off before its cursor was kept is made good by what the observations say.
    """
    from trading_assets.storage.alert_file import alert_files

    settings = load_settings().settings
    told: dict[str, int] = json.loads(context.cursor or "{}")
    kept: dict[str, int] = {}
    events: list[Any] = []
    for file in alert_files(settings.data_root / "live"):
        try:
            name = file.identity
            kept[name] = told.get(name, 0)
            if next(file.lines(kept[name]), None) is None:
                continue
            kept[name] = max(kept[name], _told_before(context.instance, file))
            lines = list(islice(file.lines(kept[name]), MOST - len(events)))
            events += [_observation(line, name) for line in lines]
            kept[name] = lines[-1].n if lines else kept[name]
            if lines and file.path.parent.name in play_money_books(settings):
                events.append(evaluation(file.path.parent.name, file.standing()))
        except (OSError, CorruptFile):
            context.log.exception("The alerts in %s cannot be read", file.path)
    if not events:
        return dg.SkipReason("no alert has begun or ended")
    return dg.SensorResult(asset_events=events, cursor=json.dumps(kept, sort_keys=True))


def evaluation(book: str, standing: dict[str, str]) -> dg.AssetCheckEvaluation:
    """Judge a book by the alerts that stand."""
    return dg.AssetCheckEvaluation(
        asset_key=live_run_key(book),
        check_name=CHECK,
        passed=not standing,
        metadata={name: dg.MetadataValue.text(text) for name, text in standing.items()},
    )


def _observation(line: "AlertLine", file: str) -> dg.AssetObservation:
    text = f"{line.alert}: {line.reason}" if line.begins else f"{line.alert} is over"
    return dg.AssetObservation(
        live_run_key(line.book),
        description=text,
        metadata={
            "alert": line.alert,
            "state": "begins" if line.begins else "over",
            "reason": line.reason,
            "ts": dg.MetadataValue.timestamp(line.ts / 1e6),
            "n": line.n,
            "file": file,
        },
    )


def _told_before(instance: dg.DagsterInstance, file: "AlertFile") -> int:
    """Give the last line of a file that the newest observations of its book tell of."""
    first = next(file.lines())
    records = instance.fetch_observations(live_run_key(first.book), limit=2 * MOST).records
    seen = [r.asset_observation.metadata for r in records if r.asset_observation is not None]
    name = file.identity
    return max(
        (
            int(str(values["n"].value))
            for values in seen
            if "n" in values and "file" in values and values["file"].value == name
        ),
        default=0,
    )
