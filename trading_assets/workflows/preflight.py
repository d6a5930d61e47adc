"""Looks, before a book is started, whether all that it needs is there; it never sends an order."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trading_assets.adapters.binance.client import call
from trading_assets.adapters.binance.feed import BinanceBarSource, KlinePager
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.live.lease import refuse_remote
from trading_assets.settings import Settings
from trading_assets.storage.release_store import Release
from trading_assets.workflows.armed import real_host, require_armed
from trading_assets.workflows.control_book import standing
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_book import LiveBook, live_book, venue_client, venue_url
from trading_assets.workflows.live_release import release_to_trade, require_tradable

OK, WARN, FAIL = "ok", "warn", "fail"
VENUES: Mapping[str, dict[str, str]] = {
    "embedded": {},
    "demo": {"api_url": "https://demo-api.binance.com/api"},
    "live": {"api_url": "https://api.binance.com/api"},
}
_GIB = 1024**3
_OFFSET_WARN_MS = 500
_OFFSET_FAIL_MS = 1_000
"""The venue refuses a request whose time is more than a second ahead of its own."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at.

    Attributes:
        status: `ok`, `warn` or `fail`.
        fix: what to do, "" when there is nothing to do.
    """

    status: str
    what: str
    found: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the checks share."""

    desk: Desk
    place: LiveBook
    client: Any
    pager: KlinePager

    def ask(self, request: Callable[[], Any], doing: str) -> Any:
        return call(request, doing, clock=self.desk.clock, max_attempts=1)

    @property
    def release(self) -> Release:
        return release_to_trade(self.desk, self.place)[0]


def at_venue(settings: Settings, book: str, venue: str) -> Settings:
    """Give the settings with a book at another venue: `embedded`, `demo` or `live`.

    Raises:
        ConfigurationError: if there is no such book.
    """
    place = live_book(settings, book)
    kind = "embedded" if venue == "embedded" else "binance"
    moved = place.settings.model_copy(update={"venue": kind, "mode": "trade"})
    binance = settings.binance.model_copy(update=VENUES[venue])
    return settings.model_copy(
        update={"books": {**settings.books, book: moved}, "binance": binance}
    )


def preflight(desk: Desk, book: str) -> Iterator[Line]:
    """Look at one thing after another; a check that cannot be made is a `fail` that says why.

    Raises:
        ConfigurationError: if settings have no such book, or it has no key.
    """
    place = live_book(desk.settings, book)
    client = venue_client(desk.settings, place)
    look = _Look(desk, place, client, KlinePager(client, desk.clock, max_attempts=1))
    try:
        for what, check in _CHECKS:
            try:
                yield from check(look)
            except (TradingAssetsError, OSError) as error:
                yield _failed(what, error)
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                found = f"{type(error).__name__} {error}"
                yield Line(FAIL, what, f"the venue's answer cannot be read: {found}")
    finally:
        client.close_connection()


def _failed(what: str, error: TradingAssetsError | OSError) -> Line:
    if isinstance(error, OSError):
        return Line(FAIL, what, str(error))
    found = f"{error.what} ({error.found})" if error.found else error.what
    return Line(FAIL, what, found, error.fix)


def _reach(look: _Look) -> Iterator[Line]:
    look.ask(look.client.ping, "ping")
    yield Line(OK, "venue", venue_url(look.desk.settings, look.place))


def _clock(look: _Look) -> Iterator[Line]:
    before = look.desk.clock.now()
    answer = look.ask(look.client.get_server_time, "time of the venue")
    after = look.desk.clock.now()
    offset_ms = int(answer["serverTime"]) - (before + after) // 2_000
    found = (
        f"the venue is {offset_ms:+d} ms ahead, a round trip takes {(after - before) / 1e3:.0f} ms"
    )
    if look.place.settings.venue == "embedded" and abs(offset_ms) > 60_000:
        yield Line(OK, "clock", "the exchange has a clock of its own")
        return
    fix = "Let the machine keep its time: `timedatectl set-ntp true`."
    if abs(offset_ms) > _OFFSET_FAIL_MS:
        yield Line(FAIL, "clock", found, fix)
    elif abs(offset_ms) > _OFFSET_WARN_MS:
        yield Line(WARN, "clock", found, fix)
    else:
        yield Line(OK, "clock", found)


def _account(look: _Look) -> Iterator[Line]:
    if look.place.settings.is_simulated:
        yield Line(OK, "key", "none is needed: its orders never leave this machine")
        return
    look.client.timestamp_offset = _offset_ms(look)
    account = look.ask(look.client.get_account, "account")
    yield Line(OK, "key", f"account type {account['accountType']}")
    if account.get("canTrade"):
        yield Line(OK, "may trade", "yes")
    else:
        yield Line(FAIL, "may trade", "no", "Enable spot trading for the key, or for the account.")
    yield _withdrawals(look)
    yield from _balances(look, account["balances"])


def _offset_ms(look: _Look) -> int:
    answer = look.ask(look.client.get_server_time, "time of the venue")
    return int(answer["serverTime"]) - look.desk.clock.now() // 1_000


def _withdrawals(look: _Look) -> Line:
    """Tell whether the key can take money out; asked where there is money only."""
    if not real_host(look.desk.settings, look.place):
        return Line(OK, "may not withdraw", "play money")
    found = look.ask(look.client.get_account_api_permissions, "permissions of the key")
    if found.get("enableWithdrawals"):
        fix = "Make a key for this book that can trade and nothing else, and delete this one."
        return Line(FAIL, "may not withdraw", "the key can withdraw", fix)
    if not found.get("ipRestrict"):
        return Line(
            WARN, "may not withdraw", "right, but any address may use the key",
            "Restrict the key to this machine's address.",
        )  # fmt: skip
    return Line(OK, "may not withdraw", "right, and the key is bound to addresses")


def _balances(look: _Look, rows: list[Mapping[str, Any]]) -> Iterator[Line]:
    """Compare what is free with what the strategy was given in its backtest.

    A book that has traded holds other things for it: its start compares them with its journal.
    """
    held = {row["asset"]: Decimal(row["free"]) for row in rows}
    release, is_new = release_to_trade(look.desk, look.place)
    quote = release.instruments[0].quote
    free, wanted = held.get(quote, Decimal(0)), Decimal(str(release.spec.cash))
    if not is_new:
        yield Line(OK, "balance", f"{free:f} {quote} free; the book has traded already")
        return
    found = f"{free:f} {quote} free, the release was made for {wanted:f}"
    if free < wanted:
        fix = "Fund the account, or promote a release that was made for less cash."
        yield Line(FAIL, "balance", found, fix)
    else:
        yield Line(OK, "balance", found)


def _release(look: _Look) -> Iterator[Line]:
    release, is_new = release_to_trade(look.desk, look.place)
    source = BinanceBarSource(look.pager)
    require_tradable(look.desk.settings, look.place, release, source, is_new=is_new)
    symbols = ", ".join(release.spec.symbols)
    yield Line(OK, "release", f"{release.release_id}, {symbols}; order types and grids fit")


def _symbols(look: _Look) -> Iterator[Line]:
    """Look at the venue's own rules for each symbol."""
    needed = {kind.name for kind in look.release.order_types}
    names = {"STOP": "STOP_LOSS", "STOP_LIMIT": "STOP_LOSS_LIMIT"}
    for symbol in look.release.spec.symbols:
        entry = look.pager.entry(symbol)
        missing = sorted(
            kind for kind in needed if names.get(kind, kind) not in entry["orderTypes"]
        )
        if entry["status"] != "TRADING":
            yield Line(FAIL, symbol, f"status {entry['status']}", "Wait, or trade without it.")
        elif missing:
            yield Line(
                FAIL, symbol, f"no {', '.join(missing)} orders", "Promote a release without."
            )
        else:
            yield Line(OK, symbol, "trades, with every order type that is needed")


def _budget(look: _Look) -> Iterator[Line]:
    info = look.ask(
        lambda: look.client._get("exchangeInfo", data={"symbol": look.release.spec.symbols[0]}),  # noqa: SLF001
        "limits of the venue",
    )
    kind = ("REQUEST_WEIGHT", "MINUTE", 1)
    names = ("rateLimitType", "interval", "intervalNum")
    limits = [row["limit"] for row in info["rateLimits"] if tuple(map(row.get, names)) == kind]
    if not limits:
        yield Line(WARN, "request weight", "the venue names no limit per minute", "Watch for 429.")
        return
    limit, used = limits[0], int(look.client.response.headers.get("x-mbx-used-weight-1m", 0))
    found = f"{used} of {limit} per minute are used from this address"
    if used > limit // 2:
        yield Line(WARN, "request weight", found, "Find out what else asks this venue from here.")
    else:
        yield Line(OK, "request weight", found)


def _disk(look: _Look) -> Iterator[Line]:
    root = look.desk.settings.data_root / "live"
    root.mkdir(parents=True, exist_ok=True)
    refuse_remote(root)
    free = shutil.disk_usage(root).free
    found = f"{free / _GIB:.1f} GiB free, on a local file system"
    fix = "Free some space: an executor that cannot write its journal stops."
    yield Line(OK, "disk", found) if free >= _GIB else Line(FAIL, "disk", found, fix)


def _halt(look: _Look) -> Iterator[Line]:
    halt = standing(look.place)
    if halt.reason:
        book, code = look.place.name, halt.code
        fix = f"`trading-assets resume --book {book} --confirm {code}`, when it is time."
        yield Line(WARN, "halt", f"{halt.level.name}: {halt.reason}", fix)
    else:
        yield Line(OK, "halt", "not halted")
    if look.place.is_running:
        yield Line(
            WARN, "lease", "an executor trades this account already", "Leave it to that one."
        )
    else:
        yield Line(OK, "lease", "free")


def _arming(look: _Look) -> Iterator[Line]:
    host = real_host(look.desk.settings, look.place)
    if not host:
        yield Line(OK, "real money", "no")
        return
    now = look.desk.clock.now()
    release_id = look.release.release_id
    token = require_armed(look.desk.settings, look.place, release_id=release_id, now=now)
    yield Line(WARN, "real money", f"YES, at {host}, by leave of {token.by if token else 'nobody'}")


_CHECKS: tuple[tuple[str, Callable[[_Look], Iterator[Line]]], ...] = (
    ("disk", _disk),
    ("halt", _halt),
    ("venue", _reach),
    ("clock", _clock),
    ("release", _release),
    ("symbols", _symbols),
    ("key", _account),
    ("request weight", _budget),
    ("real money", _arming),
)
