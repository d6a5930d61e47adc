"""Which known outages may explain the gaps of a symbol's source."""

from __future__ import annotations

from urllib.parse import urlsplit

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Month, Symbol
from trading_assets.market.outages import Outage, outages_from_csv, outages_of, shipped_outages
from trading_assets.settings import Settings

_BINANCE = "binance_spot"
_BINANCE_HOST = ".binance.com"


def known_outages(
    settings: Settings, source: str, symbol: Symbol, month: Month
) -> tuple[Outage, ...]:
    """List the outages of one symbol that touch a month: the shipped ones and the user's.

    Raises:
        ConfigurationError: if the file of `quality.outages` is not there or cannot be read.
    """
    known = shipped_outages() + _of_the_user(settings)
    return outages_of(known, venues_of(settings, source), symbol, month)


def venues_of(settings: Settings, source: str) -> tuple[str, ...]:
    """Name the markets whose outages a source shares: its own name, and its venue's.

    The archive and the API show the same market; the embedded exchange, a test net or another
    vendor's bars do not.
    """
    if source == "archive":
        return (source, _BINANCE)
    if source == "binance":
        host = urlsplit(settings.binance.api_url).hostname or ""
        return (source, _BINANCE) if host.endswith(_BINANCE_HOST) else (source,)
    declared = settings.sources.get(source)
    if declared is not None and declared.kind == "binance_archive":
        return (source, f"binance_{declared.market}")
    return (source,)


def _of_the_user(settings: Settings) -> tuple[Outage, ...]:
    path = settings.quality.outages
    if path is None:
        return ()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "Setting quality.outages names no table that can be read",
            expected="a CSV file",
            found=f"{path}: {error}",
        ) from None
    return outages_from_csv(text, str(path))
