"""The events of an account as Binance words them, and who hears them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.exchange import wire
from trading_assets.exchange.faults.streams import USER_EVENTS, StreamFaults
from trading_assets.exchange.protocol.connections import Connection
from trading_assets.exchange.streams.event_units import event_in_micros
from trading_assets.exchange.venue.reports import (
    BalanceReport,
    ListReport,
    OrderReport,
    PositionReport,
    Report,
)


class UserStreams:
    """The subscriptions to accounts, over all connections.

    Its `publish` is the venue's: events go out in the order in which they happen.

    Attributes:
        told: called after an event that someone hears; an order may work from now on.
    """

    def __init__(self, faults: StreamFaults) -> None:
        self._faults = faults
        self.told: Callable[[], None] = lambda: None
        self._heard: dict[str, dict[tuple[Connection, int], None]] = {}

    @property
    def is_heard(self) -> bool:
        """Whether anyone listens to any account."""
        return bool(self._heard)

    def subscribe(self, account: str, connection: Connection, number: int) -> None:
        """Send the events of an account to a connection, from now on."""
        self._heard.setdefault(account, {})[connection, number] = None

    def unsubscribe(self, account: str, connection: Connection, number: int) -> None:
        """Send them no more."""
        heard = self._heard.get(account, {})
        heard.pop((connection, number), None)
        if not heard:
            self._heard.pop(account, None)

    def publish(self, report: Report) -> None:
        """Send one report to all who listen to its account."""
        heard = self._heard.get(report.account)
        if not heard:
            return
        text = wire.encode(event_of(report)).decode()
        for passed in self._faults.passed(USER_EVENTS, text):
            for connection, number in heard:
                event = event_in_micros(passed) if connection.in_micros else passed
                connection.push(wrapped(number, event))
        self.told()


def wrapped(number: int, event: str) -> str:
    """Give the frame of one event of one subscription."""
    return f'{{"subscriptionId":{number},"event":{event}}}'


def dated(kind: str, connection: Connection, now: Micros) -> str:
    """Give an event that says nothing but when, in the unit of its connection."""
    instant = wire.ms(now) * 1_000 if connection.in_micros else wire.ms(now)
    return f'{{"e":"{kind}","E":{instant}}}'


def event_of(report: Report) -> dict[str, Any]:
    """Word a report as an event of the user stream."""
    match report:
        case OrderReport():
            return _execution_report(report)
        case ListReport():
            return _list_status(report)
        case PositionReport():
            return {
                "e": "outboundAccountPosition",
                "E": wire.ms(report.ts),
                "u": wire.ms(report.ts),
                "B": list(_balances(report.balances)),
            }
        case BalanceReport():
            return {
                "e": "balanceUpdate",
                "E": wire.ms(report.ts),
                "a": report.asset,
                "d": wire.amount(report.delta_units),
                "T": wire.ms(report.ts),
            }


def _balances(balances: Iterable[tuple[str, int, int]]) -> Iterable[dict[str, str]]:
    for asset, free, locked in balances:
        yield {"a": asset, "f": wire.amount(free), "l": wire.amount(locked)}


def _execution_report(report: OrderReport) -> dict[str, Any]:
    listing, trade = report.listing, report.trade
    # A cancel has an id of its own; the order's is then the original one.
    client_id, original = report.client_order_id, ""
    if report.cancel_id is not None:
        client_id, original = report.cancel_id, report.client_order_id
    event: dict[str, Any] = {
        "e": "executionReport",
        "E": wire.ms(report.ts),
        "s": listing.instrument.symbol,
        "c": client_id,
        "S": report.side.name,
        "o": report.kind.value,
        "f": report.tif.value,
        "q": wire.quantity(listing, report.lots),
        "p": wire.price(listing, report.ticks),
        "P": wire.price(listing, report.stop_ticks),
        "F": wire.amount(0),
        "g": report.list_id,
        "C": original,
        "x": report.execution.value,
        "X": report.status.value,
        "r": report.reason,
        "i": report.order_id,
        "l": wire.quantity(listing, trade.lots if trade else 0),
        "z": wire.quantity(listing, report.executed_lots),
        "L": wire.price(listing, trade.ticks if trade else 0),
        "n": wire.amount(trade.fee_units) if trade else "0",
        "N": trade.fee_asset if trade else None,
        "T": wire.ms(report.ts),
        "t": trade.trade_id if trade else -1,
        "I": report.execution_id,
        "w": report.is_resting,
        "m": trade.is_maker if trade else False,
        "M": trade is not None,
        "O": wire.ms(report.placed_ts),
        "Z": wire.amount(report.executed_units),
        "Y": wire.amount(trade.value_units if trade else 0),
        "Q": wire.amount(report.quote_units),
        "V": "NONE",
    }
    if report.working_ts:
        event["W"] = wire.ms(report.working_ts)
    return event


def _list_status(report: ListReport) -> dict[str, Any]:
    return {
        "e": "listStatus",
        "E": wire.ms(report.ts),
        "s": report.symbol,
        "g": report.list_id,
        "c": report.contingency,
        "l": report.status_type,
        "L": report.order_status,
        "r": report.reason,
        "C": report.client_list_id,
        "T": wire.ms(report.ts),
        "O": [
            {"s": report.symbol, "i": order_id, "c": client_id}
            for order_id, client_id in report.orders
        ],
    }
