"""What the settings of live books say, in the terms of the executor."""

from __future__ import annotations

from trading_assets.declarations.sections import Book, Live
from trading_assets.domain.control import HaltLevel
from trading_assets.live.executor_terms import Pace
from trading_assets.live.policies.book_policies import OnForeign, OnUpstream, PolicyTerms
from trading_assets.live.policies.breakers import BreakerTerms
from trading_assets.settings import Settings
from trading_assets.workflows.live_book import LiveBook

_SECOND = 1_000_000
_EAGER_S = 0.05
"""While a bar is due: twenty looks a second cost at most some 400 of the venue's request weight."""


def pace_of(settings: Settings) -> Pace:
    """Give when an executor looks, waits and gives up."""
    live = settings.live
    return Pace(
        poll_s=live.poll_s,
        eager_s=min(live.poll_s, _EAGER_S),
        late_bar=int(live.late_bar_s * _SECOND),
        stop_s=live.stop_s,
        heartbeat_s=live.heartbeat_s,
        latch_losses=live.latch_losses,
        orders_per_symbol=live.orders_per_symbol,
        collar_pct=live.collar_pct,
        max_open_orders=live.max_open_orders,
    )


def policies_of(settings: Settings, place: LiveBook) -> PolicyTerms:
    """Give the policies of a book: its own where it has some."""
    live = settings.live
    return PolicyTerms(
        foreign=OnForeign(place.settings.foreign or live.foreign),
        cool_down=int(live.cool_down_s * _SECOND),
        stale_bars=live.stale_bars,
        breakers=_breakers(live, place.settings),
        close_guard=int(live.close_guard_s * _SECOND),
        leave_at_close=live.leave_at_close,
        upstream=OnUpstream(place.settings.upstream or live.upstream),
    )


def _breakers(live: Live, own: Book) -> BreakerTerms:
    def of(name: str) -> float:
        value = getattr(own, name)
        return float(getattr(live, name) if value is None else value)

    return BreakerTerms(
        drawdown=of("breaker_drawdown_pct") / 100,
        volatility=of("breaker_volatility_x"),
        book_volatility=of("breaker_book_volatility_x"),
        level=HaltLevel[(own.breaker_level or live.breaker_level).upper()],
    )
