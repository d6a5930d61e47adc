"""Finished bars of a venue of Binance's kind, asked for or pushed, as settings want it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trading_assets.adapters.binance.endpoints import endpoints_of
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.domain.ids import Symbol
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
