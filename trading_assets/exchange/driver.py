"""What makes the market happen: everything due by market time, in order, whoever asks or not.

One task sleeps until the next due instant of the market clock and then catches up; a request
catches up too, before it is looked at. Between two instants nothing is done, so a quiet exchange
costs nothing. In step mode a step says all that is due on its way before it is answered.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from trading_assets.domain.ids import Micros
from trading_assets.exchange.clock import MarketClock
from trading_assets.exchange.protocol.sockets import Sockets
from trading_assets.exchange.streams.hub import StreamHub

_STRIDE: Micros = 60_000_000
_THINNED_FROM: Micros = 60_000_000  # a step of a minute says all that a minute of trading would
_HORIZON: Micros = 3_600_000_000  # how far ahead orders are looked at before they are again
_IN_FULL: Micros = 2_000_000
_NAP_S = 0.002
_PATIENCE_S = 5.0


class Driver:
    """Moves streams, fills and connections along with market time.

    Attributes:
        next_event: gives the next instant until a market time at which more than streams is due,
            such as a fill that someone is to hear of.

    Args:
        settle: fills resting orders up to a market time.
        record: called with the market time whenever the driver has caught up by itself.
    """

    def __init__(
        self,
        clock: MarketClock,
        hub: StreamHub,
        sockets: Sockets,
        settle: Callable[[Micros], None],
        record: Callable[[Micros], None],
    ) -> None:
        self._clock = clock
        self._hub = hub
        self._sockets = sockets
        self._settle = settle
        self._record = record
        self.next_event: Callable[[Micros], Micros | None] = lambda until: None
        self._poked = asyncio.Event()
        self._moving = asyncio.Lock()
        clock.changed = self.poke

    def poke(self) -> None:
        """Look again at what is due next; call it when that may have come nearer."""
        self._poked.set()

    def next_due(self) -> Micros:
        """Give the next instant at which something may happen by itself."""
        horizon = self._hub.now + _HORIZON
        event = self.next_event(horizon)
        instants = (horizon, event, self._hub.next_due(), self._sockets.next_end())
        return min(ts for ts in instants if ts is not None)

    def advance(self, now: Micros) -> None:
        """Do all that is due up to `now`, in order of time."""
        while (event := self.next_event(now)) is not None:
            self._hub.advance(event)
            self._settle(event)
        self._hub.advance(now)
        self._settle(now)
        self._sockets.end_old(now)

    async def reach(self, target: Micros) -> None:
        """Advance to `target`, giving the readers of streams time to follow on a long way.

        Interim updates of a way of more than a minute are thinned, but for its last two seconds.
        """
        async with self._moving:
            span = target - self._hub.now
            if span > _THINNED_FROM:
                self._hub.set_scale(self._scale(span))
                await self._stride(target - _IN_FULL)
            self._hub.set_scale(self._scale(0))
            await self._stride(target)

    async def _stride(self, target: Micros) -> None:
        """Advance minute by minute, never further ahead of a reader than half of its queue."""
        while len(self._sockets) and self._hub.now < target:
            end = self._sockets.next_end()
            stops = (target, self._hub.now + _STRIDE, target if end is None else end)
            self.advance(max(min(stops), self._hub.now))
            if self._hub.now < target:
                await self._wait_for_readers()
        self.advance(target)

    async def _wait_for_readers(self) -> None:
        for connection in self._sockets.of(None):
            try:
                async with asyncio.timeout(_PATIENCE_S):
                    await connection.room()
            except TimeoutError:
                connection.abort()

    def _scale(self, span: Micros) -> int:
        running = 1 if self._clock.is_paused else math.ceil(self._clock.warp)
        return max(running, span // _THINNED_FROM, 1)

    async def run(self) -> None:
        """Catch up at every due instant, for ever."""
        while True:
            self._poked.clear()
            now = self._clock.now()
            await self.reach(now)
            self._record(now)
            seconds = self._clock.seconds_until(self.next_due())
            try:
                async with asyncio.timeout(None if seconds is None else max(seconds, _NAP_S)):
                    await self._poked.wait()
            except TimeoutError:
                continue
