"""A person lets a strategy that a person has stopped open positions again."""

from __future__ import annotations

from trading_assets.domain.control import CommandKind
from trading_assets.live.strategy_stance import SILENT, require_stopped, size_of
from trading_assets.workflows.control_book import Asked, ask_book
from trading_assets.workflows.control_strategy import stances_of
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import live_book


def start_strategy(
    desk: Desk, book: str, name: str, *, who: str, reason: str, source: str
) -> Asked:
    """Take the stop of a strategy back; a halt, a pause or a release taken back stay as they are.

    Args:
        desk: gives settings and this machine's clock.
        book: name in the settings.
        name: of the strategy, as its orders are tagged.
        who: who says so.
        reason: why it is right again.
        source: by which way.

    Raises:
        ConfigurationError: if the book is unknown or has no such strategy, name or reason are
            missing, or the journal knows of no stop by a person. What the executor takes first
            counts.
        MissingPartition, CorruptFile: if the book has no release, or a damaged one.
        RecoveryError: if journal or inbox cannot be used.
    """
    setup, stances = stances_of(desk, live_book(desk.settings, book))
    size_of(name, setup.sizes_by_tag, setup.release_id)
    require_stopped(name, stances.get(name, SILENT))
    kind, said = CommandKind.START_STRATEGY, {"strategy": name}
    return ask_book(desk, book, kind, who=who, reason=reason, source=source, arguments=said)
