"""Executions of an account, found although the stream may lose them: pushed, and asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.user_stream import UserStream
from trading_assets.domain.account import AccountNews, Fill
from trading_assets.domain.ids import Micros, Symbol

_POLL_S = 30.0
_REMEMBERED = 10_000  # trade ids of a symbol


class AccountWatch:
    """Joins what the stream pushes with the account's trades by REST.

    Trades are asked for from the last one that REST has told, never from the last that was pushed:
    whatever the stream has lost lies in between. Each is handed out once, those of one look in the
    order of their trade ids.

    Args:
        broker: reads trades.
        stream: of the same account.
        symbols: whose executions are wanted.
        since: executions before it are not wanted.
        poll_s: how long, in seconds of this machine's own time, the stream alone is believed.
        monotonic: this machine's own time, in seconds.
    """

    def __init__(
        self,
        broker: BinanceBroker,
        stream: UserStream,
        symbols: Sequence[Symbol],
        *,
        since: Micros,
        poll_s: float = _POLL_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._broker = broker
        self._stream = stream
        self._since = since
        self._poll_s = poll_s
        self._monotonic = monotonic
        self._cursor: dict[Symbol, int | None] = dict.fromkeys(symbols)
        self._told: dict[Symbol, dict[int, None]] = {symbol: {} for symbol in symbols}
        self._waiting: dict[tuple[Symbol, int], Fill] = {}
        self._has_gap = True
        self._has_balance = False
        self._polled_s = 0.0

    def take(self) -> AccountNews:
        """Give what is new: after a push or a gap, and every `poll_s`, REST is asked first.

        Raises:
            VenueUnavailable, RateLimited: if it cannot be asked; nothing is lost, ask again.
        """
        pushed = self._stream.take()
        self._has_gap |= pushed.has_gap
        self._has_balance |= pushed.has_balance
        for fill in pushed.fills:
            if fill.symbol in self._told and int(fill.trade_id) not in self._told[fill.symbol]:
                self._waiting[fill.symbol, int(fill.trade_id)] = fill
        is_due = self._monotonic() - self._polled_s >= self._poll_s
        if self._has_gap or is_due:
            self._ask(tuple(self._cursor))
            self._polled_s = self._monotonic()
        elif self._waiting:
            self._ask(tuple({symbol for symbol, _ in self._waiting}))
        news = AccountNews(self._hand_out(), self._has_gap or self._has_balance)
        self._has_gap = self._has_balance = False
        return news

    def close(self) -> None:
        """End the stream."""
        self._stream.close()

    def _ask(self, symbols: tuple[Symbol, ...]) -> None:
        for symbol in symbols:
            cursor = self._cursor[symbol]
            found = (
                self._broker.fills_since(symbol, self._since)
                if cursor is None
                else self._broker.fills_after(symbol, cursor)
            )
            for fill in found:
                number = int(fill.trade_id)
                self._cursor[symbol] = max(number, self._cursor[symbol] or 0)
                if number not in self._told[symbol]:
                    self._waiting[symbol, number] = fill

    def _hand_out(self) -> tuple[Fill, ...]:
        fills = [self._waiting[key] for key in sorted(self._waiting, key=lambda key: key[1])]
        for symbol, number in self._waiting:
            told = self._told[symbol]
            told[number] = None
            if len(told) > _REMEMBERED:
                del told[next(iter(told))]
        self._waiting = {}
        return tuple(sorted(fills, key=lambda fill: fill.ts))  # stable: by trade id within a symbol
