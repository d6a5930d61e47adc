"""The live run as a Dagster job: one op that trades until it is told to stop."""

# No postponed annotations here: Dagster reads the types of an op's arguments.
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

import dagster as dg

from trading_assets.defs.books import PROMOTED_BOOK, require_play_money
from trading_assets.defs.clean_stop import stop_on_signals
from trading_assets.defs.presentation import facts
from trading_assets.defs.resources import DeskResource
from trading_assets.defs.run_watch import stop_when_over
from trading_assets.domain.errors import LeaseHeld

if TYPE_CHECKING:
    from trading_assets.live.executor_terms import Observation

_GRACE_S = 10.0
"""What the process may take beyond the executor's own clean stop, before it is ended; both
together stay far below Dagster's cancel_timeout_seconds."""


class LiveConfig(dg.Config):
    """Which book to trade; everything else is in settings, and nothing secret is ever here."""

    book: str = PROMOTED_BOOK


def live_run_key(book: str) -> dg.AssetKey:
    """Give the asset that shows the live run of a book."""
    return dg.AssetKey(["live_run", book])


@dg.op
def trade(context: dg.OpExecutionContext, config: LiveConfig, desk: DeskResource) -> None:
    """Trade a book's release until the run is terminated, then stop cleanly and report."""
    from trading_assets.workflows.process_log import begin_logging
    from trading_assets.workflows.run_live import run_live

    opened = desk.open()
    begin_logging(opened.settings, in_background=True, leave_out=("dagster",))
    require_play_money(opened.settings, config.book)
    key = live_run_key(config.book)
    with (
        stop_on_signals(opened.settings.live.stop_s + _GRACE_S) as stop,
        stop_when_over(context.instance, context.run_id),
        _told(context.instance, key, context.run_id) as tell,
    ):
        try:
            summary = run_live(opened, config.book, stop=stop, observe=tell)
        except LeaseHeld as held:
            context.log.warning("%s", held)
            context.log_event(dg.AssetObservation(key, metadata={"attached_to": str(held)}))
            return
    context.log_event(dg.AssetMaterialization(key, metadata=facts(asdict(summary))))


@contextmanager
def _told(
    instance: dg.DagsterInstance, key: dg.AssetKey, run_id: str
) -> Iterator[Callable[["Observation"], None]]:
    """Write what the executor says as observations, in a thread of its own.

    Writing one takes tens of milliseconds, which the trading thread must not wait for.
    """
    said: queue.SimpleQueue[Observation | None] = queue.SimpleQueue()

    def write() -> None:
        while (observation := said.get()) is not None:
            moment = dg.MetadataValue.timestamp(observation.ts / 1e6)
            metadata = facts({**asdict(observation), "ts": moment, "run_id": run_id})
            instance.report_runless_asset_event(dg.AssetObservation(key, metadata=metadata))

    writer = threading.Thread(target=write, name="observations", daemon=True)
    writer.start()
    try:
        yield said.put
    finally:
        said.put(None)
        writer.join()
