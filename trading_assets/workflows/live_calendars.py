"""The market's clock of a live book: sessions of the calendars that its release names."""

from __future__ import annotations

from collections.abc import Mapping

from trading_assets.domain.ids import Symbol
from trading_assets.live.bar_grid import BarGrid
from trading_assets.live.policies.feed_watch import NextOpen
from trading_assets.market.sessions import ALWAYS_OPEN, Sessions
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.freeze_calendars import sessions_for


def sessions_of_release(desk: Desk, release: Release) -> Mapping[Symbol, Sessions]:
    """Give the frozen sessions of every symbol whose market closes: those that history is cut by.

    Raises:
        ConfigurationError: if there is no such calendar.
        DataError: if the calendar must be extended and tells another past than it did.
        CorruptFile: if the table of a calendar is damaged.
    """
    return {
        item.symbol: sessions_for(desk, item.calendar)
        for item in release.instruments
        if item.calendar != ALWAYS_OPEN
    }


def next_opens(release: Release, sessions: Mapping[Symbol, Sessions]) -> Mapping[Symbol, NextOpen]:
    """Give, for these symbols, when the bar opens that comes after another."""
    size = release.spec.timeframe
    return {symbol: BarGrid(size, found).after for symbol, found in sessions.items()}
