"""From an order of a live book back to the vendor's files, every link computed once more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.lineage import nodes_of_release
from trading_assets.workflows.live_book import LiveBook
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.release_parts import release_terms, terms_of
from trading_assets.workflows.trace_journal import DecidedOrder, JournalStory
from trading_assets.workflows.trace_links import DIFFERS, EQUAL, NOT_CHECKABLE, Link, Trace
from trading_assets.workflows.trace_release import ReleaseTracer
from trading_assets.workflows.trace_signals import SignalTracer


class LiveTracer:
    """Traces orders of one book; what several of them share is proven once."""

    def __init__(
        self, desk: Desk, place: LiveBook, journal: JournalReader, proofs: Provenance
    ) -> None:
        """Read the journal.

        Raises:
            RecoveryError: if it cannot be read at all.
        """
        self._desk, self._place, self._proofs = desk, place, proofs
        self.story = JournalStory(journal)
        self._releases = ReleaseTracer(desk, proofs)
        self._signals = SignalTracer(desk, proofs, self.story.bars)

    def traces(self, order_ids: Iterable[str]) -> Iterator[Trace]:
        """Trace orders by their client order ids, which must be some of `story.orders`."""
        wanted = list(order_ids)
        for name in wanted:
            self._signals.expect(self.story.orders[name])
        yield from map(self._trace, wanted)

    def _trace(self, order_id: str) -> Trace:
        order = self.story.orders[order_id]
        release = self._releases.find(order.release_id)
        links = [self._journal_link(order), self._order_link(order_id, order)]
        if isinstance(release, Link):
            links.append(release)
        else:
            links += self._signals.links(order, release)
            links += self._releases.links(release)
            nodes = (*self._signals.nodes(order, release), *nodes_of_release(release))
            links += self._proofs.links(nodes)
        return Trace(order_id, f"book {self._place.name}", _plain(order), tuple(links))

    def _journal_link(self, order: DecidedOrder) -> Link:
        damaged = self.story.damage_before(order)
        name = str(self.story.path)
        if damaged:
            number, said = next(iter(damaged.items()))
            told = f"{len(damaged)} of its rows are not as they were written"
            return Link("journal", name, DIFFERS, told, "", f"row {number}: {said}")
        last = order.rows[-1]
        said = "each row that the order rests on is chained to the one before it"
        return Link("journal", name, EQUAL, said, facts={"rows": last, "own": list(order.rows)})

    def _order_link(self, order_id: str, order: DecidedOrder) -> Link:
        """Decide again: a new engine goes through the rows up to the bar."""
        facts = {
            "cause": type(order.cause[1]).__name__,
            "cause_row": order.cause[0],
            "bar_ts": order.intent.ticket.bar_ts,
            "release_id": order.release_id,
            "engine_order_id": order.intent.engine_order_id,
        }
        again = self._decided_again
        if isinstance(again, str) or order_id not in again:
            why = again if isinstance(again, str) else self.story.replay_ended
            return Link("decision", order_id, NOT_CHECKABLE, why or "no replay", facts=facts)
        said = "a new engine taken through the journal's rows decides the same order"
        ticket = str(order.intent.ticket)
        if again[order_id]:
            return Link("decision", order_id, DIFFERS, said, ticket, again[order_id], facts)
        return Link("decision", order_id, EQUAL, said, ticket, ticket, facts)

    @cached_property
    def _decided_again(self) -> Mapping[str, str] | str:
        """Replay the journal; why that cannot be begun, otherwise."""
        desk, place = self._desk, self._place
        try:
            *_, order = self.story.orders.values()
            last = release_terms(place, desk.releases.get(order.release_id))
        except TradingAssetsError as error:
            return f"the release traded last cannot be had: {error.what}"
        return self.story.decided_again(last, terms_of(desk.releases, place))


def _plain(order: DecidedOrder) -> dict[str, object]:
    ticket = order.intent.ticket
    return {
        "strategy": ticket.tag,
        "symbol": ticket.symbol,
        "side": ticket.side.name,
        "type": ticket.type.name,
        "quantity": f"{ticket.quantity:f}",
        "bar_ts": ticket.bar_ts,
        "row": order.seq,
        "release_id": order.release_id,
        "venue_order_id": order.venue_order_id,
        "state": order.reported or "INTENT",
        "fills": [
            {"trade_id": f.trade_id, "price": f"{f.price:f}", "quantity": f"{f.quantity:f}"}
            for f in order.fills
        ],
    }
