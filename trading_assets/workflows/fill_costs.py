"""What the fills of a live book have cost: each order beside the price that it touched."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache

from trading_assets.domain.account import Fill
from trading_assets.domain.bar import DAY
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import (
    BarReady,
    Event,
    OrderIntentCreated,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import OrderTicket, OrderType
from trading_assets.domain.setup import Costs
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.expected_fills import ExpectedFills
from trading_assets.workflows.fill_differences import by_order, quantity_and_mean
from trading_assets.workflows.live_book import live_book

_BPS = 10_000
_TENTH = Decimal(1_000)
"""An impact of a tenth of the price at the whole volume: large enough to read a share from it."""

_TOUCHED, _SHARE, _ROOT = Costs(), Costs(impact_bps=_TENTH), Costs(sqrt_impact=Decimal(1))

NO_MARKET_ORDER, ANOTHER_SIZE, NO_VOLUME = (
    "no market order", "unfilled, or another size than the rules give", "a bar without volume",
)  # fmt: skip
"""Why an order says nothing of the price model: its limit cuts its price, the rules have no price
for it, or it has no share of a volume."""


@dataclass(frozen=True, slots=True)
class OrderCost:
    """One filled market order.

    Attributes:
        ts: open time of the bar that filled it by the rules.
        known: when all of this was known: at the close of that bar, or at the last execution.
        worse_bps: by how much its mean price was worse than the one that it touched.
        share: what `impact_bps` is multiplied by; 0 to 1.
        root: what `sqrt_impact` is multiplied by, in basis points.
    """

    symbol: Symbol
    ts: Micros
    known: Micros
    worse_bps: float
    share: float
    root: float


@dataclass(frozen=True, slots=True)
class FeePaid:
    """The fee of one execution; `fee` is None where it was taken in a third asset."""

    symbol: Symbol
    ts: Micros
    is_maker: bool
    notional: Decimal
    fee: Decimal | None


@dataclass(frozen=True, slots=True)
class FillCosts:
    """What a stretch of a journal says of costs.

    Attributes:
        left_out: how many orders say nothing of the price, by the reason.
        journal: SHA-256 over all rows up to the end of the stretch.
    """

    orders: tuple[OrderCost, ...]
    fees: tuple[FeePaid, ...]
    left_out: Mapping[str, int]
    journal: str

    @property
    def known_from(self) -> Micros | None:
        """Instant from which all of it was known; None without any."""
        moments = [order.known for order in self.orders] + [fee.ts for fee in self.fees]
        return max(moments, default=None)


def fill_costs(desk: Desk, book: str, start: Micros, end: Micros) -> FillCosts:
    """Read what the fills of a book have cost that were known in [start, end) of market time.

    The touched price and what impact is multiplied by are the engine's own: it fills the same
    orders without costs, and with an impact of one, on the bars that the book saw.

    Raises:
        ConfigurationError: if settings have no such book, or the engine itself fills its orders.
        RecoveryError: if the book has no journal, or it cannot be read.
    """
    place = live_book(desk.settings, book)
    if place.settings.is_simulated:
        raise ConfigurationError(
            f"The fills of book {book} say nothing of costs",
            expected="a book whose orders go to a venue",
            found="the engine's own rules fill them, at the costs of its spec",
        )
    with place.journal() as journal:
        heard, digest = _heard(journal, desk.releases.get, end)
    orders, left_out = heard.orders(start, end)
    fees = tuple(fee for fee in heard.fees() if start <= fee.ts < end)
    return FillCosts(orders, fees, left_out, digest)


def _heard(
    journal: JournalReader, release_of: Callable[[str], Release], end: Micros
) -> tuple[FillsHeard, str]:
    heard, digest = FillsHeard(release_of), hashlib.sha256()
    for row in journal.rows():
        event = row.event
        if isinstance(event, BarReady) and event.ts >= end:
            break
        digest.update(row.crc.to_bytes(4, "big") + row.body)
        heard.take(event)
    return heard, digest.hexdigest()


@dataclass(slots=True)
class FillsHeard:
    """One pass through a journal; `release_of` gives a release by its id."""

    release_of: Callable[[str], Release]
    _instruments: dict[Symbol, Instrument] = field(default_factory=dict)
    _bar: Micros = 0
    _bars: dict[str, Micros] = field(default_factory=dict)
    _quiet: set[tuple[Symbol, Micros]] = field(default_factory=set)
    _passes: tuple[ExpectedFills, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.release_of = cache(self.release_of)  # it proves every byte
        self._passes = tuple(
            ExpectedFills(self.release_of, lambda _, costs=costs: costs)  # type: ignore[misc]
            for costs in (_TOUCHED, _SHARE, _ROOT)
        )

    def take(self, event: Event) -> None:
        """Hear the next event."""
        if isinstance(event, SessionOpened | ReleaseSwitched):
            release = self.release_of(event.release_id)
            self._bar = release.spec.timeframe.micros
            self._instruments |= {item.symbol: item for item in release.instruments}
        elif isinstance(event, BarReady):
            self._quiet |= {(b.symbol, b.ts) for b in event.bars if not b.volume > 0.0}
        elif isinstance(event, OrderIntentCreated):
            self._bars[event.ticket.client_order_id] = self._bar
        for one in self._passes:
            one.take(event)

    def orders(self, start: Micros, end: Micros) -> tuple[tuple[OrderCost, ...], Mapping[str, int]]:
        """List the orders that were known in [start, end) by `ts`, and count those left out."""
        expected = [by_order(one.expected()) for one in self._passes]
        found, left_out = [], Counter[str]()
        real = by_order(self._passes[0].fills)
        for name, fills in real.items():
            ticket = self._passes[0].tickets.get(name)
            if ticket is None or not start <= max(fill.ts for fill in fills) < end:
                continue
            order = self._order(ticket, fills, [given.get(name, []) for given in expected])
            if isinstance(order, str):
                left_out[order] += 1
            elif order.known < end:
                found.append(order)
        found.sort(key=lambda order: (order.ts, order.symbol, order.worse_bps))
        return tuple(found), dict(sorted(left_out.items()))

    def _order(
        self, ticket: OrderTicket, real: list[Fill], expected: list[list[Fill]]
    ) -> OrderCost | str:
        if ticket.type is not OrderType.MARKET:
            return NO_MARKET_ORDER
        got, paid = quantity_and_mean(real)
        sums = [quantity_and_mean(fills) for fills in expected]
        if paid is None or any(price is None or quantity != got for quantity, price in sums):
            return ANOTHER_SIZE
        if any((ticket.symbol, fill.ts) in self._quiet for fill in expected[0]):
            return NO_VOLUME
        touched, at_share, at_root = (float(price or 0.0) for _, price in sums)
        side = int(ticket.side)
        closed = expected[0][-1].ts + self._bars[ticket.client_order_id]
        return OrderCost(
            symbol=ticket.symbol,
            ts=expected[0][0].ts,
            known=max(closed, *(fill.ts for fill in real)),
            worse_bps=side * (paid / touched - 1.0) * _BPS,
            share=side * (at_share / touched - 1.0) * _BPS / float(_TENTH),
            root=side * (at_root / touched - 1.0) * _BPS,
        )

    def fees(self) -> Iterator[FeePaid]:
        """Give the fee of every execution of an order of the book."""
        for fill in self._passes[0].fills:
            item = self._instruments[fill.symbol]
            notional = fill.price * fill.quantity * item.point_value
            in_quote = {item.quote: fill.fee, item.base: fill.fee * fill.price}
            fee = in_quote.get(fill.fee_asset, Decimal(0) if not fill.fee else None)
            yield FeePaid(fill.symbol, fill.ts, fill.is_maker, notional, fee)


def day_of(ts: Micros) -> int:
    """Give the number of the UTC day of an instant."""
    return ts // DAY
