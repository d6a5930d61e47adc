"""What a market is made of: the seeded model, or archives that are replayed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.exchange.config import ExchangeConfig
from trading_assets.exchange.market.listing import Listing, listing_of
from trading_assets.exchange.market.market_model import DAYS_KEPT, MarketModel
from trading_assets.exchange.market.outages import Outages

if TYPE_CHECKING:
    from trading_assets.exchange.market.replay import Replayed

_MINUTE: Micros = 60_000_000


@dataclass(frozen=True, slots=True)
class Market:
    """Listings, path and outages of one exchange.

    Attributes:
        identity: what a ledger must agree on besides the settings.
    """

    listings: dict[str, Listing]
    model: MarketModel
    outages: Outages
    identity: dict[str, Any] = field(default_factory=dict)


def open_market(config: ExchangeConfig) -> Market:
    """Open the market that a configuration asks for.

    Raises:
        ConfigurationError: if a symbol cannot be listed or replayed.
    """
    # Today and the day before of every symbol, which a 24 h ticker of all needs.
    days_kept = max(DAYS_KEPT, 2 * len(config.symbols) + 8)
    if config.replay is None:
        listings = {name: listing_of(name) for name in config.symbols}
        model = MarketModel(config.seed, config.structure, days_kept)
        return Market(listings, model, Outages(config.seed))
    from trading_assets.exchange.market.replay import ReplayMarket, ReplayOutages, load_replay

    archives = load_replay(config.replay, config.symbols)
    listings = {name: archive.listing for name, archive in archives.items()}
    first, last = _span(archives)
    if config.start is None or not first <= config.start // _MINUTE <= last:
        raise ConfigurationError(
            "Embedded exchange: bad start for a replay",
            expected=f"{_text(first)} to {_text(last)}, which the archives cover",
            found="none" if config.start is None else _text(config.start // _MINUTE),
        )
    return Market(
        listings,
        ReplayMarket(config.seed, archives, days_kept),
        ReplayOutages(config.seed, archives),
        {"replay": {name: archive.digest for name, archive in sorted(archives.items())}},
    )


def replayed_symbols(folder: Path) -> tuple[str, ...]:
    """List the symbols that have archives under a folder.

    Raises:
        ConfigurationError: if there are none.
    """
    from trading_assets.exchange.market.replay_files import archives_in

    return tuple(sorted(archives_in(folder)))


def replayed_span(folder: Path) -> tuple[Micros, Micros]:
    """Give the first and the last minute that all archives under a folder cover, as instants.

    Raises:
        ConfigurationError: if there are none, or a file cannot be used.
    """
    from trading_assets.exchange.market.replay import load_replay

    first, last = _span(load_replay(folder, replayed_symbols(folder)))
    return first * _MINUTE, last * _MINUTE


def _span(archives: dict[str, Replayed]) -> tuple[int, int]:
    """Give the first and the last minute that all archives cover."""
    return (
        max(int(archive.minute[0]) for archive in archives.values()),
        min(int(archive.minute[-1]) for archive in archives.values()),
    )


def _text(minute: int) -> str:
    return datetime.fromtimestamp(minute * 60, tz=UTC).strftime("%Y-%m-%dT%H:%MZ")
