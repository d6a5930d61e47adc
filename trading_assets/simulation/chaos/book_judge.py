"""A book judged by the exchange's ledger: nothing doubled, nothing lost, the same holdings."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from trading_assets.domain.events import (
    Event,
    OrderFilled,
    OrderIntentCreated,
    OrderProvenAbsent,
    SessionOpened,
)
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.domain.order import OrderSide
from trading_assets.exchange.config import AccountConfig
from trading_assets.simulation.chaos.rig import Rig
from trading_assets.storage.journal_reader import JournalReader


def violations(rig: Rig) -> list[str]:
    """Compare a stopped book with the ledger; nothing is the only good answer.

    Raises:
        RecoveryError: if the journal is not whole.
    """
    with JournalReader(rig.folder) as journal:
        journal.verify()
        events = [event for _, event in journal.read()]
    ledger = rig.ledger()
    return [
        *_doubled(ledger),
        *_unknown(ledger, events),
        *_fills(ledger, events, rig.lots),
        *_holdings(ledger, events),
    ]


def _doubled(ledger: dict[str, Any]) -> list[str]:
    placed = Counter(order["client_order_id"] for order in ledger["orders"])
    sent = Counter(r["client_order_id"] for r in ledger["requests"] if r["method"] == "POST")
    return [
        *(f"order {name} was placed {n} times" for name, n in placed.items() if n > 1),
        *(f"order {name} was sent {n} times" for name, n in sent.items() if n > 1),
    ]


def _unknown(ledger: dict[str, Any], events: Iterable[Event]) -> list[str]:
    """Find orders that the journal has not decided, or that it holds for absent."""
    placed = {order["client_order_id"] for order in ledger["orders"]}
    decided, absent = set(), set()
    for event in events:
        if isinstance(event, OrderIntentCreated):
            decided.add(event.ticket.client_order_id)
        elif isinstance(event, OrderProvenAbsent):
            absent.add(event.client_order_id)
    return [
        *(f"the exchange has {name}, which the journal lacks" for name in placed - decided),
        *(f"the exchange has {name}, which the journal calls absent" for name in placed & absent),
    ]


def _fills(ledger: dict[str, Any], events: Iterable[Event], lots: dict[str, Decimal]) -> list[str]:
    ours = Counter(
        (e.fill.symbol, int(e.fill.trade_id), e.fill.quantity)
        for e in events
        if isinstance(e, OrderFilled)
    )
    theirs = Counter(
        (t["symbol"], t["trade_id"], t["lots"] * lots[t["symbol"]]) for t in ledger["trades"]
    )
    return [
        *(f"fill {key} is lost" for key in theirs - ours),
        *(f"fill {key} is doubled or invented" for key in ours - theirs),
    ]


def _holdings(ledger: dict[str, Any], events: Iterable[Event]) -> list[str]:
    """Count what the account must hold, from its first opening and our fills, in whole units."""
    held: dict[str, int] = defaultdict(int)
    opened = False
    for event in events:
        if isinstance(event, SessionOpened) and not opened:
            opened = True
            for balance in event.opening:
                held[balance.asset] += units_from_decimal(balance.total)
        elif isinstance(event, OrderFilled):
            fill = event.fill
            sign = 1 if fill.side is OrderSide.BUY else -1
            base = fill.symbol.removesuffix("USDT")
            held[base] += sign * units_from_decimal(fill.quantity)
            held["USDT"] -= sign * units_from_decimal(fill.price * fill.quantity)
            held[fill.fee_asset] -= units_from_decimal(fill.fee)
    found: dict[str, int] = defaultdict(int)
    for row in ledger["balances"]:
        if row["account"] == AccountConfig().name:
            found[row["asset"]] += row["free_units"] + row["locked_units"]
    return [
        f"the account holds {found[asset]} units of {asset}, the journal makes it {held[asset]}"
        for asset in sorted(held.keys() | found.keys())
        if held[asset] != found[asset]
    ]
