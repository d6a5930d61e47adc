"""Orders of live books as things that stand on releases, and on the bars of their time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial

from trading_assets.domain.errors import CorruptFile, RecoveryError, TradingAssetsError
from trading_assets.domain.events import (
    BarReady,
    OrderIntentCreated,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.domain.ids import Micros, Month, Symbol, months_between
from trading_assets.live.recovery import DERIVED
from trading_assets.storage.journal_reader import FILE, JournalReader
from trading_assets.storage.partition_store import address
from trading_assets.storage.release_store import Release
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.frame_span import frame_start, pinned_reach
from trading_assets.workflows.lineage import Node, Thing, release_node
from trading_assets.workflows.market_tables import bars_table

_DERIVED = {kind.__name__ for kind in DERIVED}
_READ = {kind.__name__ for kind in (OrderIntentCreated, ReleaseSwitched, SessionOpened)}


@dataclass(frozen=True, slots=True)
class LiveLineage:
    """The orders of every journal.

    Attributes:
        things: one for all orders of a book that stand on the same.
        orders: of each, `<folder of the book> <client order id>`.
        unread: journals that cannot be read, and why.
    """

    things: tuple[Thing, ...]
    orders: Mapping[str, tuple[str, ...]]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Order:
    release_id: str
    tag: str
    symbol: Symbol
    bar_ts: Micros
    is_of_bar: bool


def live_lineage(desk: Desk, things: Iterable[Thing]) -> LiveLineage:
    """Read which orders every journal has, without proving it; a damaged one hides no other.

    An order stands on its release. One that was decided on a bar also stands on the bars of its
    frame: on the version that the release names, or else on every version of that partition, since
    the book saw its bars through the feed.
    """
    standing = _Standing(desk, things)
    found: dict[str, tuple[str, ...]] = {}
    made: list[Thing] = []
    unread: list[str] = []
    for path in sorted((desk.settings.data_root / "live").glob(f"*/{FILE}")):
        name = path.parent.name
        groups: dict[frozenset[Node], list[str]] = defaultdict(list)
        try:
            with JournalReader(path.parent) as journal:
                for order_id, order in _orders(journal):
                    groups[standing.nodes(order)].append(f"{name} {order_id}")
        except (RecoveryError, CorruptFile) as error:
            unread.append(f"{name}: {error.what}")
        for number, (nodes, names) in enumerate(groups.items()):
            key = f"{name}/{number}"
            found[key] = tuple(names)
            made.append(Thing("orders", key, (f"orders/{name}", str(number)), nodes))
    return LiveLineage(tuple(made), found, tuple(unread))


class _Standing:
    """Says what orders stand on; releases and versions are looked up once."""

    def __init__(self, desk: Desk, things: Iterable[Thing]) -> None:
        self._desk = desk
        self._versions: dict[str, set[Node]] = defaultdict(set)
        for thing in things:
            if thing.kind == "partition":
                self._versions[thing.node[0]].add(thing.node)
        self._release = cache(self._found)
        self._first = cache(self._first_month)
        self._reach = cache(partial(pinned_reach, desk))

    def nodes(self, order: _Order) -> frozenset[Node]:
        """Give the release of an order, and the bars of one that was decided on a bar."""
        release = self._release(order.release_id)
        if release is None:  # the orders stand on it all the same, whatever it was
            books = (path.name for path in self._desk.releases.root.glob("*") if path.is_dir())
            return frozenset(release_node(book, order.release_id) for book in books)
        bars = self._bars(order, release) if order.is_of_bar else ()
        return frozenset((release_node(release.book, order.release_id), *bars))

    def _bars(self, order: _Order, release: Release) -> Iterator[Node]:
        size, last = release.spec.timeframe, Month.of(order.bar_ts)
        pinned: Mapping[str, str] = release.facts.get("inputs", {})
        for month in months_between(self._first(order.release_id, order.tag, last), last):
            name = address(bars_table(size), order.symbol, month)
            end = min(month.end, order.bar_ts + size.micros)
            if name in pinned and self._reach(name, pinned[name], size) >= end:
                yield name, pinned[name]
            else:
                yield from self._versions[name]

    def _found(self, release_id: str) -> Release | None:
        try:
            return self._desk.releases.get(release_id)
        except TradingAssetsError:
            return None

    def _first_month(self, release_id: str, tag: str, month: Month) -> Month:
        release = self._desk.releases.get(release_id)
        return Month.of(frame_start(self._desk.settings, release, tag, month))


def _orders(journal: JournalReader) -> Iterator[tuple[str, _Order]]:
    release_id, cause = "", ""
    for row in journal.rows():
        if row.kind not in _DERIVED:
            cause = row.kind
        if row.kind not in _READ:
            continue
        event = row.event
        if isinstance(event, SessionOpened | ReleaseSwitched):
            release_id = event.release_id
        elif isinstance(event, OrderIntentCreated):
            ticket = event.ticket
            is_of_bar = cause == BarReady.__name__
            order = _Order(release_id, ticket.tag, ticket.symbol, ticket.bar_ts, is_of_bar)
            yield ticket.client_order_id, order
