"""Dagster's daemon as the supervisor of live books: while it lives, it says so."""

# No postponed annotations here: Dagster reads the types of a sensor's arguments.
import dagster as dg

from trading_assets.defs.books import play_money_books
from trading_assets.settings import load_settings

PERIOD_S = 30


@dg.sensor(
    minimum_interval_seconds=PERIOD_S,
    default_status=dg.DefaultSensorStatus.STOPPED,
)
def watch_over_live(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Tell the executors of play money that somebody watches over them.

    Off unless a person switches it on, together with `live.supervisor_timeout_s` of 90 s or more:
    when the daemon ends, entries stop after that time, until a person resumes.
    """
    from trading_assets.workflows.live_book import live_book

    settings = load_settings().settings
    if not settings.live.supervisor_timeout_s:
        return dg.SkipReason("live.supervisor_timeout_s is 0: no book waits for a sign")
    told = []
    for name in play_money_books(settings):
        place = live_book(settings, name)
        if place.folder.is_dir():
            place.supervisor.touch()
            told.append(name)
    return dg.SkipReason(f"told {', '.join(told) or 'nobody: no book has been traded'}")
