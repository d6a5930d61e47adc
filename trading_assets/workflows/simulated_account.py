"""The account of a book without a venue: of a shadow, or of paper on the engine's own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import SessionOpened
from trading_assets.domain.ports import Clock
from trading_assets.live.ports import JournalHistory
from trading_assets.live.shadow_account import catch_up
from trading_assets.storage.release_store import Release

if TYPE_CHECKING:
    from trading_assets.engine.simulated_broker import SimulatedBroker


def simulated_account(release: Release, journal: JournalHistory, clock: Clock) -> SimulatedBroker:
    """Open the account that a release starts with, and bring it to where its journal says.

    Raises:
        ConfigurationError: if the journal has traded another release: what an account of other
            costs and funds would hold cannot be told.
    """
    from trading_assets.engine.simulated_broker import SimulatedBroker

    for _, event in journal.read():
        if isinstance(event, SessionOpened) and event.release_id != release.release_id:
            raise ConfigurationError(
                "A simulated account keeps to the release that it began with",
                expected=event.release_id,
                found=release.release_id,
                fix="Start the book with --fresh: the journal so far is set aside.",
            )
    setup = release.spec.engine_setup(release.instruments)
    broker = SimulatedBroker(setup, release.spec.timeframe.micros, clock)
    catch_up(broker, journal)
    return broker
