"""What a venue gave each order of a day, beside what the engine's own rules would have given it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from trading_assets.domain.account import Fill
from trading_assets.domain.bar import DAY
from trading_assets.domain.events import BarReady, OrderFilled
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.domain.order import OrderTicket
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.expected_fills import ExpectedFills
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_tables import day_start

MISSED, LATE, PRICE, SIZE, EXTRA = "missed", "late", "price", "size", "extra"
"""Codes: the rules would have filled it and the venue did not; it came long after the open that it
was meant for; at another price; in another quantity; the rules would not have filled it."""

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class FillTerms:
    """When a fill is another one than expected.

    Attributes:
        price_bps: a price further from the expected one gets the code `price`.
        late_s: so many seconds of market time after the expected instant, the code `late`.
        mean_bps: the mean by which fills of a strategy and symbol may be worse than expected.
        odd: how many orders of a day may be missed, late, extra or of another size or price.
    """

    price_bps: float
    late_s: float
    mean_bps: float
    odd: int


@dataclass(frozen=True, slots=True)
class FillDifference:
    """One order: what it was expected to be filled at, and what it got.

    Attributes:
        ts: of the expected fill, or of the venue's where none was expected.
        quantity, price: of all its executions; price is their mean in quote, None without any.
        late_s: from the expected instant to the first execution.
        bps, cost: by how much the price was worse than expected, in 1/10,000 and in quote.
        codes: what is different, "" for nothing.
    """

    ts: Micros
    strategy: str
    symbol: Symbol
    side: str
    client_order_id: str
    expected_quantity: float
    expected_price: float | None
    quantity: float
    price: float | None
    late_s: float | None
    bps: float | None
    cost: float | None
    codes: str


@dataclass(frozen=True, slots=True)
class Slippage:
    """Fills of one strategy and symbol against expectation; bps and cost as of a difference."""

    strategy: str
    symbol: Symbol
    orders: int
    mean_bps: float
    worst_bps: float
    cost: float


@dataclass(frozen=True, slots=True)
class FillReport:
    """A day of a book."""

    book: str
    day: date
    rows: tuple[FillDifference, ...]
    slippage: tuple[Slippage, ...]
    odd: int
    failures: tuple[str, ...]


def fill_differences(desk: Desk, book: str, day: date) -> FillReport:
    """Compare the fills of one UTC day of market time with those that the engine's rules give.

    Every order that left is given to the rules on the bars that the book saw: a market order fills
    at the next bar's open with the costs of the spec. Sizes are the orders' own, so one difference
    does not cause the next.

    Raises:
        ConfigurationError: if settings have no such book.
        RecoveryError: if the book has no journal, or it cannot be read.
    """
    place = live_book(desk.settings, book)
    start = day_start(day)
    with place.journal() as journal:
        heard = ExpectedFills(desk.releases.get)
        last = 0
        for seq, event in journal.read():
            if isinstance(event, BarReady) and event.ts >= start + DAY:
                break
            heard.take(event)
            last = seq
        for row in journal.of_kinds((OrderFilled.__name__,), since=last):
            heard.take(row.event)  # one of the next day, of an order of this one, is late
    live = desk.settings.live
    terms = FillTerms(
        live.parity_price_bps, live.parity_late_s, live.parity_mean_bps, live.parity_odd_fills
    )
    return judged(place.name, day, differences(heard, start, start + DAY, terms), terms)


def judged(book: str, day: date, rows: Sequence[FillDifference], terms: FillTerms) -> FillReport:
    """Sum up the rows of a day, and say what is beyond the terms."""
    slippage = tuple(_slippage(rows))
    odd = sum(bool(row.codes) for row in rows)
    failures = [
        f"{line.strategy} {line.symbol}: fills {line.mean_bps:.2f} bps worse than expected, "
        f"at most {terms.mean_bps:g}"
        for line in slippage
        if line.mean_bps > terms.mean_bps
    ]
    if odd > terms.odd:
        failures.append(f"{odd} orders filled otherwise than expected, at most {terms.odd}")
    return FillReport(book, day, tuple(rows), slippage, odd, tuple(failures))


def differences(
    heard: ExpectedFills, start: Micros, end: Micros, terms: FillTerms
) -> list[FillDifference]:
    """List the orders whose expected or first real fill lies in [start, end), in time."""
    expected = by_order(heard.expected())
    real = by_order(heard.fills)
    rows = [
        _difference(heard.tickets[name], expected.get(name, ()), real.get(name, ()), terms)
        for name in sorted(expected.keys() | real.keys())
        if name in heard.tickets
    ]
    return sorted(
        (row for row in rows if start <= row.ts < end), key=lambda row: (row.ts, row.symbol)
    )


def _difference(
    ticket: OrderTicket, expected: Sequence[Fill], real: Sequence[Fill], terms: FillTerms
) -> FillDifference:
    wanted, hoped = quantity_and_mean(expected)
    got, paid = quantity_and_mean(real)
    first = min((fill.ts for fill in real), default=0)
    late_s = (first - expected[0].ts) / _SECOND if real and expected else None
    worse = bps = None
    if hoped is not None and paid is not None:
        worse = int(ticket.side) * (paid - hoped)
        bps = worse / hoped * 10_000
    codes = [
        code
        for code, holds in (
            (MISSED, bool(expected) and not real),
            (EXTRA, bool(real) and not expected),
            (SIZE, bool(real) and bool(expected) and got != wanted),
            (PRICE, bps is not None and abs(bps) > terms.price_bps),
            (LATE, late_s is not None and late_s > terms.late_s),
        )
        if holds
    ]
    return FillDifference(
        ts=expected[0].ts if expected else first,
        strategy=ticket.tag,
        symbol=ticket.symbol,
        side=ticket.side.name,
        client_order_id=ticket.client_order_id,
        expected_quantity=wanted,
        expected_price=hoped,
        quantity=got,
        price=paid,
        late_s=late_s,
        bps=bps,
        cost=None if worse is None else worse * got,
        codes=" ".join(codes),
    )


def quantity_and_mean(fills: Sequence[Fill]) -> tuple[float, float | None]:
    """Give the quantity of fills in base, and their mean price in quote; None without any."""
    quantity = sum(fill.quantity for fill in fills)
    if not quantity:
        return 0.0, None
    return float(quantity), float(sum(f.price * f.quantity for f in fills) / quantity)


def by_order(fills: Iterable[Fill]) -> dict[str, list[Fill]]:
    """Give the fills of each order, by client order id."""
    found: dict[str, list[Fill]] = {}
    for fill in fills:
        found.setdefault(fill.client_order_id, []).append(fill)
    return found


def _slippage(rows: Sequence[FillDifference]) -> Iterable[Slippage]:
    keys = sorted({(row.strategy, row.symbol) for row in rows if row.bps is not None})
    for strategy, symbol in keys:
        bps = [
            (row.bps, row.cost or 0.0)
            for row in rows
            if (row.strategy, row.symbol) == (strategy, symbol) and row.bps is not None
        ]
        values = [value for value, _ in bps]
        mean = sum(values) / len(values)
        yield Slippage(
            strategy, symbol, len(values), mean, max(values), sum(cost for _, cost in bps)
        )
