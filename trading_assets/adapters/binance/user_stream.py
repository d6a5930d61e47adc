"""An account's events as the venue pushes them, subscribed to anew after every lost connection."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from trading_assets.adapters.binance.endpoints import Endpoints
from trading_assets.adapters.binance.stream import (
    Lost,
    Notice,
    Opened,
    StreamSupervisor,
    StreamTerms,
    user_session,
)
from trading_assets.domain.account import Fill
from trading_assets.domain.ids import Symbol
from trading_assets.domain.order import OrderSide

_MS = 1000  # microseconds
_REMEMBERED = 10_000  # events, to tell a repeat
_SILENT = StreamTerms(silence_s=None)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What has come since the last look.

    Attributes:
        fills: executions, each once, as they came.
        orders: how many other events of orders there were.
        has_gap: events may be missing: a connection was opened or lost, or one could not be read.
        has_balance: balances have changed by something that is no execution.
    """

    fills: tuple[Fill, ...] = ()
    orders: int = 0
    has_gap: bool = False
    has_balance: bool = False


class UserStream:
    """Events of one account, by the WebSocket API.

    The library connects again by itself but never subscribes again, and is silent from then on;
    here every lost connection is replaced by one with a subscription of its own.

    Attributes:
        sessions: how often it was subscribed to.

    Args:
        endpoints: of the venue.
        key: of the account.
        secret: of an HMAC key.
        offset_ms: how far the venue's authentication clock is ahead of this machine's.
        terms: how the connection is watched.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        key: str,
        secret: str,
        *,
        offset_ms: Callable[[], int],
        terms: StreamTerms = _SILENT,
    ) -> None:
        self._notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self._seen: dict[tuple[Any, ...], None] = {}
        self._is_open = False
        self.sessions = 0
        self._supervisor = StreamSupervisor(
            "of the account",
            lambda: user_session(endpoints, key, secret, offset_ms),
            self._notices.put,
            terms,
        )

    @property
    def is_open(self) -> bool:
        """Whether there was a subscription at the last look."""
        return self._is_open

    def take(self) -> Pushed:
        """Give what has come since the last look; does not wait."""
        fills: list[Fill] = []
        orders, has_gap, has_balance = 0, False, False
        while True:
            try:
                notice = self._notices.get_nowait()
            except queue.Empty:
                return Pushed(tuple(fills), orders, has_gap, has_balance)
            if isinstance(notice, Opened | Lost):
                self._is_open = isinstance(notice, Opened)
                self.sessions += self._is_open
                has_gap = True
            elif notice.get("e") == "executionReport":
                try:
                    found = self._execution(notice)
                except (KeyError, TypeError, ValueError, InvalidOperation) as error:
                    _LOG.warning("An event of the account cannot be read: %s", type(error).__name__)
                    has_gap = True
                    continue
                fills += found
                orders += not found
            elif notice.get("e") in ("balanceUpdate", "externalLockUpdate"):
                has_balance = True

    def close(self) -> None:
        """End the stream."""
        self._supervisor.close()

    def _execution(self, event: Mapping[str, Any]) -> list[Fill]:
        """Read an event of an order; one that has come before is nothing."""
        key = (event["s"], event["i"], event["I"], event["t"])
        if key in self._seen:
            return []
        self._seen[key] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return [_fill(event)] if event["x"] == "TRADE" else []


def _fill(event: Mapping[str, Any]) -> Fill:
    return Fill(
        symbol=Symbol(event["s"]),
        trade_id=str(int(event["t"])),
        # Where the event is about a replacement, `C` is the order's own name.
        client_order_id=str(event["C"] or event["c"]),
        venue_order_id=str(event["i"]),
        side=OrderSide[event["S"]],
        price=Decimal(event["L"]),
        quantity=Decimal(event["l"]),
        fee=Decimal(event["n"]),
        fee_asset=str(event["N"]),
        ts=int(event["T"]) * _MS,
        is_maker=bool(event["m"]),
    )
