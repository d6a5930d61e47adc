"""What a book knows of the release that it is to trade next: pure, from its events."""

from __future__ import annotations

from trading_assets.domain.commands import Command
from trading_assets.domain.errors import InvariantError
from trading_assets.domain.events import ReleaseAwaited, ReleaseRefused, ReleaseSwitched
from trading_assets.live.book_state import BookState
from trading_assets.live.exits import withdrawals


def await_release(state: BookState, event: ReleaseAwaited) -> list[Command]:
    """Make ready for a release, or no more."""
    state.awaited = event.release_id
    state.hand_over = event.policy if event.release_id else ""
    state.leave_bar = state.bars + event.bars
    return withdrawals(state)


def leave_release(state: BookState, present: str, event: ReleaseSwitched) -> list[Command]:
    """Prove that a switch leaves nothing behind.

    Raises:
        InvariantError: if it is not from the present release, or orders are open that do not go
            over.
    """
    if event.previous != present or (state.orders and not event.carried):
        raise InvariantError(
            f"Release {present} cannot be left for {event.release_id}",
            expected=f"a switch from {present}, with no order left behind",
            found=f"one from {event.previous}, {len(state.orders)} open orders",
        )
    return []


def refuse_release(state: BookState, event: ReleaseRefused) -> list[Command]:
    """Remember that a release cannot be traded."""
    state.refused_release = event.release_id
    state.awaited = state.hand_over = ""
    return []
