"""The source of market history that settings name, opened and closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from trading_assets.adapters.binance.archive import ArchiveHistory, HttpFiles, LocalFiles
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager, RestHistory
from trading_assets.domain.ports import Clock
from trading_assets.market.history import HistorySource
from trading_assets.settings import Settings

_NO_WEIGHT_LIMIT = 2**31 - 1  # of an exchange that serves nobody else


def store_of(settings: Settings) -> str:
    """Give the folder of the source's raw bytes, without opening the source.

    Two configurations share it only if the same bytes come from both: another seed of the
    embedded exchange is another market.
    """
    if settings.source == "embedded":
        return f"embedded-seed{settings.exchange.seed}-structure{settings.exchange.structure}"
    if settings.source == "binance":
        return "binance-" + urlsplit(settings.binance.api_url).netloc.replace(":", "-")
    return ArchiveHistory.store


@contextmanager
def open_history(settings: Settings, clock: Clock) -> Iterator[HistorySource]:
    """Open the source that settings name.

    The embedded exchange is started for it inside this process, on a free port, with the market
    of the shared one; it is stopped afterwards.

    Raises:
        ConfigurationError: if `archive_root` is not a mirror of the archive.
    """
    if settings.source == "embedded":
        with embedded_history(settings, clock) as source:
            yield source
    elif settings.source == "binance":
        with rest_history(settings, clock, settings.binance.api_url, "binance") as source:
            yield source
    else:
        with archive_history(settings, clock) as source:
            yield source


@contextmanager
def embedded_history(settings: Settings, clock: Clock) -> Iterator[HistorySource]:
    """Start the embedded exchange and read from it as from any venue."""
    from trading_assets.exchange.server import ExchangeConfig, running_exchange

    config = ExchangeConfig(
        symbols=settings.symbols,
        seed=settings.exchange.seed,
        structure=settings.exchange.structure,
        host=settings.exchange.host,
        port=0,
        weight_limit=_NO_WEIGHT_LIMIT,
    )
    with (
        running_exchange(config) as exchange,
        rest_history(settings, clock, exchange.api_url, "embedded") as source,
    ):
        yield source


@contextmanager
def rest_history(
    settings: Settings, clock: Clock, api_url: str, name: str
) -> Iterator[HistorySource]:
    """Read from a venue's REST API, without a key."""
    client = make_client(
        api_url,
        timeout_s=settings.binance.timeout_s,
        recv_window_ms=settings.binance.recv_window_ms,
    )
    try:
        pager = KlinePager(client, clock, max_attempts=settings.binance.max_attempts)
        yield RestHistory(pager, name=name, store=store_of(settings))
    finally:
        client.close_connection()


@contextmanager
def archive_history(settings: Settings, clock: Clock) -> Iterator[HistorySource]:
    """Read from a mirror on disk, or else from the archive's web server."""
    if settings.archive_root is not None:
        yield ArchiveHistory(LocalFiles(settings.archive_root), clock)
        return
    files = HttpFiles(
        settings.archive_url,
        clock,
        timeout_s=settings.binance.timeout_s,
        max_attempts=settings.binance.max_attempts,
    )
    try:
        yield ArchiveHistory(files, clock)
    finally:
        files.close()
