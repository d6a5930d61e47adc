"""The account of a book without a venue: of a shadow, or of paper on the engine's own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trading_assets.domain.events import ReleaseSwitched, SessionOpened
from trading_assets.domain.ports import Clock
from trading_assets.live.ports import JournalHistory
from trading_assets.live.shadow_account import catch_up
from trading_assets.storage.release_store import Release, ReleaseStore

if TYPE_CHECKING:
    from trading_assets.engine.simulated_broker import SimulatedBroker


def simulated_account(
    releases: ReleaseStore, release: Release, journal: JournalHistory, clock: Clock
) -> SimulatedBroker:
    """Open the account that a book began with, and bring it to where its journal says.

    It follows the book from release to release: what it holds goes over, costs and rules of the
    market are those of the release at the time.

    Args:
        releases: hold those that the journal names.
        release: that the book trades now; a new journal begins with it.
        journal: of the book.
        clock: names the instants of answers.

    Raises:
        MissingPartition: if a release that the journal names is not there any more.
        CorruptFile: if one is damaged.
    """
    from trading_assets.engine.simulated_broker import SimulatedBroker

    first = _first_release(journal)
    began = release if first in ("", release.release_id) else releases.get(first)
    setup = began.spec.engine_setup(began.instruments)
    broker = SimulatedBroker(setup, began.spec.timeframe.micros, clock)

    def follow(event: ReleaseSwitched) -> None:
        heir = releases.get(event.release_id)
        setup = heir.spec.engine_setup(heir.instruments)
        broker.follow(setup, heir.spec.timeframe.micros, carry=event.carried)

    catch_up(broker, journal, follow)
    return broker


def _first_release(journal: JournalHistory) -> str:
    for _, event in journal.read():
        if isinstance(event, SessionOpened):
            return event.release_id
    return ""
