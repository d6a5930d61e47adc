"""Request weight of one address: spent with foresight, so that what cannot wait never has to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any
from urllib.parse import urlsplit

from trading_assets.adapters.http_reads import retry_after_ms
from trading_assets.domain.errors import RateLimited, VenueBanned
from trading_assets.domain.ids import Micros

_MINUTE_S = 60.0
_DEFAULT_LIMIT = 6_000
_SHORTEST_BAN_MS = 120_000
_HEADER = "X-MBX-USED-WEIGHT-1M"
_TOO_MANY_ORDERS = -1015
_WEIGHTS = {
    "ping": 1, "time": 1, "exchangeInfo": 20, "klines": 2, "uiKlines": 2, "avgPrice": 2,
    "order": 4, "orderList": 4, "openOrders": 6, "openOrderList": 6,
    "allOrders": 20, "allOrderList": 20, "account": 20, "myTrades": 20, "rateLimit/order": 40,
}  # fmt: skip
_UNLISTED_WEIGHT = 20
_ALL_OPEN_ORDERS = 80


class Use(Enum):
    """How much of the limit a kind of request may use; what cannot wait has all of it."""

    ENTRY = 0.80
    READ = 0.90
    ESSENTIAL = 1.00  # cancels, exits, and what became of an order


class RequestBudget:
    """Weight that may still be spent this minute; one for all clients of an address in a process.

    The venue tells with every answer what it has counted; between two answers own requests are
    added. After a 429 or 418 nothing leaves until the time that the venue names has passed. A limit
    of orders is another: it holds back entries, and neither cancels nor questions.

    Args:
        limit: weight per minute; replaced by what exchangeInfo says.
        monotonic: this machine's own time, in seconds.
    """

    def __init__(
        self, *, limit: int = _DEFAULT_LIMIT, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._monotonic = monotonic
        self._used = 0
        self._began_s = monotonic()
        self._stop_s = 0.0
        self._no_entries_s = 0.0
        self._is_banned = False
        self._lock = threading.Lock()

    @property
    def used(self) -> int:
        """Weight of the present minute, as far as is known."""
        with self._lock:
            self._roll()
            return self._used

    def admit(self, weight: int, use: Use) -> None:
        """Spend weight, before a request leaves.

        Raises:
            RateLimited: if the share of this use is spent, or the venue wants to be left alone.
            VenueBanned: if it has shut this address out.
        """
        with self._lock:
            self._roll()
            now_s = self._monotonic()
            if self._stop_s > now_s:
                kind = VenueBanned if self._is_banned else RateLimited
                raise kind(
                    "Nothing is sent: the venue wants to be left alone",
                    retry_after_ms=int((self._stop_s - now_s) * 1000) + 1,
                    status=418 if self._is_banned else 429,
                )
            if use is Use.ENTRY and self._no_entries_s > now_s:
                raise RateLimited(
                    "Not sent: the venue wants no more orders for a while",
                    retry_after_ms=int((self._no_entries_s - now_s) * 1000) + 1,
                )
            if self._used + weight > self._limit * use.value:
                left_s = self._began_s + _MINUTE_S - self._monotonic()
                raise RateLimited(
                    f"Not sent: {self._used} of {self._limit} request weight is used this minute, "
                    f"and the rest kept for more urgent requests than {use.name}",
                    retry_after_ms=int(left_s * 1000) + 1,
                )
            self._used += weight

    def heard(self, status: int, headers: Mapping[str, str], code: int = 0) -> None:
        """Learn from an answer; the venue's code tells a limit of orders from one of requests."""
        with self._lock:
            counted = headers.get(_HEADER, "")
            if counted.isdigit():
                if int(counted) < self._used // 2:  # the venue's minute is a new one
                    self._began_s = self._monotonic()
                self._used = int(counted)
            if status == 429 and code == _TOO_MANY_ORDERS:
                pause_s = pause_ms(status, headers) / 1000
                self._no_entries_s = max(self._no_entries_s, self._monotonic() + pause_s)
            elif status in {418, 429}:
                self._is_banned = status == 418
                pause_s = pause_ms(status, headers) / 1000
                self._stop_s = max(self._stop_s, self._monotonic() + pause_s)

    def learn_limit(self, answer: Any) -> None:
        """Take the limit from an answer of exchangeInfo; anything else is passed over."""
        limits = answer.get("rateLimits") if isinstance(answer, dict) else None
        for row in limits if isinstance(limits, list) else ():
            kind = (row.get("rateLimitType"), row.get("interval"), row.get("intervalNum"))
            if kind == ("REQUEST_WEIGHT", "MINUTE", 1) and isinstance(row.get("limit"), int):
                with self._lock:
                    self._limit = row["limit"]

    def _roll(self) -> None:
        if self._monotonic() - self._began_s >= _MINUTE_S:
            self._began_s = self._monotonic()
            self._used = 0


def pause_ms(status: int, headers: Mapping[str, str], now: Micros | None = None) -> int:
    """Give how long the venue wants to be left alone after a 429 or 418.

    Args:
        status: of HTTP.
        headers: of the answer.
        now: present instant, for a Retry-After that is a date.
    """
    if status == 418 and "Retry-After" not in headers:
        return _SHORTEST_BAN_MS
    return retry_after_ms(headers, now)


def cost_of(method: str, uri: str, has_symbol: bool) -> tuple[int, Use]:
    """Give the weight of a request, and how urgent it is.

    An order counts as urgent here; whether it is an entry only the broker knows.
    """
    name = urlsplit(uri).path.partition("/v3/")[2]
    if method != "get":
        return 1, Use.ESSENTIAL
    if name == "openOrders" and not has_symbol:
        return _ALL_OPEN_ORDERS, Use.READ
    is_urgent = name == "order"
    return _WEIGHTS.get(name, _UNLISTED_WEIGHT), Use.ESSENTIAL if is_urgent else Use.READ
