"""Vendors with a REST API and a key, opened as sources of market history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from trading_assets.declarations.rest_vendors import Eodhd, Polygon
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.ports import Clock
from trading_assets.market.history import HistorySource, SourceTraits
from trading_assets.market.live_minutes import LiveFeed
from trading_assets.settings import Settings

if TYPE_CHECKING:
    from trading_assets.adapters.vendor_reads import ApiKey, VendorReads


@contextmanager
def vendor_history(
    settings: Settings, clock: Clock, traits: SourceTraits, declared: Eodhd | Polygon
) -> Iterator[HistorySource]:
    """Read from a vendor with the desk's key, and give its connections back.

    Raises:
        ConfigurationError: if there is no key.
    """
    # Imported here: Dagster starts without them.
    from trading_assets.adapters.eodhd import EodhdHistory
    from trading_assets.adapters.polygon import PolygonHistory

    kind = EodhdHistory if isinstance(declared, Eodhd) else PolygonHistory
    with _reads(settings, clock, traits.name, declared) as (reads, _):
        yield kind(
            reads,
            clock,
            traits,
            delay_minutes=declared.delay_minutes,
            declared=settings.instruments,
        )


@contextmanager
def polygon_live(
    settings: Settings,
    clock: Clock,
    traits: SourceTraits,
    declared: Polygon,
    *,
    symbols: tuple[Symbol, ...],
    first: Micros | None,
) -> Iterator[LiveFeed]:
    """Stream bars of Polygon with the desk's key; its history gives what was missed.

    Raises:
        ConfigurationError: if there is no key.
    """
    from trading_assets.adapters.polygon import PolygonHistory
    from trading_assets.adapters.polygon_live import PolygonLive
    from trading_assets.adapters.polygon_socket import PolygonSocket

    with _reads(settings, clock, traits.name, declared) as (reads, key):
        delay = declared.delay_minutes
        feed = PolygonLive(
            PolygonSocket(declared.stream_url, key, timeout_s=declared.timeout_s),
            PolygonHistory(
                reads, clock, traits, delay_minutes=delay, declared=settings.instruments
            ),
            clock,
            symbols,
            first=first,
            stream_delay_minutes=declared.stream_delay_minutes,
            history_delay_minutes=delay,
        )
        try:
            yield feed
        finally:
            feed.close()


@contextmanager
def _reads(
    settings: Settings, clock: Clock, source: str, declared: Eodhd | Polygon
) -> Iterator[tuple[VendorReads, ApiKey]]:
    from trading_assets.adapters.vendor_reads import ApiKey, VendorReads

    value, variable = _key(settings, source, declared)
    key = ApiKey(value, variable, "api_token" if declared.kind == "eodhd" else "")
    reads = VendorReads(
        declared.url,
        key,
        clock,
        vendor="EODHD" if declared.kind == "eodhd" else "Polygon",
        timeout_s=declared.timeout_s,
        max_attempts=declared.max_attempts,
        per_minute=declared.requests_per_minute,
    )
    try:
        yield reads, key
    finally:
        reads.close()


def _key(settings: Settings, source: str, declared: Eodhd | Polygon) -> tuple[SecretStr, str]:
    """Give the key, and the variable that it comes from."""
    eodhd = isinstance(declared, Eodhd)
    value = settings.eodhd_api_key if eodhd else settings.polygon_api_key
    variable = "TA_EODHD_API_KEY" if eodhd else "TA_POLYGON_API_KEY"
    if value is None or not value.get_secret_value():
        raise ConfigurationError(
            f"Source {source} needs an API key",
            expected=f"{variable}, or a file {variable.removeprefix('TA_').lower()} in "
            "TA_SECRETS_DIR",
            found="none",
        )
    return value, variable
