"""From a live decision to its bars: signal, forecast and features evaluated on them once more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import polars as pl

from trading_assets.domain.errors import ConfigurationError, CorruptFile, DataError
from trading_assets.domain.events import BarReady, SignalRow
from trading_assets.domain.ids import Micros, Month, Symbol
from trading_assets.live.signal_desk import SignalDesk
from trading_assets.storage.partition_store import address
from trading_assets.storage.release_store import Release
from trading_assets.strategies.evaluate import row_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import set_of_pin
from trading_assets.workflows.frame_span import frame_start
from trading_assets.workflows.lineage import Node
from trading_assets.workflows.live_calendars import sessions_of_release
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.release_parts import signal_desk_of, strategy_of
from trading_assets.workflows.run_plan import FORECASTS
from trading_assets.workflows.trace_bars import FrameReader, SeenFrame
from trading_assets.workflows.trace_journal import DecidedOrder, SeenBar
from trading_assets.workflows.trace_links import (
    DIFFERS,
    EQUAL,
    NOT_CHECKABLE,
    Link,
    compared,
    compared_rows,
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


class SignalTracer:
    """Evaluates the signals of one book's orders on the bars that the book has seen."""

    def __init__(
        self,
        desk: Desk,
        proofs: Provenance,
        seen: Mapping[Symbol, Mapping[Micros, SeenBar]],
    ) -> None:
        """Begin without orders.

        Args:
            desk: holds tables, releases and the history source.
            proofs: finds versions.
            seen: all bars that the book has recorded, by symbol and open time, ascending.
        """
        self._desk, self._proofs, self._seen = desk, proofs, seen
        self._reader = cache(self._made_reader)
        self._evaluated = cache(self._evaluate)
        self._instants: dict[_Group, list[Micros]] = defaultdict(list)

    def expect(self, order: DecidedOrder) -> None:
        """Take note of an order before any is traced: signals are evaluated for all at once."""
        self._instants[_group_of(order)].append(order.intent.ticket.bar_ts)

    def links(self, order: DecidedOrder, release: Release) -> Iterator[Link]:
        """Give the links from an order to its bars.

        None for one that people, halts or fills have caused: the decision names the cause.
        """
        ticket, event = order.intent.ticket, order.cause[1]
        if not isinstance(event, BarReady):
            return
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

    def nodes(self, order: DecidedOrder, release: Release) -> tuple[Node, ...]:
        """Name the partitions that are laid beside the bars of an order."""
        if not isinstance(order.cause[1], BarReady):
            return ()
        try:
            start, end = self._span(order, release)
            found = self._reader(order.release_id).manifests(order.intent.ticket.symbol, start, end)
        except (DataError, ConfigurationError):
            return ()  # the link of the recorded bars says so
        return tuple((manifest.address, manifest.version) for manifest in found.values())

    def _reevaluated(self, order: DecidedOrder, release: Release) -> _Reevaluated:
        ticket = order.intent.ticket
        try:
            start, end = self._span(order, release)
            reader = self._reader(order.release_id)
            frame = reader.read(ticket.symbol, self._seen[ticket.symbol], start, end)
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
        start = frame_start(self._desk.settings, release, tag, month)
        end = max(instants) + release.spec.timeframe.micros
        frame = self._reader(release_id).read(symbol, self._seen[symbol], start, end)
        signals = signal_desk_of(release, tag, sessions_of_release(self._desk, release))
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
        month = Month.of(ticket.bar_ts)
        start = frame_start(self._desk.settings, release, ticket.tag, month)
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
        yield from self._as_published("forecast", FORECASTS, forecast)
        strategy = strategy_of(release, row.tag or release.spec.name).build_strategy()
        pin = release.models.get(str(strategy.horizon), {})
        known = set_of_pin(self._desk.settings, pin)
        yield compared(
            "features", known.name, str(pin.get("features_code_version", "")), known.code_version,
            "the code of the features is that of the model's training",
            values=features.row(0, named=True) if features.height else {},
        )  # fmt: skip
        yield from self._as_published("features", known.table, features, known.code_version)

    def _as_published(
        self, kind: str, table: str, row: pl.DataFrame, code_version: str = ""
    ) -> Iterator[Link]:
        """Compare a row with the one that the table has, if it was published by the same maker.

        That is the model which the row names, or else the code.
        """
        if not row.height:
            return
        ts = int(row["ts"].to_physical()[0])
        tables, symbol = self._desk.tables, row["symbol"][0]
        try:
            manifest = tables.current(table, symbol, Month.of(ts))
            if manifest is None or (code_version and manifest.code_version != code_version):
                return  # the live run never looked at it
            stored = tables.read_manifest(manifest).filter(pl.col("ts") == row["ts"][0])
        except CorruptFile as error:
            name = address(table, symbol, Month.of(ts))
            yield Link(kind, name, DIFFERS, error.what, error.expected, error.found)
            return
        if "model_id" in row.columns:
            stored = stored.filter(pl.col("model_id") == row["model_id"][0])
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
