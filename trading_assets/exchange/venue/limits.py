"""Rate limits: request weight per wall minute, unfilled orders per account and market time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable

from trading_assets.domain.ids import Micros
from trading_assets.exchange import errors
from trading_assets.exchange.venue.orders import Order

MINUTE: Micros = 60_000_000
_FIRST_BAN: Micros = 2 * MINUTE
_LONGEST_BAN: Micros = 3 * 1_440 * MINUTE
_IGNORED_MAX = 100
"""Requests of one minute beyond its weight before they lead to a ban."""

ORDERS_10S = 100
ORDERS_1D = 200_000
_DAY: Micros = 86_400_000_000
_INTERVALS: tuple[tuple[str, Micros, int], ...] = (
    ("10 SECOND", 10_000_000, ORDERS_10S),
    ("1 DAY", _DAY, ORDERS_1D),
)


class WeightMeter:
    """Request weight of all callers in the present wall-clock minute.

    Who goes on asking after being told to wait is banned, for two minutes first, twice as long each
    further time, three days at most.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._minute = -1
        self.used = 0
        self._ignored = 0
        self._banned_until: Micros = 0
        self._next_ban = _FIRST_BAN

    def _roll(self, wall: Micros) -> None:
        if wall // MINUTE != self._minute:
            self._minute = wall // MINUTE
            self.used = 0
            self._ignored = 0

    def spend(self, weight: int, wall: Micros) -> None:
        """Add the weight of one request.

        Raises:
            Refused: -1003 with Retry-After: 429 once the minute's limit is passed, 418 for a ban.
        """
        if wall < self._banned_until:
            raise errors.banned(self._banned_until, wall)
        self._roll(wall)
        self.used += weight
        if self.used > self.limit:
            self._ignored += 1
            if self._ignored > _IGNORED_MAX:
                self._banned_until = wall + self._next_ban
                self._next_ban = min(2 * self._next_ban, _LONGEST_BAN)
                raise errors.banned(self._banned_until, wall)
            wait_s = (MINUTE - wall % MINUTE) // 1_000_000 + 1
            raise errors.too_much_weight(self.limit, wait_s)


class OrderMeter:
    """Unfilled orders placed per account; the first fill of an order gives its place back."""

    def __init__(self) -> None:
        self._placed: dict[tuple[str, str], deque[Micros]] = defaultdict(deque)

    def _window(self, account: str, name: str, length: Micros, now: Micros) -> deque[Micros]:
        times = self._placed[account, name]
        start = now // length * length
        while times and times[0] < start:
            times.popleft()
        return times

    def check(self, account: str, now: Micros, orders: int = 1) -> None:
        """Refuse further orders beyond the limit.

        Raises:
            Refused: -1015 with Retry-After.
        """
        for name, length, limit in _INTERVALS:
            if len(self._window(account, name, length, now)) + orders > limit:
                wait_s = (length - now % length) // 1_000_000 + 1
                raise errors.too_many_orders(limit, name, wait_s)

    def add(self, account: str, now: Micros) -> None:
        """Count a placed order."""
        for name, length, _ in _INTERVALS:
            self._window(account, name, length, now).append(now)

    def give_back(self, account: str, placed_ts: Micros, ts: Micros) -> None:
        """Uncount an order after its first fill at `ts`, where it still counts."""
        for name, length, _ in _INTERVALS:
            times = self._window(account, name, length, ts)
            if times and times[-1] == placed_ts:
                times.pop()
            elif placed_ts in times:
                times.remove(placed_ts)

    def recall(self, orders: Iterable[Order], last_ts: Micros) -> None:
        """After a restart: count the unfilled orders of the present day, as if never stopped."""
        start = last_ts // _DAY * _DAY
        unfilled = [o for o in orders if o.placed_ts >= start and not o.trades]
        for order in sorted(unfilled, key=lambda order: order.placed_ts):
            self.add(order.account, order.placed_ts)

    def counts(self, account: str, now: Micros) -> tuple[int, int]:
        """Give the unfilled orders of the present 10 s and of the present day."""
        ten, day = (len(self._window(account, name, n, now)) for name, n, _ in _INTERVALS)
        return ten, day
