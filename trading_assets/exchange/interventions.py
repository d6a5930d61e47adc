"""What faults do to the venue by time: halts, changed filters, set balances, trades by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.faults.armed import Faults
from trading_assets.exchange.faults.kinds import Call, Family, Fault, Kind
from trading_assets.exchange.faults.streams import StreamFaults
from trading_assets.exchange.protocol.connections import Line
from trading_assets.exchange.protocol.sockets import Sockets
from trading_assets.exchange.venue.accounts import OUTSIDE
from trading_assets.exchange.venue.mishaps import Mishap
from trading_assets.exchange.venue.orders import Kind as OrderKind
from trading_assets.exchange.venue.orders import OrderRequest, Tif
from trading_assets.exchange.venue.reports import BalanceReport
from trading_assets.exchange.venue.venue import Venue


@dataclass(slots=True)
class Links:
    """What faults of streams are done to.

    Attributes:
        messages: faults of messages on their way to subscribers.
        sockets: the open connections.
        frozen: lines that a fault has frozen.
    """

    messages: StreamFaults
    sockets: Sockets
    frozen: set[Line | None] = field(default_factory=set)


def check(venue: Venue, fault: Fault, accounts: Sequence[str]) -> None:
    """Refuse a fault that names what is not there, or cannot be done.

    Raises:
        ConfigurationError: for an unknown symbol or account, or a grid that does not fit.
    """
    for name, known in (("symbol", list(venue.original_listings)), ("account", accounts)):
        for named in (fault.settings.get(name), getattr(fault.match, name)):
            if named and named not in known:
                raise ConfigurationError(
                    "Not a fault", expected=f"{name}: one of {', '.join(known)}", found=named
                )
    for setting, step in (("tick_size", "tick"), ("step_size", "lot"), ("quantity", "lot")):
        size, symbol = fault.settings.get(setting), fault.settings.get("symbol")
        if not size or symbol is None:
            continue
        least = getattr(venue.original_listings[symbol].instrument, step)
        if size % least:
            raise ConfigurationError(
                "Not a fault", expected=f"{setting}: a multiple of {least}", found=str(size)
            )


def mishap_of(faults: Faults, account: str, request: OrderRequest, now: Micros) -> Mishap:
    """Give what the armed faults do to an order that the venue accepts."""
    symbol = request.listing.instrument.symbol
    call = Call("POST", "/api/v3/order", symbol, account)
    struck = {
        kind: armed.fault.settings for kind, armed in faults.strike(call, now, Family.ORDER).items()
    }
    part, hidden = struck.get(Kind.PARTIAL_FILL), struck.get(Kind.VISIBLE_AFTER)
    lots = int(part["quantity"] / request.listing.instrument.lot) if part else 0
    return Mishap(max(lots, 1) if part else 0, hidden["ms"] * 1_000 if hidden else 0)


def intervene(venue: Venue, links: Links, faults: Faults, now: Micros) -> None:
    """Carry out what is due at `now` and hold the venue to the states that are active."""
    actions = faults.turn(now)
    venue.halted = {each["symbol"]: each["status"] for each in faults.states(Kind.HALT_SYMBOL)}
    _change_filters(venue, faults)
    _freeze(links, {_line(each["line"]) for each in faults.states(Kind.WS_FREEZE)})
    for armed in actions:
        faults.carried_out(armed, now, _carry_out(venue, links, armed.fault, now))


def _line(name: str) -> Line | None:
    return Line(name) if name else None


def _freeze(links: Links, wanted: set[Line | None]) -> None:
    if wanted == links.frozen:
        return
    links.sockets.thaw(None)
    for line in wanted:
        links.sockets.freeze(line)
    links.frozen = wanted


def _change_filters(venue: Venue, faults: Faults) -> None:
    changes = faults.states(Kind.FILTER_CHANGE)
    listings = dict(venue.original_listings)
    for change in changes:
        listing = listings[change["symbol"]]
        instrument = listing.instrument
        if change["tick_size"]:
            ticks = int(change["tick_size"] / instrument.tick)
            listing = replace(listing, tick_multiple=ticks)
        if change["step_size"]:
            listing = replace(listing, lot_multiple=int(change["step_size"] / instrument.lot))
        if change["min_notional"]:
            least = change["min_notional"]
            listing = replace(listing, instrument=replace(instrument, min_notional=least))
        listings[change["symbol"]] = listing
    venue.listings.update(listings)


def _carry_out(venue: Venue, links: Links, fault: Fault, now: Micros) -> str:
    """Do one action; say what came of it."""
    if fault.kind is Kind.BALANCE_SET:
        return _set_balance(venue, fault, now)
    if fault.kind is Kind.EXTERNAL_TRADE:
        return _trade_by_hand(venue, fault, now)
    return _disturb(links, fault)


def _disturb(links: Links, fault: Fault) -> str:
    """Do an action on streams; say how many connections were open to it."""
    wish = fault.settings
    met = sum(1 for _ in links.sockets.of(_line(wish.get("line", ""))))
    match fault.kind:
        case Kind.WS_DROP:
            links.sockets.drop(_line(wish["line"]), wish["code"] or None)
        case Kind.WS_STALL:
            links.sockets.stall(_line(wish["line"]))
        case Kind.WS_GAP:
            links.messages.gap(wish["stream"], wish["messages"])
        case Kind.WS_DUP:
            links.messages.duplicate(wish["stream"], wish["messages"])
        case Kind.WS_REORDER:
            links.messages.reorder(wish["stream"])
        case _:
            links.messages.reject_subscribe(wish["subscriptions"])
    return f"{met} connections"


def _set_balance(venue: Venue, fault: Fault, now: Micros) -> str:
    account, asset, free = (fault.settings[name] for name in ("account", "asset", "free"))
    change = units_from_decimal(free) - venue.accounts.holding(account, asset).free
    payer, payee = (OUTSIDE, account) if change > 0 else (account, OUTSIDE)
    venue.accounts.pay(payer, asset, abs(change), payee)
    venue.publish(BalanceReport(account, asset, change, now))
    venue.report_positions(now)
    return f"changed by {Decimal(change).scaleb(-8):f}"


def _trade_by_hand(venue: Venue, fault: Fault, now: Micros) -> str:
    """Place an order as the account's owner does on the venue's own pages."""
    wish = fault.settings
    listing = venue.listings[wish["symbol"]]
    instrument = listing.instrument
    count = venue.counters[wish["symbol"]].next_order_id
    request = OrderRequest(
        listing=listing,
        side=wish["side"],
        kind=OrderKind.LIMIT if wish["price"] else OrderKind.MARKET,
        tif=Tif.GTC,
        lots=int(wish["quantity"] / instrument.lot),
        ticks=int(wish["price"] / instrument.tick),
        quote_units=0,
        client_order_id=f"web_{count:032x}",
    )
    try:
        order = venue.place(wish["account"], request, now)
    except Refused as refusal:
        return f"refused: {refusal}"
    return f"order {order.order_id} {order.status.value}"
