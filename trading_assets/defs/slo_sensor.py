"""Stops books whose error budget is used up: it only ever tightens, and only a person resumes."""

# No postponed annotations here: Dagster reads the types of a sensor's arguments.
from collections.abc import Iterator

import dagster as dg

from trading_assets.defs.jobs import BOOK_TAG, halt_book
from trading_assets.settings import load_settings


@dg.sensor(
    job=halt_book,
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def slo_guard(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Bring a running book to paper once it is flat with less than a quarter of its budget.

    The executor itself has turned entries off by then, and would turn them on again when the window
    has moved on; from here on the book stays at PAUSE until a person resumes it, and one that is
    armed loses its leave: real money needs a person's new one. A simulated book that trades the
    same releases goes on with them.
    """
    from trading_assets.live.supervision.slo import SloLevel
    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.live_pulse import read_pulse

    settings = load_settings().settings
    has_asked = False
    for name in settings.books:
        place = live_book(settings, name)
        found = read_pulse(place.folder)
        is_armed = place.arm_token.exists()
        if found is None or not place.is_running or not (is_armed or place.latched() is None):
            continue
        if found.get("slo_level") != SloLevel.PAPER.name or found["positions"]:
            continue
        has_asked = True
        reason = f"error budget used up: {max(found['budget_left'] or 0.0, 0.0):.1%} is left"
        config = {"book": name, "level": "PAUSE", "reason": reason, "disarm": is_armed}
        yield dg.RunRequest(
            run_key=f"slo:{name}:{found['release_id']}:{found['seq']}",
            run_config={"ops": {"put_up_latch": {"config": config}}},
            tags={BOOK_TAG: name},
        )
    if not has_asked:
        yield dg.SkipReason("no running book is flat and has used up its error budget")
