"""Orders of live books as things that stand on releases, and on the bars of their time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

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
    versions: dict[str, set[Node]] = defaultdict(set)
    for thing in things:
        if thing.kind == "partition":
            versions[thing.node[0]].add(thing.node)
    nodes_of = cache(lambda *place: _nodes(desk, versions, *place))
    found: dict[str, tuple[str, ...]] = {}
    made: list[Thing] = []
    unread: list[str] = []
    for path in sorted((desk.settings.data_root / "live").glob(f"*/{FILE}")):
        name = path.parent.name
        groups: dict[frozenset[Node], list[str]] = defaultdict(list)
        try:
            with JournalReader(path.parent) as journal:
                for order_id, order in _orders(journal):
                    place = (order.release_id, order.tag, order.symbol, Month.of(order.bar_ts))
                    nodes = nodes_of(*place, order.bar_ts if order.is_of_bar else None)
                    groups[nodes].append(f"{name} {order_id}")
        except (RecoveryError, CorruptFile) as error:
            unread.append(f"{name}: {error.what}")
        for number, (nodes, names) in enumerate(groups.items()):
            key = f"{name}/{number}"
            found[key] = tuple(names)
            made.append(Thing("orders", key, (f"orders/{name}", str(number)), nodes))
    return LiveLineage(tuple(made), found, tuple(unread))


def _orders(journal: JournalReader) -> Iterator[tuple[str, _Order]]:
    release_id, cause = "", ""
    for row in journal.rows():
        if row.kind not in _DERIVED:
            cause = row.kind
        if row.kind in (SessionOpened.__name__, ReleaseSwitched.__name__):
            event = row.event
            if isinstance(event, SessionOpened | ReleaseSwitched):
                release_id = event.release_id
        elif row.kind == OrderIntentCreated.__name__:
            event = row.event
            if isinstance(event, OrderIntentCreated):
                ticket = event.ticket
                is_of_bar = cause == BarReady.__name__
                yield (
                    ticket.client_order_id,
                    _Order(release_id, ticket.tag, ticket.symbol, ticket.bar_ts, is_of_bar),
                )


def _nodes(
    desk: Desk,
    versions: Mapping[str, set[Node]],
    release_id: str,
    tag: str,
    symbol: Symbol,
    month: Month,
    bar_ts: Micros | None,
) -> frozenset[Node]:
    try:
        release = desk.releases.get(release_id)
    except TradingAssetsError:  # the orders stand on it all the same, whatever it was
        return frozenset(release_node(book, release_id) for book in _books(desk))
    nodes = {release_node(release.book, release_id)}
    if bar_ts is not None:
        nodes |= set(_bars(desk, versions, release, tag, symbol, month, bar_ts))
    return frozenset(nodes)


def _bars(
    desk: Desk,
    versions: Mapping[str, set[Node]],
    release: Release,
    tag: str,
    symbol: Symbol,
    month: Month,
    bar_ts: Micros,
) -> Iterator[Node]:
    size = release.spec.timeframe
    first = Month.of(frame_start(release, tag, month))
    pinned: Mapping[str, str] = release.facts.get("inputs", {})
    for each in months_between(first, month):
        name = address(bars_table(size), symbol, each)
        end = min(each.end, bar_ts + size.micros)
        if name in pinned and pinned_reach(desk, name, pinned[name], size) >= end:
            yield name, pinned[name]
        else:
            yield from versions[name]


def _books(desk: Desk) -> set[str]:
    return {path.name for path in desk.releases.root.glob("*") if path.is_dir()}
