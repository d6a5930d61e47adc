"""Finished bars as they happen: from the one source that settings name, recorded, printed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from trading_assets.adapters.binance.client import make_client
from trading_assets.adapters.binance.feed import KlinePager
from trading_assets.adapters.binance.kline_stream import StreamedBars
from trading_assets.adapters.polled_live import PolledLive
from trading_assets.declarations.rest_vendors import Polygon
from trading_assets.declarations.sources import BinanceArchive
from trading_assets.domain.bar import Bar
from trading_assets.domain.errors import ConfigurationError, UnknownSymbol, VenueError
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.market.live_minutes import LiveFeed, Revision
from trading_assets.settings import Settings
from trading_assets.storage.bar_recording import BarRecording
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.history_sources import traits_of
from trading_assets.workflows.vendor_sources import polygon_live
from trading_assets.workflows.venue_streams import venue_bars

_LIVE = "embedded, binance, or a declared source of kind polygon"
_WAIT_S = 0.5  # within which a stop is heard


def stream_bars(
    desk: Desk,
    symbols: tuple[Symbol, ...],
    *,
    stop: threading.Event,
    out: Path | None = None,
    max_bars: int | None = None,
    told: Callable[[Bar | Revision], None],
    troubled: Callable[[VenueError | None], None],
) -> int:
    """Tell of finished bars and revisions until `stop` is set.

    Args:
        desk: whose settings name the source.
        symbols: all of one source.
        stop: may be set at any time.
        out: a recording that is begun, or gone on with: the minutes since its last are asked for
            first. What is told is on disk by then.
        max_bars: end once there are so many; those of one instant come together.
        told: of each bar and revision, in order.
        troubled: when bars cease to come, and with None when they come again.

    Returns:
        How many bars there were.

    Raises:
        ConfigurationError: if these symbols have no live feed, or more than one.
        VenueError, DataError: if the feed cannot go on.
    """
    count, trouble = 0, None
    with ExitStack() as opened:
        recording = opened.enter_context(BarRecording(out)) if out is not None else None
        first = recording.last_ts if recording is not None else None
        feed = opened.enter_context(live_feed(desk, symbols, first=first))
        while not stop.is_set() and (max_bars is None or count < max_bars):
            events = feed.events(_WAIT_S)
            for event in events if recording is None else recording.append(events):
                told(event)
                count += isinstance(event, Bar)
            if (feed.trouble is None) != (trouble is None):
                trouble = feed.trouble
                troubled(trouble)
    return count


def live_feed(
    desk: Desk, symbols: tuple[Symbol, ...], *, first: Micros | None = None
) -> AbstractContextManager[LiveFeed]:
    """Open the live feed of the source that settings name for these symbols, and no other.

    Args:
        desk: gives settings and clock.
        symbols: of the settings, all with the same source.
        first: open time of the first minute; None begins with the one that is forming.

    Raises:
        UnknownSymbol: if a symbol is not configured.
        ConfigurationError: if they have no live feed, or more than one.
    """
    settings = desk.settings
    name = _one_source(settings, symbols)
    if name in ("embedded", "binance"):
        return _of_venue(desk, name, symbols, first)
    declared = settings.sources.get(name)
    if isinstance(declared, Polygon):
        traits = traits_of(settings, name)
        return polygon_live(settings, desk.clock, traits, declared, symbols=symbols, first=first)
    raise ConfigurationError(
        f"Source {name} of {symbols[0]} has no live feed",
        expected=_LIVE,
        found=f"{name}, which gives history only",
        fix="Live bars come from the source of the history, so that both are the same bars: name "
        "a source that has both.",
    )


def require_venue_is_source(settings: Settings, venue: str, symbols: tuple[Symbol, ...]) -> None:
    """Refuse to trade a symbol on bars of another market than the one its history is of.

    Binance's archive is Binance's own history.

    Args:
        settings: name the source of each symbol.
        venue: of the book, whose bars it is traded on.
        symbols: that are to be traded.

    Raises:
        ConfigurationError: naming the symbol, its source and the venue.
    """
    of_venue = {"embedded": ("embedded",), "binance": ("binance", "archive")}[venue]
    for symbol in symbols:
        source = settings.source_of(symbol)
        declared = settings.sources.get(source)
        is_archive = isinstance(declared, BinanceArchive) and declared.market == "spot"
        if source not in of_venue and not (is_archive and venue == "binance"):
            raise ConfigurationError(
                f"{symbol} cannot be traded on bars of {venue}",
                expected=f"a source that is this venue: {', '.join(of_venue)}",
                found=f"{source}, which its history comes from",
                fix="Trade it where its history is from, or change its source and promote anew.",
            )


def _one_source(settings: Settings, symbols: tuple[Symbol, ...]) -> str:
    unknown = [symbol for symbol in symbols if symbol not in settings.symbols]
    if unknown:
        raise UnknownSymbol(
            f"Symbol {unknown[0]} is not configured",
            expected=f"one of {', '.join(settings.symbols)}",
            found=str(unknown[0]),
            fix="Add it to `symbols` in the settings.",
        )
    sources = {symbol: settings.source_of(symbol) for symbol in symbols}
    if len(set(sources.values())) != 1:
        raise ConfigurationError(
            "One feed has one source",
            expected="symbols of the same source",
            found=", ".join(f"{symbol} from {name}" for symbol, name in sources.items()) or "none",
            fix="Run one feed for each source.",
        )
    return sources[symbols[0]]


@contextmanager
def _of_venue(
    desk: Desk, name: str, symbols: tuple[Symbol, ...], first: Micros | None
) -> Iterator[LiveFeed]:
    settings = desk.settings
    exchange = settings.exchange
    host = f"[{exchange.host}]" if ":" in exchange.host else exchange.host
    embedded = f"http://{host}:{exchange.port}/api"
    url = embedded if name == "embedded" else settings.binance.api_url
    client = make_client(
        url,
        timeout_s=settings.binance.timeout_s,
        recv_window_ms=settings.binance.recv_window_ms,
    )
    try:
        pager = KlinePager(client, desk.clock, max_attempts=1)
        with venue_bars(settings, pager, url, symbols) as bars:
            told = bars.take_revisions if isinstance(bars, StreamedBars) else list
            yield PolledLive(bars, desk.clock, symbols, first=first, revisions=told)
    finally:
        client.close_connection()
