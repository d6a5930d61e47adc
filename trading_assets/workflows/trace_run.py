"""From an order of a stored backtest back to the vendor's files, every link computed once more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import polars as pl

from trading_assets.domain.errors import (
    CorruptFile,
    DataError,
    MissingPartition,
    TradingAssetsError,
)
from trading_assets.domain.ids import Micros, Month, Symbol, content_hash
from trading_assets.features.anchor import anchor
from trading_assets.market.bar_frame import between, instant
from trading_assets.storage.partition_store import Manifest, address
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.evaluate import month_signals, signal_rows
from trading_assets.workflows.code_hash import code_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.feature_sets import set_of_code
from trading_assets.workflows.freeze_calendars import sessions_of_symbol
from trading_assets.workflows.provenance import Provenance
from trading_assets.workflows.run_again import (
    reached_inputs,
    run_facts,
    simulate_again,
    spec_of_run,
)
from trading_assets.workflows.run_plan import FORECASTS
from trading_assets.workflows.trace_links import (
    EQUAL,
    NOT_CHECKABLE,
    Link,
    Status,
    Trace,
    code_link,
    compared,
    compared_rows,
    filed,
    row_text,
)

if TYPE_CHECKING:
    from trading_assets.workflows.simulate_run import Simulated


class RunTracer:
    """Traces orders of one stored run; what several of them share is computed once."""

    def __init__(self, desk: Desk, run: StoredRun, proofs: Provenance) -> None:
        """Read the tables of the run.

        Raises:
            CorruptFile: if one of them is damaged.
        """
        self._desk, self._run, self._proofs = desk, run, proofs
        self.orders = run.table("orders")
        self._fills = run.table("trades")
        self._again: dict[Month, Simulated | str] = {}

    def trace(self, order_id: str) -> Trace:
        """Trace an order by its client order id; it must be one of `orders`."""
        row = self.orders.filter(pl.col("client_order_id") == order_id)
        order = row.row(0, named=True)
        ts = int(row["ts_utc"].to_physical()[0])
        last = self._last_month(row)
        again = self._simulated(last)
        decision = self._decision(row, again, last)
        links = [
            self._run_link(),
            self._identity(),
            decision,
            self._signal(order, ts, again, decision.status),
            *self._of_spec(order, ts),
            *self._proofs.links(sorted(reached_inputs(self._run, last).items())),
        ]
        origin = f"run {self._run.spec}/{self._run.run_id}"
        return Trace(order_id, origin, self._plain(order), tuple(links))

    def _plain(self, order: Mapping[str, Any]) -> dict[str, Any]:
        fills = self._fills.filter(pl.col("client_order_id") == order["client_order_id"])
        shown = fills.select("ts_utc", "price", "qty").rows(named=True)
        plain = {name: None if v is None else str(v) for name, v in order.items()}
        return {**plain, "fills": [{k: str(v) for k, v in fill.items()} for fill in shown]}

    def _last_month(self, row: pl.DataFrame) -> Month:
        """Give the month in which the order ended; nothing later can have touched it."""
        ended = row["closed_ts_utc"].to_physical()[0]
        return Month.of(self._run.manifest["last_ts"] if ended is None else int(ended))

    def _simulated(self, last: Month) -> Simulated | str:
        """Run again up to a month; why that cannot be done, otherwise."""
        if last not in self._again:
            try:
                self._again[last] = simulate_again(self._desk, self._proofs, self._run, last)
            except TradingAssetsError as error:
                self._again[last] = f"{type(error).__name__}: {error.what}"
        return self._again[last]

    def _run_link(self) -> Link:
        run = self._run
        files = self._proofs.folder(run.folder)
        return filed("run", f"{run.spec}/{run.run_id}", run.run_id, files)

    def _identity(self) -> Link:
        found = content_hash(run_facts(self._run))[:16]
        said = "the id is the hash of everything that the run depends on"
        return compared(
            "inputs", f"{self._run.spec}/{self._run.run_id}", self._run.run_id, found, said
        )

    def _decision(self, row: pl.DataFrame, again: Simulated | str, last: Month) -> Link:
        order_id = row["client_order_id"][0]
        mine = pl.col("client_order_id") == order_id
        recorded = row_text(row) + row_text(self._fills.filter(mine))
        if isinstance(again, str):
            return Link("decision", order_id, NOT_CHECKABLE, again, recorded)
        tables = again.result.tables
        found = row_text(tables.orders.filter(mine)) + row_text(tables.trades.filter(mine))
        said = f"the run again up to {last} gives the same order and the same fills, to the bit"
        return compared("decision", order_id, recorded, found, said)

    def _signal(
        self, order: Mapping[str, Any], ts: Micros, again: Simulated | str, status: Status
    ) -> Link:
        """Evaluate the signal; a run keeps no rows of them: it holds when what it decides does."""
        name = f"{order['symbol']} at {ts}"
        if isinstance(again, str):
            return Link("signal", name, NOT_CHECKABLE, again)
        parts = spec_of_run(self._desk, self._run).parts
        place = [part.name for part in parts].index(order["strategy"])
        strategy = parts[place].build_strategy()
        frame = again.frames[place][order["symbol"]]
        signals = month_signals(strategy, frame, Month.of(ts)).filter(pl.col("ts") == instant(ts))
        rows = signal_rows(order["symbol"], strategy.family, signals)
        if not rows:
            said = "the symbol has no bar here: the order follows from another's"
            return Link("signal", name, status, said)
        said = "evaluated on the anchored frame of the run's own versions; the decision rests on it"
        values = [None if v != v else v for v in rows[0].values]  # noqa: PLR0124
        found = rows[0].row_hash
        return Link("signal", name, status, said, "", found, {"values": values})

    def _of_spec(self, order: Mapping[str, Any], ts: Micros) -> Iterator[Link]:
        """Give what follows from the spec; nothing where it is damaged, see the link of the run.

        Nor where a version of its costs is gone, see the link of that.
        """
        try:
            spec = spec_of_run(self._desk, self._run)
        except (CorruptFile, MissingPartition):
            return
        part = next(part for part in spec.parts if part.name == order["strategy"])
        yield from self._forecast(Symbol(order["symbol"]), ts, part.build_strategy().horizon)
        recorded = str(self._run.manifest["code_hash"])
        yield code_link(self._run.spec, recorded, code_hash(spec.build_strategy()))

    # Of forecasts

    def _forecast(self, symbol: Symbol, ts: Micros, horizon: str | None) -> Iterator[Link]:
        if horizon is None:
            return
        name = address(FORECASTS, symbol, Month.of(ts))
        try:
            yield from self._predicted(symbol, ts, horizon, name)
        except DataError as error:
            yield Link("forecast", name, NOT_CHECKABLE, error.what, error.expected, error.found)

    def _predicted(self, symbol: Symbol, ts: Micros, horizon: str, name: str) -> Iterator[Link]:
        version = self._run.manifest["inputs"].get(name, "")
        forecasts = self._proofs.require((name, version))
        rows = self._desk.tables.read_manifest(forecasts)
        mine = (pl.col("ts") == instant(ts)) & (pl.col("horizon") == horizon)
        stored = rows.filter(mine)
        (node,) = (each for each in forecasts.parents.items() if each[0].startswith("features_"))
        features = self._proofs.require(node)
        row = self._desk.tables.read_manifest(features).filter(pl.col("ts") == instant(ts))
        if stored.height:
            model = self._desk.models.get(stored["model_id"][0])
            found = self._desk.models.load(model).predict(row)
            said = f"predicted again by {model.address} from the stored row of features"
            yield compared_rows("forecast", stored["forecast_id"][0], stored, found, said)
        else:
            said = "the bar has no forecast, its features being incomplete"
            yield Link("forecast", name, EQUAL, said)
        yield self._features(features, row, symbol, ts)

    def _features(self, manifest: Manifest, row: pl.DataFrame, symbol: Symbol, ts: Micros) -> Link:
        name = f"{manifest.address} at {ts}"
        known = set_of_code(self._desk.settings, manifest.code_version)
        if known is None:
            said = "made by other code, which is not here"
            return Link("features", name, NOT_CHECKABLE, said, manifest.code_version)
        bars = [
            self._proofs.require(node)
            for node in manifest.parents.items()
            if node[0].startswith("bars_")
        ]
        frame = pl.concat([self._desk.tables.read_manifest(each) for each in bars]).sort("ts")
        frame = frame.filter(between(anchor(Month.of(ts), known.warm_up), ts + 1))
        fresh = known.compute(frame, sessions=sessions_of_symbol(self._desk, symbol))
        found = fresh.filter(pl.col("ts") == instant(ts))
        said = "computed again from the bars that the partition names"
        return compared_rows("features", name, row, found, said)
