"""What a live book is and knows, its engine apart: orders, fills, what its account must hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from trading_assets.domain.account import Fill
from trading_assets.domain.control import HaltLevel, TightLimits
from trading_assets.domain.errors import InvariantError
from trading_assets.domain.events import Event, OrderFilled, OrderReported
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import (
    Instrument,
    decimal_from_units,
    units_from_decimal,
)
from trading_assets.domain.order import (
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderTicket,
    OrderType,
    TimeInForce,
)
from trading_assets.domain.policy_events import FoundUpstream
from trading_assets.domain.trading_rules import TradingRules, rules_from_json, rules_to_json
from trading_assets.live.live_order import LiveOrder, order_from_json, order_to_json
from trading_assets.live.strategy_stance import Stances, StrategySize, read_stances, stances_json
from trading_assets.live.turmoil import Turmoil

Flows = dict[str, Decimal]
"""Change of holdings by asset."""

_UNIT = Decimal("1e-8")

LEAVING = "leaving"
"""Cause of a pause in which what is held of the symbol is sold."""


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """What a book trades, fixed for the life of its journal.

    Attributes:
        account: name of the venue account; part of every client order id.
        tag: name of the strategy spec; part of every client order id.
        instruments: in the order of the engine's symbols.
        signal_columns: number of values in a signal row; of several strategies the most.
        members: strategies that share the book, each with its symbols, in the engine's order;
            their names are the tags then. Empty when one strategy is alone.
        snapshot_bars: a snapshot is asked for after so many bars.
        order_types, times_in_force: what can be sent to the venue; a decision that needs another
            is dropped with that reason.
        sizes: what the release gives each strategy, by its place in the engine; empty: everything.
    """

    book: str
    account: str
    tag: str
    release_id: str
    instruments: tuple[Instrument, ...]
    signal_columns: int
    members: tuple[tuple[str, tuple[Symbol, ...]], ...] = ()
    snapshot_bars: int = 100
    order_types: frozenset[OrderType] = frozenset(
        {OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT}
    )
    times_in_force: frozenset[TimeInForce] = frozenset(
        {TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK}
    )
    sizes: tuple[StrategySize, ...] = ()

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the strategies, by their place in the engine."""
        return tuple(tag for tag, _ in self.members) or (self.tag,)

    @property
    def sizes_by_tag(self) -> dict[str, StrategySize]:
        """What the release gives each strategy, by its name."""
        return dict(zip(self.tags, self.sizes or [StrategySize()] * len(self.tags), strict=True))

    @property
    def signal_places(self) -> dict[tuple[str, Symbol], int]:
        """Row of the engine's signals by tag and symbol of a `SignalRow`."""
        alone = (("", tuple(instrument.symbol for instrument in self.instruments)),)
        keys = [(tag, symbol) for tag, symbols in self.members or alone for symbol in symbols]
        return {key: place for place, key in enumerate(keys)}

    def unsendable(self, ticket: OrderTicket) -> str:
        """Give the rule that says why the venue cannot take an order, "" when it can."""
        if ticket.type not in self.order_types:
            return "order_type_not_at_venue"
        if ticket.tif not in self.times_in_force:
            return "time_in_force_not_at_venue"
        return ""


@dataclass(slots=True)
class BookState:
    """The book between two events.

    Attributes:
        orders: orders that have not ended, by client order id.
        known_orders: client order ids of all orders ever decided, in that order.
        absent_orders: those of them that never reached the venue.
        known_foreign_orders: venue order ids of orders of others that were reported.
        known_fills: (symbol, trade id) of all executions ever booked, of others too, in that
            order. Both grow with the book: a snapshot writes them as they come, unsorted.
        opening: holdings of the account before the book's first order; not managed by it.
        funds: what the engine was given at that moment.
        opened_ts: market time of that moment; None before it.
        reconciled_ts: market time at which the latest comparison with the venue began.
        flows: what our fills and their fees have changed since.
        foreign_flows: what executions of others have changed since.
        symbol_bars: open time of the latest bar handled, by symbol.
        last_bar: open time of the latest bar handled.
        last_ts: market time of the latest event.
        bars: number of bars handled.
        halted: why entries are stopped, "" when they are not.
        level: how far.
        inbox_id: the last command of a person that was taken.
        lifted: identity of the latch that the last resume takes down.
        tightened: limits that people have set since the book's first bar.
        strategies: what people have said of single strategies, by their names.
        capital: most of the equity, in quote, that strategies are given by the leave to trade real
            money; None for all of it.
        entry_day, entries: the latest UTC day that an entry was decided on, and how many were.
        loss_rule: the loss that the book has halted itself for and that still stands, "" for none.
        rules: the venue's trading rules as they were seen last.
        upstream: what was found last about the data behind the release.
        pauses: (reason, market time of its end or 0) by symbol and cause, see `live.policies`.
        turmoil: how far it is from its usual self.
        unwanted: client order ids of orders that a person wants withdrawn.
        exits: number of exits that a flatten has sent; part of the next one's id.
        orders_per_symbol: how many orders of one strategy and symbol may be open at a time.
        awaited: the release that the book makes ready for, "" for none.
        hand_over: by which policy.
        leave_bar: number of the bar from which on what is held is sold for it.
        refused_release: the latest release that could not be traded.
        is_opening: a session has begun and is not reconciled yet; nothing is sent before that.
        exit_tries: by place in the engine, how often a flatten has tried since the latest bar.
    """

    orders: dict[str, LiveOrder] = field(default_factory=dict)
    known_orders: dict[str, None] = field(default_factory=dict)
    absent_orders: set[str] = field(default_factory=set)
    known_foreign_orders: set[str] = field(default_factory=set)
    known_fills: dict[tuple[str, str], None] = field(default_factory=dict)
    opening: Flows = field(default_factory=dict)
    funds: Flows = field(default_factory=dict)
    opened_ts: Micros | None = None
    reconciled_ts: Micros | None = None
    flows: Flows = field(default_factory=dict)
    foreign_flows: Flows = field(default_factory=dict)
    symbol_bars: dict[Symbol, Micros] = field(default_factory=dict)
    last_bar: Micros | None = None
    last_ts: Micros = 0
    bars: int = 0
    halted: str = ""
    level: HaltLevel = HaltLevel.NONE
    inbox_id: int = 0
    lifted: str = ""
    tightened: TightLimits = field(default_factory=TightLimits)
    strategies: Stances = field(default_factory=dict)
    capital: Decimal | None = None
    entry_day: int = 0
    entries: int = 0
    loss_rule: str = ""
    rules: dict[Symbol, TradingRules] = field(default_factory=dict)
    upstream: FoundUpstream = field(default_factory=FoundUpstream)
    pauses: dict[tuple[Symbol, str], tuple[str, Micros]] = field(default_factory=dict)
    turmoil: Turmoil = field(default_factory=Turmoil)
    unwanted: set[str] = field(default_factory=set)
    exits: int = 0
    exit_tries: dict[str, int] = field(default_factory=dict)
    awaited: str = ""
    hand_over: str = ""
    leave_bar: int = 0
    refused_release: str = ""
    is_opening: bool = False
    orders_per_symbol: int = 1

    def is_blocked(self, symbol: Symbol, tag: str) -> bool:
        """Tell whether no further order of a strategy may be sent for a symbol now."""
        return self.open_orders(symbol, tag) >= self.orders_per_symbol

    def open_orders(self, symbol: Symbol, tag: str) -> int:
        """Count the orders of a strategy and symbol that have not ended."""
        return sum(
            order.ticket.symbol == symbol and order.ticket.tag == tag
            for order in self.orders.values()
        )

    @property
    def stance(self) -> HaltLevel:
        """How far entries and orders are held back: by people, or for another release."""
        if not self.awaited or self.hand_over == "carry":
            return self.level
        leaves = self.bars >= self.leave_bar
        return max(self.level, HaltLevel.FLATTEN if leaves else HaltLevel.HALT)

    def stance_on(self, symbol: Symbol) -> HaltLevel:
        """How far entries and orders of a symbol are held back; it may be left by itself."""
        return HaltLevel.FLATTEN if (symbol, LEAVING) in self.pauses else self.stance

    @property
    def leaves_some(self) -> bool:
        """Whether what is held of any symbol is to be sold."""
        if self.stance is HaltLevel.FLATTEN:
            return True
        return bool(self.pauses) and any(cause == LEAVING for _, cause in self.pauses)

    def in_doubt(self) -> tuple[LiveOrder, ...]:
        """List the orders that the venue may or may not have."""
        return tuple(order for order in self.orders.values() if order.is_in_doubt)

    def news(
        self, report: OrderReport | None, fills: tuple[Fill, ...], ts: Micros
    ) -> tuple[Event, ...]:
        """Give what is new in a venue's word on one of our orders, the report first.

        A repeated fill is no news, nor is a report older than what is known.
        """
        events: list[Event] = []
        order = None if report is None else self.orders.get(report.client_order_id)
        if report is not None and order is not None and _is_news(order, report):
            events.append(OrderReported(ts, report))
        events += [
            OrderFilled(ts, fill)
            for fill in fills
            if (fill.symbol, fill.trade_id) not in self.known_fills
        ]
        return tuple(events)

    def expected_balances(self, instruments: tuple[Instrument, ...]) -> Flows:
        """Give what the account must hold of every asset that the book can touch."""
        assets = {asset for item in instruments for asset in (item.base, item.quote)}
        assets |= self.flows.keys()
        none = Decimal(0)
        return {
            asset: self.opening.get(asset, none)
            + self.flows.get(asset, none)
            + self.foreign_flows.get(asset, none)
            for asset in sorted(assets)
        }

    def require_count(self, book: str, held: Mapping[str, Decimal]) -> None:
        """Compare what an engine holds with what it was given and what the fills have brought.

        Raises:
            InvariantError: if it is not the same, to the last unit.
        """
        for asset, amount in held.items():
            funds, flow = self.funds.get(asset, 0), self.flows.get(asset, 0)
            if amount != funds + flow:
                raise InvariantError(
                    f"Book {book}: the engine has lost count of {asset}",
                    expected=f"{funds + flow} (funds {funds}, executions {flow})",
                    found=str(amount),
                )

    def to_json(self) -> dict[str, Any]:
        """Give the state as plain values."""
        return {
            "orders": [order_to_json(order) for order in self.orders.values()],
            "known_orders": list(self.known_orders),
            "absent_orders": sorted(self.absent_orders),
            "known_foreign_orders": sorted(self.known_foreign_orders),
            "known_trade_ids": _by_symbol(self.known_fills),
            "opening": _texts(self.opening),
            "funds": _texts(self.funds),
            "opened_ts": self.opened_ts,
            "reconciled_ts": self.reconciled_ts,
            "flows": _texts(self.flows),
            "foreign_flows": _texts(self.foreign_flows),
            "symbol_bars": dict(sorted(self.symbol_bars.items())),
            "last_bar": self.last_bar,
            "last_ts": self.last_ts,
            "bars": self.bars,
            "halted": self.halted,
            "level": self.level.name,
            "inbox_id": self.inbox_id,
            "lifted": self.lifted,
            "tightened": self.tightened.to_texts(),
            "strategies": stances_json(self.strategies),
            "capital": None if self.capital is None else str(self.capital),
            "entry_day": self.entry_day,
            "entries": self.entries,
            "loss_rule": self.loss_rule,
            "rules": [rules_to_json(rules) for _, rules in sorted(self.rules.items())],
            **self.upstream.to_json(),
            "pauses": [[*key, *value] for key, value in sorted(self.pauses.items())],
            "turmoil": self.turmoil.to_json(),
            "unwanted": sorted(self.unwanted),
            "exits": self.exits,
            "is_opening": self.is_opening,
            "exit_tries": dict(sorted(self.exit_tries.items())),
            "orders_per_symbol": self.orders_per_symbol,
            "awaited": self.awaited,
            "hand_over": self.hand_over,
            "leave_bar": self.leave_bar,
            "refused_release": self.refused_release,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> BookState:
        """Read what `to_json` gave."""
        orders = [order_from_json(item) for item in values["orders"]]
        return cls(
            orders={order.client_order_id: order for order in orders},
            known_orders=dict.fromkeys(values["known_orders"]),
            absent_orders=set(values.get("absent_orders", ())),
            known_foreign_orders=set(values["known_foreign_orders"]),
            known_fills={
                (symbol, trade_id): None
                for symbol, trade_ids in values["known_trade_ids"].items()
                for trade_id in trade_ids
            },
            opening=_decimals(values["opening"]),
            funds=_decimals(values["funds"]),
            opened_ts=values["opened_ts"],
            reconciled_ts=values["reconciled_ts"],
            flows=_decimals(values["flows"]),
            foreign_flows=_decimals(values["foreign_flows"]),
            symbol_bars=dict(values.get("symbol_bars", {})),
            last_bar=values["last_bar"],
            last_ts=values["last_ts"],
            bars=values["bars"],
            halted=values["halted"],
            level=HaltLevel[values["level"]],
            inbox_id=values["inbox_id"],
            lifted=values.get("lifted", ""),
            tightened=TightLimits(**_decimals(values["tightened"])),
            strategies=read_stances(values.get("strategies", {})),
            capital=Decimal(values["capital"]) if values.get("capital") else None,
            entry_day=values["entry_day"],
            entries=values["entries"],
            loss_rule=values["loss_rule"],
            rules={each["symbol"]: rules_from_json(each) for each in values.get("rules", ())},
            upstream=FoundUpstream.from_json(values),
            pauses={(of, cause): (why, end) for of, cause, why, end in values.get("pauses", ())},
            turmoil=Turmoil.from_json(values["turmoil"]),
            unwanted=set(values["unwanted"]),
            exits=values["exits"],
            is_opening=values["is_opening"],
            exit_tries=dict(values["exit_tries"]),
            orders_per_symbol=values["orders_per_symbol"],
            awaited=values["awaited"],
            hand_over=values["hand_over"],
            leave_bar=values["leave_bar"],
            refused_release=values["refused_release"],
        )


def add_fill(flows: Flows, fill: Fill, instrument: Instrument) -> None:
    """Book the change of holdings that an execution and its fee make.

    A price finer than the grid can bring amounts finer than an account holds: they are rounded as
    the engine rounds them.
    """
    amount = fill.price * fill.quantity
    if amount != amount.quantize(_UNIT):
        units = units_from_decimal(fill.quantity) * float(fill.price)
        amount = decimal_from_units(round(units * float(instrument.point_value)))
    sign = 1 if fill.side is OrderSide.BUY else -1
    for asset, change in (
        (instrument.base, sign * fill.quantity),
        (instrument.quote, -sign * amount),
        (fill.fee_asset, -fill.fee),
    ):
        flows[asset] = flows.get(asset, Decimal(0)) + change


def _by_symbol(fills: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    trade_ids: dict[str, list[str]] = {}
    for symbol, trade_id in fills:
        trade_ids.setdefault(symbol, []).append(trade_id)
    return trade_ids


def _is_news(order: LiveOrder, report: OrderReport) -> bool:
    if report.executed != order.executed:
        return report.executed > order.executed
    if order.status.is_final or report.status is order.status:
        return False
    older = (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED)
    return (report.status, order.status) != older


def _texts(flows: Flows) -> dict[str, str]:
    return {asset: str(amount) for asset, amount in sorted(flows.items())}


def _decimals(values: dict[str, str]) -> Flows:
    return {asset: Decimal(text) for asset, text in values.items()}
