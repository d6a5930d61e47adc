"""When to ask for the next bar: right after its close, and soon again until it is there."""

from __future__ import annotations

from trading_assets.domain.ids import Micros

_EAGER: Micros = 3_000_000
"""Market time after a close in which its bar is asked for often; then the usual pace is enough."""

_SECOND: Micros = 1_000_000


def next_look_s(
    now: Micros, last_bar: Micros | None, size: Micros, *, poll_s: float, eager_s: float
) -> float:
    """Give how long to wait, in seconds, before the venue is asked again.

    Args:
        now: market time.
        last_bar: open time of the latest bar that was handled; None before the first.
        size: of a bar.
        poll_s: the usual pause; never exceeded. On a market clock that runs faster than ours a
            wait for its close would be too long, so there this is what counts.
        eager_s: the pause while a bar is due; 0 keeps the usual pace.
    """
    if not eager_s:
        return poll_s
    due = (now // size + 1) * size if last_bar is None else last_bar + 2 * size
    if now < due:
        return min(poll_s, (due - now) / _SECOND + eager_s / 10)
    return min(poll_s, eager_s) if now - due < _EAGER else poll_s
