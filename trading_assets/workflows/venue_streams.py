"""What a venue of Binance's kind tells: bars and an account's events, as settings want them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from trading_assets.adapters.binance.account_watch import AccountWatch
from trading_assets.adapters.binance.broker import BinanceBroker
from trading_assets.adapters.binance.endpoints import endpoints_of
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.adapters.binance.user_stream import UserStream
from trading_assets.domain.account import AccountNews
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.ports import Clock
from trading_assets.settings import Settings


@contextmanager
def venue_bars(
    settings: Settings, pager: KlinePager, api_url: str, symbols: tuple[Symbol, ...]
) -> Iterator[BinanceBarSource | StreamedBars]:
    """Open the bars of some symbols, polled or streamed by `binance.bars`.

    Args:
        settings: name the way.
        pager: reads by REST, which also fills what a stream has missed.
        api_url: of the venue that `pager` reads.
        symbols: whose bars are wanted.

    Raises:
        ConfigurationError: if the streams of this venue are not known.
    """
    polled = BinanceBarSource(pager)
    if settings.binance.bars == "polled":
        yield polled
        return
    streamed = StreamedBars(polled, endpoints_of(api_url), symbols)
    try:
        yield streamed
    finally:
        streamed.close()


@contextmanager
def account_news(
    settings: Settings,
    client: Any,
    broker: BinanceBroker,
    symbols: tuple[Symbol, ...],
    *,
    since: Micros,
) -> Iterator[Callable[[], AccountNews]]:
    """Listen to an account if `binance.account` is streamed; else there is never news.

    Args:
        settings: name the way.
        client: has the account's key.
        broker: of the same account.
        symbols: whose executions are wanted.
        since: executions before it are no news.

    Raises:
        ConfigurationError: if the streams of this venue are not known.
    """
    if settings.binance.account == "polled":
        yield AccountNews
        return
    stream = UserStream(
        endpoints_of(client.API_URL),
        client.API_KEY,
        client.API_SECRET,
        offset_ms=lambda: broker.offset_ms,
    )
    watch = AccountWatch(broker, stream, symbols, since=since)
    try:
        yield watch.take
    finally:
        watch.close()


class MarketClock:
    """The venue's time as a clock; waiting is this machine's."""

    def __init__(self, source: BinanceBarSource | StreamedBars, local: Clock) -> None:
        self._source = source
        self._local = local

    def now(self) -> Micros:
        """Give the venue's time."""
        return self._source.now()

    def wait(self, seconds: float) -> None:
        """Wait by this machine's clock."""
        self._local.wait(seconds)
