"""The sources of market history that settings name or declare, opened and closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

from trading_assets.adapters.binance.archive import ArchiveHistory, HttpFiles, LocalFiles, Market
from trading_assets.adapters.binance.budget import RequestBudget
from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager, RestHistory
from trading_assets.adapters.package_files import PackageHistory
from trading_assets.declarations.packages import Package
from trading_assets.declarations.rest_vendors import Eodhd, Polygon
from trading_assets.domain.bar import Timeframe
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.ports import Clock
from trading_assets.market.column_map import DecodedFiles
from trading_assets.market.history import HistorySource, SourceTraits
from trading_assets.settings import Settings
from trading_assets.workflows.vendor_sources import vendor_history

_NO_WEIGHT_LIMIT = 2**31 - 1  # of an exchange that serves nobody else


def traits_of(settings: Settings, source: str) -> SourceTraits:
    """Give what is true of all bars of a source, without opening it.

    Two configurations share a store only if the same bytes come from both: another seed of the
    embedded exchange is another market.

    Args:
        settings: that name or declare it.
        source: `embedded`, `binance`, `archive`, or the name of a declared one.
    """
    if source == "embedded":
        market = settings.exchange
        return SourceTraits(source, f"embedded-seed{market.seed}-structure{market.structure}")
    if source == "binance":
        host = urlsplit(settings.binance.api_url).netloc
        return SourceTraits(source, "binance-" + host.replace(":", "-"))
    if source == "archive":
        return SourceTraits(source, "archive")
    declared = settings.sources[source]
    return SourceTraits(
        name=source,
        store=f"declared-{source}",
        timeframe=Timeframe(declared.timeframe),
        silent_minutes=declared.silent_minutes,
        longest_silence_minutes=declared.longest_silence_minutes,
        package=declared if isinstance(declared, Package) else None,
    )


def traits_of_symbol(settings: Settings, symbol: Symbol) -> SourceTraits:
    """Give what is true of all bars of a symbol's source."""
    return traits_of(settings, settings.source_of(symbol))


class OpenSources:
    """Sources of a desk, as `HistorySources`: each is opened once, when it is first asked for."""

    def __init__(
        self, settings: Settings, clock: Clock, opened: ExitStack, decoded: DecodedFiles
    ) -> None:
        self._settings = settings
        self._decoded = decoded
        self._clock = clock
        self._opened = opened
        self._sources: dict[str, HistorySource] = {}

    def of(self, symbol: Symbol) -> HistorySource:
        """Give the source of a symbol."""
        return self.named(self._settings.source_of(symbol))

    def named(self, name: str) -> HistorySource:
        """Give a source by its name."""
        if name not in self._sources:
            source = _opened(self._settings, self._clock, name, self._decoded)
            self._sources[name] = self._opened.enter_context(source)
        return self._sources[name]

    def now(self) -> Micros:
        """Give the present of the source that settings name first."""
        return self.named(self._settings.source).now()


@contextmanager
def open_history(
    settings: Settings, clock: Clock, decoded: DecodedFiles | None = None
) -> Iterator[OpenSources]:
    """Open what settings name or declare, source by source as each is asked for; close all.

    Args:
        settings: which sources there are.
        clock: for waiting, and as the present of files.
        decoded: files of all history that the same desk has decoded.
    """
    with ExitStack() as opened:
        yield OpenSources(settings, clock, opened, decoded or DecodedFiles())


def _opened(
    settings: Settings, clock: Clock, source: str, decoded: DecodedFiles
) -> AbstractContextManager[HistorySource]:
    """Choose how a source is opened.

    The embedded exchange is started for it inside this process, on a free port, with the market
    of the shared one; it is stopped afterwards.

    Raises:
        ConfigurationError: if `archive_root` is not a mirror of the archive, or a key is missing.
    """
    if source == "embedded":
        return embedded_history(settings, clock)
    if source == "binance":
        return rest_history(settings, clock, settings.binance.api_url, "binance")
    traits = traits_of(settings, source)
    market: Market = "spot"
    if source == "archive":
        root, url = settings.archive_root, settings.archive_url
    else:
        declared = settings.sources[source]
        if isinstance(declared, Eodhd | Polygon):
            return vendor_history(settings, clock, traits, declared)
        if isinstance(declared, Package):
            return nullcontext(
                PackageHistory(traits, declared, clock, settings.instruments, decoded)
            )
        root, url, market = declared.root, declared.url, declared.market
    return archive_history(settings, clock, traits, root=root, url=url, market=market)


@contextmanager
def embedded_history(settings: Settings, clock: Clock) -> Iterator[HistorySource]:
    """Start the embedded exchange and read from it as from any venue."""
    from trading_assets.exchange.server import ExchangeConfig, running_exchange

    config = ExchangeConfig(
        symbols=_symbols_of(settings, "embedded") or settings.symbols,
        seed=settings.exchange.seed,
        structure=settings.exchange.structure,
        host=settings.exchange.host,
        port=0,
        weight_limit=_NO_WEIGHT_LIMIT,
    )
    budget = RequestBudget(limit=_NO_WEIGHT_LIMIT)
    with (
        running_exchange(config) as exchange,
        rest_history(settings, clock, exchange.api_url, "embedded", budget) as source,
    ):
        yield source


@contextmanager
def rest_history(
    settings: Settings,
    clock: Clock,
    api_url: str,
    name: str,
    budget: RequestBudget | None = None,
) -> Iterator[HistorySource]:
    """Read from a venue's REST API, without a key; `budget` is the venue's own if None."""
    client = make_client(
        api_url,
        timeout_s=settings.binance.timeout_s,
        recv_window_ms=settings.binance.recv_window_ms,
        budget=budget,
    )
    try:
        pager = KlinePager(client, clock, max_attempts=settings.binance.max_attempts)
        yield RestHistory(pager, name=name, store=traits_of(settings, name).store)
    finally:
        client.close_connection()


@contextmanager
def archive_history(
    settings: Settings,
    clock: Clock,
    traits: SourceTraits,
    *,
    root: Path | None,
    url: str,
    market: Market = "spot",
) -> Iterator[HistorySource]:
    """Read from a mirror on disk, or else from the archive's web server."""
    if root is not None:
        mirror = LocalFiles(root, market)
        yield ArchiveHistory(mirror, clock, name=traits.name, store=traits.store, market=market)
        return
    files = HttpFiles(
        url,
        clock,
        timeout_s=settings.binance.timeout_s,
        max_attempts=settings.binance.max_attempts,
        market=market,
    )
    try:
        yield ArchiveHistory(files, clock, name=traits.name, store=traits.store, market=market)
    finally:
        files.close()


def _symbols_of(settings: Settings, source: str) -> tuple[Symbol, ...]:
    return tuple(symbol for symbol in settings.symbols if settings.source_of(symbol) == source)
