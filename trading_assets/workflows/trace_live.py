"""From an order of a live book back to the vendor's files, every link computed once more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import polars as pl

from trading_assets.domain.errors import (
    ConfigurationError,
    CorruptFile,
    DataError,
    InvariantError,
    RulesChanged,
    TradingAssetsError,
)
from trading_assets.domain.events import BarReady, SignalRow
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.live.signal_desk import SignalDesk
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.storage.partition_store import address
from trading_assets.storage.release_store import Release
from trading_assets.strategies.evaluate import row_hash
from trading_assets.workflows.code_hash import code_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import set_of_pin
from trading_assets.workflows.frame_span import frame_start
from trading_assets.workflows.lineage import Node
from trading_assets.workflows.live_book import LiveBook
from trading_assets.workflows.live_calendars import sessions_of_release
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.release_parts import (
    release_terms,
    signal_desk_of,
    strategy_of,
    terms_of,
)
from trading_assets.workflows.run_plan import FORECASTS
from trading_assets.workflows.trace_bars import FrameReader, SeenFrame
from trading_assets.workflows.trace_journal import DecidedOrder, JournalStory
from trading_assets.workflows.trace_links import (
    DIFFERS,
    EQUAL,
    NOT_CHECKABLE,
    FileProof,
    Link,
    Trace,
    code_link,
    compared,
    compared_rows,
    filed,
)

_SHOWN = 5

_Group = tuple[str, str, Symbol, Month]
"""Release, strategy, symbol and month of orders whose signals are evaluated together."""


@dataclass(frozen=True, slots=True)
class _Reevaluated:
    """What the recorded bars give now.

    Attributes:
        row: the signal row, None where the strategy gives none at this bar.
        behind: features and forecast of that row, None for a strategy without a model.
        why: it could not be evaluated, "" when it was.
    """

    row: SignalRow | None = None
    behind: tuple[pl.DataFrame, pl.DataFrame] | None = None
    frame: SeenFrame | None = None
    why: str = ""


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
        self._release = cache(self._found_release)
        self._reader = cache(self._made_reader)
        self._evaluated = cache(self._evaluate)
        self._promotion = cache(self._promotion_link)
        self._instants: dict[_Group, list[Micros]] = defaultdict(list)

    def traces(self, order_ids: Iterable[str]) -> Iterator[Trace]:
        """Trace orders by their client order ids, which must be some of `story.orders`."""
        wanted = list(order_ids)
        for name in wanted:
            order = self.story.orders[name]
            self._instants[_group_of(order)].append(order.intent.ticket.bar_ts)
        yield from map(self._trace, wanted)

    def _trace(self, order_id: str) -> Trace:
        order = self.story.orders[order_id]
        release = self._release(order.release_id)
        links = [self._journal_link(order), self._order_link(order_id, order)]
        if isinstance(release, Link):
            links.append(release)
        else:
            links += self._decided(order, release)
            links += self._release_links(release)
            links += self._proofs.links(self._nodes(order, release))
        return Trace(order_id, f"book {self._place.name}", _plain(order), tuple(_once(links)))

    def _found_release(self, release_id: str) -> Release | Link:
        try:
            return self._desk.releases.get(release_id)
        except TradingAssetsError as error:
            files: tuple[FileProof, ...] = ()
            for folder in sorted(self._desk.releases.root.glob(f"*/{release_id or '-'}")):
                try:
                    files = self._proofs.folder(folder)
                except CorruptFile:
                    continue
            return Link(
                "release", release_id, DIFFERS, error.what, error.expected, error.found, {}, files
            )

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

    # From the decision to its bars

    def _decided(self, order: DecidedOrder, release: Release) -> Iterator[Link]:
        ticket, event = order.intent.ticket, order.cause[1]
        if not isinstance(event, BarReady):
            return  # people, halts and fills cause orders without a signal: the cause is named
        tag = ticket.tag if len(release.spec.parts) > 1 else ""
        rows = (r for r in event.rows if r.symbol == ticket.symbol and r.tag in (tag, ticket.tag))
        row = next(rows, None)
        if row is None:
            said = "the bar has no signal row of this symbol"
            yield Link("signal", ticket.symbol, NOT_CHECKABLE, said)
            return
        now = self._reevaluated(order, release)
        yield _signal_link(row, now)
        if row.forecast_id or now.behind is not None:
            yield from self._forecast_links(row, now, release)
        yield from self._bars_links(order, now)

    def _reevaluated(self, order: DecidedOrder, release: Release) -> _Reevaluated:
        ticket = order.intent.ticket
        start, end = self._span(order, release)
        try:
            reader = self._reader(order.release_id)
            frame = reader.read(ticket.symbol, self.story.bars[ticket.symbol], start, end)
            if frame.gap:
                return _Reevaluated(frame=frame, why=frame.gap)
            signals, rows = self._evaluated(_group_of(order))
            behind = signals.behind(ticket.symbol, ticket.bar_ts)
        except (DataError, ConfigurationError) as error:
            return _Reevaluated(why=f"{type(error).__name__}: {error.what}")
        return _Reevaluated(next(iter(rows.get(ticket.bar_ts, ())), None), behind, frame)

    def _evaluate(self, group: _Group) -> tuple[SignalDesk, Mapping[Micros, tuple[SignalRow, ...]]]:
        """Evaluate the signals of one strategy, symbol and month at all bars that are asked for.

        Several at once cost as much as one: no row depends on later bars.
        """
        release_id, tag, symbol, month = group
        release = self._desk.releases.get(release_id)
        instants = self._instants[group]
        start, end = frame_start(release, tag, month), max(instants) + release.spec.timeframe.micros
        frame = self._reader(release_id).read(symbol, self.story.bars[symbol], start, end)
        signals = signal_desk_of(release, tag)
        signals.append(symbol, frame.rows)
        return signals, signals.rows(symbol, sorted({*instants}))

    def _made_reader(self, release_id: str) -> FrameReader:
        release = self._desk.releases.get(release_id)
        return FrameReader(
            self._desk,
            self._proofs,
            release.spec.timeframe,
            release.facts.get("inputs", {}),
            sessions_of_release(self._desk, release),
        )

    def _span(self, order: DecidedOrder, release: Release) -> tuple[Micros, Micros]:
        """Give first instant and end of the frame that an order's signal stands on."""
        ticket = order.intent.ticket
        start = frame_start(release, ticket.tag, Month.of(ticket.bar_ts))
        return start, ticket.bar_ts + release.spec.timeframe.micros

    def _forecast_links(
        self, row: SignalRow, now: _Reevaluated, release: Release
    ) -> Iterator[Link]:
        said = "predicted by the pinned model from the features of the recorded bars"
        if now.behind is None:
            yield Link("forecast", row.forecast_id, NOT_CHECKABLE, now.why, row.forecast_id)
            return
        features, forecast = now.behind
        made = forecast.row(0, named=True) if forecast.height else {}
        found = str(made.get("forecast_id", ""))
        values = {name: made.get(name) for name in ("prediction", "confidence", "horizon")}
        yield compared("forecast", row.forecast_id, row.forecast_id, found, said, **values)
        yield from self._as_published(FORECASTS, forecast, "forecast")
        strategy = strategy_of(release, row.tag or release.spec.name).build_strategy()
        pin = release.models.get(str(strategy.horizon), {})
        known = set_of_pin(self._desk.settings, pin)
        yield compared(
            "features", known.name, str(pin.get("features_code_version", "")), known.code_version,
            "the code of the features is that of the model's training",
            values=features.row(0, named=True) if features.height else {},
        )  # fmt: skip
        yield from self._as_published(known.table, features, "features")

    def _as_published(self, table: str, row: pl.DataFrame, kind: str) -> Iterator[Link]:
        """Compare a row with the one that the table has, if it was published by the same maker."""
        if not row.height:
            return
        ts = int(row["ts"].to_physical()[0])
        tables, symbol = self._desk.tables, row["symbol"][0]
        try:
            manifest = tables.current(table, symbol, Month.of(ts))
            if manifest is None:
                return  # the live run never looked at it
            stored = tables.read_manifest(manifest).filter(pl.col("ts") == row["ts"][0])
        except CorruptFile as error:
            name = address(table, symbol, Month.of(ts))
            yield Link(kind, name, DIFFERS, error.what, error.expected, error.found)
            return
        same_maker = (
            pl.col("model_id") == row["model_id"][0] if kind == "forecast" else pl.lit(True)
        )
        stored = stored.filter(same_maker)
        if not stored.height:
            return  # of another model, or of a bar that it does not reach
        said = f"the row of {manifest.address} at the same bar, to the bit"
        yield compared_rows(kind, manifest.address, stored, row, said)

    def _bars_links(self, order: DecidedOrder, now: _Reevaluated) -> Iterator[Link]:
        ticket = order.intent.ticket
        if now.frame is None:
            yield Link("bars", ticket.symbol, NOT_CHECKABLE, now.why)
            return
        for each in now.frame.months:
            name = f"recorded/{ticket.symbol}/{each.month}"
            where = "the history source, asked again; the tables do not reach so far"
            if each.manifest is not None:
                where = f"{each.manifest.address} {each.manifest.version[:16]}"
            facts = {"recorded": each.seen, "from_before_the_book": each.taken}
            said = f"{each.seen} recorded bars against {where}"
            if each.taken:
                said += f"; {each.taken} bars from before the book's first come from there"
            if each.rows is None:
                yield Link("bars", name, NOT_CHECKABLE, each.why, facts=facts)
            elif each.differing:
                shown = "; ".join(each.differing[:_SHOWN])
                found = f"{len(each.differing)} differ: {shown}"
                yield Link("bars", name, DIFFERS, said, "", found, facts)
            else:
                yield Link("bars", name, EQUAL, said, facts=facts)

    # From the release to its files

    def _release_links(self, release: Release) -> Iterator[Link]:
        files = self._proofs.folder(release.folder)
        name = f"{release.book}/{release.release_id}"
        pins = {horizon: pin["model_id"] for horizon, pin in release.models.items()}
        yield filed("release", name, release.release_id, files, models=pins, spec=release.spec.name)
        yield self._promotion(release.decision_id)
        recorded = str(release.facts.get("code_hash", ""))
        yield code_link(release.spec.name, recorded, code_hash(release.spec.build_strategy()))

    def _promotion_link(self, decision_id: str) -> Link:
        from trading_assets.workflows.decide import recompute

        said = "made again from the evidence that it names"
        try:
            again = recompute(self._desk, decision_id)
        except InvariantError as error:
            status = NOT_CHECKABLE if isinstance(error, RulesChanged) else DIFFERS
            told = f"{error.what}. {error.fix}"
            return Link("promotion", decision_id, status, told, error.expected, error.found)
        except DataError as error:
            return Link("promotion", decision_id, DIFFERS, error.what, error.expected, error.found)
        facts = {"verdict": again.verdict, "book": again.book}
        return Link("promotion", decision_id, EQUAL, said, decision_id, again.decision_id, facts)

    def _nodes(self, order: DecidedOrder, release: Release) -> list[Node]:
        """Name what an order stands on: what its release does, and the bars laid beside its own."""
        facts = release.facts
        nodes: list[Node] = []
        if isinstance(order.cause[1], BarReady):
            start, end = self._span(order, release)
            try:
                found = self._reader(order.release_id).manifests(
                    order.intent.ticket.symbol, start, end
                )
                nodes += [(m.address, m.version) for m in found.values()]
            except (DataError, ConfigurationError):
                pass  # the link of the recorded bars says so
        nodes += [
            (f"forecast_model/{horizon}/{pin['month']}", str(pin["model_id"]))
            for horizon, pin in release.models.items()
        ]
        if "run_id" in facts:
            nodes.append((f"runs/{facts['spec']}", str(facts["run_id"])))
        nodes += sorted(facts.get("inputs", {}).items())
        return nodes


def _signal_link(row: SignalRow, now: _Reevaluated) -> Link:
    name = f"{row.symbol} at {row.ts}"
    recorded = f"{row.row_hash} {list(row.values)}"
    facts = {"values": [None if v != v else v for v in row.values], "forecast_id": row.forecast_id}  # noqa: PLR0124
    own = row_hash(row.symbol, row.ts, row.values)
    if own != row.row_hash:
        said = "the recorded values do not have the recorded hash"
        return Link("signal", name, DIFFERS, said, row.row_hash, own, facts)
    if now.why:
        return Link("signal", name, NOT_CHECKABLE, now.why, recorded, facts=facts)
    said = "evaluated again on the anchored frame of the recorded bars"
    if now.row is None:
        return Link("signal", name, DIFFERS, said, recorded, "no signal row", facts)
    found = f"{now.row.row_hash} {list(now.row.values)}"
    is_equal = now.row.row_hash == row.row_hash and now.row.forecast_id == row.forecast_id
    return Link("signal", name, EQUAL if is_equal else DIFFERS, said, recorded, found, facts)


def _group_of(order: DecidedOrder) -> _Group:
    ticket = order.intent.ticket
    return order.release_id, ticket.tag, ticket.symbol, Month.of(ticket.bar_ts)


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


def _once(links: list[Link]) -> Iterator[Link]:
    seen: set[tuple[str, str, str]] = set()
    for link in links:
        key = (link.kind, link.name, link.recorded)
        if key not in seen:
            seen.add(key)
            yield link
