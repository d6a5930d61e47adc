"""Which release a live book trades, and whether it can take another."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

from trading_assets.adapters.binance.feed import BinanceBarSource
from trading_assets.domain.errors import ConfigurationError, TradingAssetsError, VenueError
from trading_assets.domain.order import OrderType
from trading_assets.live.bar_grid import require_size
from trading_assets.live.hand_over import Examined
from trading_assets.live.recovery import last_release
from trading_assets.settings import Settings
from trading_assets.storage.journal_reader import FILE
from trading_assets.storage.release_store import Release
from trading_assets.workflows.armed import require_armed
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook
from trading_assets.workflows.release_parts import SUPPORTED, machine_factory
from trading_assets.workflows.stream_bars import require_venue_is_source

_TRIAL_S = 60.0
_GLANCE_S = 0.1


def release_to_trade(desk: Desk, place: LiveBook) -> tuple[Release, bool]:
    """Give the release that a book's journal trades last; without a journal, the current one.

    Returns:
        The release, and whether the book begins with it.

    Raises:
        MissingPartition: if there is none.
        CorruptFile: if a file of it is damaged.
        RecoveryError: if the journal cannot be read.
    """
    named = None
    if (place.folder / FILE).is_file():
        with place.journal() as journal:
            named = last_release(journal)
    if named:
        return desk.releases.get(named), False
    pinned = place.settings.release
    return (desk.releases.get(pinned) if pinned else desk.releases.require(place.traded)), True


def hand_over_of(settings: Settings, place: LiveBook) -> tuple[str, int]:
    """Give how a book leaves a release, and after how many bars at most: its own setting first."""
    own, live = place.settings, settings.live
    bars = live.hand_over_bars if own.hand_over_bars is None else own.hand_over_bars
    return own.hand_over or live.hand_over, bars


def require_tradable(
    settings: Settings,
    place: LiveBook,
    release: Release,
    source: BinanceBarSource,
    *,
    is_new: bool,
) -> None:
    """Refuse a release that the book's venue cannot trade.

    Raises:
        ConfigurationError: if it needs order types that no live book sends, or daily bars of a
            market with sessions; or if its symbols have another source than the venue, or another
            grid there.
        VenueUnavailable, RateLimited: if the venue cannot be asked.
    """
    for instrument in release.instruments:
        require_size(instrument.calendar, release.spec.timeframe)
    missing = release.order_types - SUPPORTED
    if missing:
        raise ConfigurationError(
            f"Book {place.name} cannot trade release {release.release_id}",
            expected=f"order types among {_names(SUPPORTED)}",
            found=_names(missing),
            fix="Promote a strategy that does without them.",
        )
    require_venue_is_source(settings, place.settings.market, release.spec.symbols)
    _require_fit(release, source, is_new=is_new)


def examine_release(
    desk: Desk,
    place: LiveBook,
    source: BinanceBarSource,
    present: Release,
    release_id: str,
    ended: threading.Event,
) -> Examined:
    """Look whether a running book can take another release; for a thread beside the executor's.

    Its files are proven, and its model and engine are made once in a process that is thrown away:
    a damaged model ends the process that parses it.

    Args:
        desk: holds the releases.
        place: the book.
        source: tells of the venue's instruments, by a connection of this thread.
        present: the release that the book trades.
        release_id: of the one to look at.
        ended: once it is set, nobody waits for an answer.

    Raises:
        VenueUnavailable, RateLimited: if the venue cannot be asked; to be tried again.
    """
    try:
        release = desk.releases.get(release_id)
        _require_same_money(present, release)
        now = desk.clock.now()
        require_armed(desk.settings, place, release_id=release_id, now=now)
        require_tradable(desk.settings, place, release, source, is_new=True)
    except VenueError:
        raise
    except TradingAssetsError as error:
        return Examined(refusal=str(error))
    refusal = _tried_apart(desk.settings, place.name, release_id, ended)
    if refusal:
        return Examined(refusal=refusal)
    return Examined(can_carry=_fits(present, release))


def _tried_apart(settings: Settings, book: str, release_id: str, ended: threading.Event) -> str:
    """Load a release in a process of its own; give what it said when it failed."""
    command = [sys.executable, "-m", "trading_assets.workflows.try_release", book, release_id]
    environment = {**os.environ, "TA_HOME": str(settings.home)}
    with subprocess.Popen(  # noqa: S603 - our own module
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as trial:
        word = _last_words(trial, ended)
        code = trial.poll()
        if code is None:
            trial.kill()
    if code == 0:
        return ""
    if code is None:
        return f"release {release_id} was not loaded within {_TRIAL_S:.0f} s"
    said = word.strip().splitlines()
    last = said[-1][:300] if said else "no word"
    return f"release {release_id} cannot be loaded (exit {code}): {last}"


def _last_words(trial: subprocess.Popen[str], ended: threading.Event) -> str:
    """Give what a trial says until it ends, its time is over, or nobody waits for it."""
    for _ in range(int(_TRIAL_S / _GLANCE_S)):
        try:
            return trial.communicate(timeout=_GLANCE_S)[1]
        except subprocess.TimeoutExpired:
            if ended.is_set():
                break
    return ""


def _require_same_money(present: Release, other: Release) -> None:
    """Refuse a release that counts the account's money in another asset."""
    ours, theirs = (
        release.spec.engine_setup(release.instruments).account.quote for release in (present, other)
    )
    if ours != theirs:
        raise ConfigurationError(
            f"Release {other.release_id} trades another quote asset than the book holds",
            expected=ours,
            found=theirs,
            fix="Give it a book and an account of its own.",
        )


def _fits(present: Release, other: Release) -> bool:
    """Tell whether positions of one release can be the other's: the same books, the same bars."""
    if present.spec.timeframe is not other.spec.timeframe:
        return False
    former, heir = (machine_factory(release).new() for release in (present, other))
    return heir.can_carry(former)


def _names(types: frozenset[OrderType]) -> str:
    return ", ".join(sorted(kind.name for kind in types))


def _require_fit(release: Release, source: BinanceBarSource, *, is_new: bool) -> None:
    """Refuse to trade on another grid of prices and quantities than the release was made for.

    A book that has traded goes on, and fits its decisions into the venue's grid of today.
    """
    names = ("base", "quote", "tick", "lot") if is_new else ("base", "quote")
    found = source.instruments(release.spec.symbols)
    for ours, theirs in zip(release.instruments, found, strict=True):
        for name in names:
            if getattr(ours, name) != getattr(theirs, name):
                raise ConfigurationError(
                    f"{ours.symbol} has another {name} at the venue than in the release",
                    expected=str(getattr(ours, name)),
                    found=str(getattr(theirs, name)),
                    fix="Materialise `instruments` and the backtests again, and promote anew.",
                )
