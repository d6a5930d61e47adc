"""What people ask of one strategy of a book, and how its strategies stand.

A stop and smaller limits only ever hold back; to take a stop back is `start_strategy`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from trading_assets.domain.control import CommandKind, StrategyLimits
from trading_assets.domain.strategy_events import StrategyEvent
from trading_assets.live.book_state import SessionSetup
from trading_assets.live.strategy_stance import (
    SILENT,
    Stances,
    described,
    note,
    size_of,
    tightened,
)
from trading_assets.storage.journal_reader import FILE
from trading_assets.workflows.control_book import Asked, ask_book
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book
from trading_assets.workflows.live_release import release_to_trade
from trading_assets.workflows.release_parts import session_setup

_KINDS = tuple(kind.__name__ for kind in get_args(StrategyEvent))


def list_strategies(desk: Desk, book: str) -> tuple[dict[str, Any], ...]:
    """Tell how each strategy of a book stands, by its release and its journal.

    Returns:
        Plain values of `live.strategy_stance.described`, in the order of the release. A command
        that no executor has taken yet does not count.

    Raises:
        ConfigurationError: if settings have no such book.
        MissingPartition, CorruptFile: if it has no release, or a damaged one.
        RecoveryError: if its journal cannot be read.
    """
    place = live_book(desk.settings, book)
    setup, stances = stances_of(desk, place)
    return tuple(
        described(name, size, stances.get(name, SILENT))
        for name, size in setup.sizes_by_tag.items()
    )


def stop_strategy(desk: Desk, book: str, name: str, *, who: str, reason: str, source: str) -> Asked:
    """Stop the entries of a strategy from its next decision on; its exits go on.

    Entries of it that work at the venue are withdrawn. It holds through restarts and for every
    later release that has a strategy of this name, until a person starts it again.

    Args:
        desk: gives settings and this machine's clock.
        book: name in the settings.
        name: of the strategy, as its orders are tagged.
        who: who asks.
        reason: why.
        source: by which way.

    Raises:
        ConfigurationError: if the book is unknown or has no such strategy, or name or reason are
            missing.
        MissingPartition, CorruptFile: if the book has no release, or a damaged one.
        RecoveryError: if journal or inbox cannot be used.
    """
    setup, _ = stances_of(desk, live_book(desk.settings, book))
    size_of(name, setup.sizes_by_tag, setup.release_id)
    kind, said = CommandKind.STOP_STRATEGY, {"strategy": name}
    return ask_book(desk, book, kind, who=who, reason=reason, source=source, arguments=said)


def tighten_strategy(
    desk: Desk,
    book: str,
    name: str,
    limits: Mapping[str, Any],
    *,
    who: str,
    reason: str,
    source: str,
) -> Asked:
    """Make a strategy smaller from its next decision on, through restarts and releases.

    Args:
        desk: gives settings and this machine's clock.
        book: name in the settings.
        name: of the strategy, as its orders are tagged.
        limits: numbers by the names of `domain.control.StrategyLimits`.
        who: who asks.
        reason: why.
        source: by which way.

    Raises:
        ConfigurationError: as `stop_strategy`, or if a limit is none, or would be looser than what
            the release or the journal says. What the executor takes first counts, as in
            `control_book.tighten_book`.
        MissingPartition, CorruptFile, RecoveryError: as `stop_strategy`.
    """
    wanted = StrategyLimits.from_texts(limits)
    setup, stances = stances_of(desk, live_book(desk.settings, book))
    size = size_of(name, setup.sizes_by_tag, setup.release_id)
    tightened(name, size, stances.get(name, SILENT), wanted)
    kind, said = CommandKind.TIGHTEN_LIMITS, {"strategy": name, **wanted.to_texts()}
    return ask_book(desk, book, kind, who=who, reason=reason, source=source, arguments=said)


def stances_of(desk: Desk, place: LiveBook) -> tuple[SessionSetup, Stances]:
    """Give what a book trades, and what its journal says of its strategies.

    Raises:
        MissingPartition, CorruptFile: if the book has no release, or a damaged one.
        RecoveryError: if the journal cannot be read.
    """
    release, _ = release_to_trade(desk, place)
    stances: Stances = {}
    if (place.folder / FILE).is_file():
        with place.journal() as journal:
            for row in journal.of_kinds(_KINDS):
                event = row.event
                if isinstance(event, StrategyEvent):
                    note(stances, event)
    return session_setup(place, release), stances
