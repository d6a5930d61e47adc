"""What came of a backtest: tables, metrics, reasons, hashes, and files of all of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.backtest.bytes_of import json_bytes, write_files
from trading_assets.backtest.run_log import RunLog
from trading_assets.backtest.why_not import WhyNot, why_not
from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros, Month, content_hash, months_between, sha256_hex
from trading_assets.domain.instants import time_text
from trading_assets.domain.instrument import units_from_decimal
from trading_assets.evaluation.book_tables import BOOKS, book_equity, metrics_by_tag
from trading_assets.evaluation.labels import run_name, title
from trading_assets.evaluation.performance import annual_periods, performance
from trading_assets.evaluation.run_report import ReportedRun, run_report
from trading_assets.evaluation.run_tables import RunTables, run_tables
from trading_assets.evaluation.summary import summary_html, summary_text
from trading_assets.strategies.portfolio_spec import AnySpec, PortfolioSpec, Together
from trading_assets.strategies.protocol import Strategy


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """A finished run. Everything is computed when it is first asked for, and kept.

    Tables are polars frames; `ts_utc` is the open time of a bar, quantities are exact decimals,
    prices are floats in quote. A *trade* is a round trip, a *fill* an execution.

    Attributes:
        spec: what was run.
        strategy: as the spec builds it.
        log: what the machine wrote down, as arrays.
        facts: gives all that the result depends on, as plain values: `inputs` (name -> hash of
            what was read), `code_hash`, `packages`, `instruments`, ...
    """

    spec: AnySpec
    strategy: Strategy | Together
    log: RunLog
    facts: Callable[[], Mapping[str, Any]]

    # What happened

    @cached_property
    def tables(self) -> RunTables:
        """All tables; see `evaluation.run_tables`."""
        log = self.log
        tables = run_tables(
            tags=[part.name for part in self.spec.parts],
            instruments=log.setup.instruments,
            bars=log.bars,
            opening_equity=log.opening_equity,
            equity=log.equity,
            orders=log.orders,
            fills=log.fills,
            round_trips=log.round_trips,
            refusals=log.refusal_log,
            financing=log.financing,
            factors=log.factors,
        )
        if not self.openings:
            return tables
        books = book_equity(
            openings=self.openings,
            instruments=log.setup.instruments,
            bars=log.bars,
            fills=log.fills,
            financing=log.financing,
        )
        return replace(tables, books=books)

    @property
    def openings(self) -> Mapping[str, float]:
        """Of a portfolio, each strategy's part of the opening cash by its tag; else nothing."""
        if not isinstance(self.spec, PortfolioSpec):
            return {}
        opening = self.log.opening_equity
        return {m.spec.name: opening * float(m.allocation_pct) / 100 for m in self.spec.members}

    @property
    def books(self) -> pl.DataFrame:
        """Profit and equity of each strategy's book after every bar; empty for one strategy alone.

        The profits of all books add up to the account's.
        """
        books = self.tables.books
        return pl.DataFrame(schema=BOOKS) if books is None else books

    @property
    def by_tag(self) -> Mapping[str, Mapping[str, float | int | None]]:
        """Metrics of each strategy's book of a portfolio by its name."""
        found: Mapping[str, Mapping[str, float | int | None]] = self.performance.get("by_tag", {})
        return found

    @cached_property
    def why_not_by_tag(self) -> Mapping[str, WhyNot]:
        """`why_not` of each strategy by its name; they add up to it."""
        parts = self.spec.parts
        return {part.name: why_not(self.log, tag) for tag, part in enumerate(parts)}

    @property
    def trades(self) -> pl.DataFrame:
        """Round trips, first in first out: entry, exit, quantity, fees, net `pnl`, reason."""
        return self.tables.round_trips

    @property
    def orders(self) -> pl.DataFrame:
        """Every order with its final state and what ended it; working ones have no end."""
        return self.tables.orders

    @property
    def fills(self) -> pl.DataFrame:
        """Executions with price, fee and the position afterwards."""
        return self.tables.trades

    @property
    def equity(self) -> pl.DataFrame:
        """Equity in quote after every bar; `drawdown` is the fraction below the latest peak."""
        return self.tables.equity

    @property
    def daily(self) -> pl.DataFrame:
        """The last equity of every UTC day, its return in percent, and the days' drawdown."""
        return self.tables.equity_curve

    @property
    def refusals(self) -> pl.DataFrame:
        """Decisions that a rule refused: bar, symbol, rule, what was allowed, what it was."""
        return self.tables.refusals

    @property
    def financing(self) -> pl.DataFrame:
        """What positions have cost, or brought, for being held over nights."""
        return self.tables.financing

    @property
    def risk_factor(self) -> pl.DataFrame:
        """Changes of what entries were multiplied by, with the reasons."""
        return self.tables.risk_factor

    @cached_property
    def why_not(self) -> WhyNot:
        """What became of every opportunity; `traded` and the reasons add up exactly."""
        return why_not(self.log)

    # How good it was

    @cached_property
    def performance(self) -> Mapping[str, Any]:
        """Metrics of the whole run (`all`) and out of sample (`oos`); see `performance`.

        For a portfolio also those of each strategy's book (`by_tag`).
        """
        found = performance(
            self.tables,
            opening_equity=self.log.opening_equity,
            final_cash=units_from_decimal(self.log.balances[self.spec.quote]) / 1e8,
            oos_start=self.oos_start,
            periods_per_year=self.periods_per_year,
        )
        if self.openings:
            found["by_tag"] = metrics_by_tag(
                self.tables,
                self.openings,
                periods_per_year=self.periods_per_year,
            )
        return found

    @property
    def metrics(self) -> Mapping[str, float | int | None]:
        """Metrics of the whole run by name; `evaluation.glossary` says what each one means."""
        whole: Mapping[str, float | int | None] = self.performance["all"]
        return whole

    @property
    def num_trades(self) -> int:
        """Number of round trips."""
        return len(self.log.round_trips)

    @property
    def final_equity(self) -> float:
        """Equity after the last bar, in quote."""
        return self.log.final_equity

    @property
    def periods_per_year(self) -> int:
        """Daily periods that a year is annualised with: 365 if any market never closes."""
        return annual_periods(self.log.setup.instruments)

    @property
    def oos_start(self) -> Micros:
        """First instant out of sample; see `oos_start_of`."""
        return oos_start_of(self.strategy, self.log.ts)

    @cached_property
    def label(self) -> str:
        """Title such as `IB • Risk 1% • 10k • fees 2bps • 20 trades • WR 0.75 • PnL +3.61`."""
        return title(self.spec, self.metrics)

    # What it is made of

    @cached_property
    def result_hash(self) -> str:
        """SHA-256 over the bytes of all tables and metrics.

        Equal inputs give equal hashes, on any thread count, in any process, from Python, the
        command line or the graph.
        """
        return content_hash({name: sha256_hex(data) for name, data in self.number_files.items()})

    @cached_property
    def manifest(self) -> Mapping[str, Any]:
        """What went in and what came out, by hash, as plain values."""
        spec, facts, ts = self.spec, self.facts(), self.log.ts
        months = [Month.from_text(text) for text in facts["months"]]
        why = self.why_not
        return {
            "schema": 1,
            "run_id": content_hash(facts)[:16],
            "spec": spec.name,
            "label": self.label,
            "run_name": run_name(spec, months, self.metrics),
            "config": spec.model_dump(mode="json") | spec.described,
            "config_hash": spec.spec_hash,
            "data_hash": content_hash(facts["inputs"]),
            "order_types": sorted(kind.name for kind in self.spec.order_types),
            "horizon": self.strategy.horizon,
            "needs": list(spec.needs),
            "first_ts": int(ts[0]),
            "last_ts": int(ts[-1]),
            "oos_start": self.oos_start,
            "verdicts": {v.name.lower(): n for v, n in self.log.verdicts.items() if n},
            "opportunities": why.opportunities,
            "traded": why.traded,
            "why_not": dict(why.reasons),
            **self._books_in_manifest,
            "holes": [
                {
                    "symbol": self.log.setup.instruments[hole.symbol_index].symbol,
                    "start": hole.start,
                    "end": hole.end,
                }
                for hole in self.log.holes
            ],
            "result_hash": self.result_hash,
            **facts,
        }

    @property
    def _books_in_manifest(self) -> Mapping[str, Any]:
        if not isinstance(self.spec, PortfolioSpec):
            return {}
        members = zip(self.spec.members, self.spec.parts, strict=True)
        return {
            "books": [
                {
                    "strategy": part.name,
                    "allocation_pct": str(member.allocation_pct),
                    "config_hash": part.spec_hash,
                    "opportunities": self.why_not_by_tag[part.name].opportunities,
                    "traded": self.why_not_by_tag[part.name].traded,
                    "why_not": dict(self.why_not_by_tag[part.name].reasons),
                }
                for member, part in members
            ]
        }

    @cached_property
    def number_files(self) -> Mapping[str, bytes]:
        """Every table as CSV and Parquet, and `metrics.json`: the files that the hash is of."""
        return self.tables.files() | {"metrics.json": json_bytes(self.performance)}

    # For people

    def to_parquet(self, folder: Path | str) -> list[Path]:
        """Write every table with all columns, and the manifest; give the paths.

        Files are named as in a stored run: `round_trips.parquet` holds trades, `trades.parquet`
        fills.
        """
        return self._write(folder, ".parquet")

    def to_csv(self, folder: Path | str) -> list[Path]:
        """Write every table in the fixed columns of the exports, and the manifest."""
        return self._write(folder, ".csv")

    def html(self) -> bytes:
        """Give the report: price with entries and exits, equity, drawdown, months, trades, hashes.

        One page of about 2 MB that asks for nothing, so it opens offline.
        """
        return run_report(
            ReportedRun(
                symbols=self.spec.symbols,
                quote=self.spec.quote,
                bars=self.log.bars,
                tables=self.tables,
                performance=self.performance,
                manifest=self.manifest,
                description=self.spec.description,
            )
        )

    def to_html(self, path: Path | str) -> Path:
        """Write the report; give its path."""
        written = Path(path)
        return write_files(written.parent, {written.name: self.html()})[0]

    def _write(self, folder: Path | str, suffix: str) -> list[Path]:
        files = {name: data for name, data in self.number_files.items() if name.endswith(suffix)}
        return write_files(folder, files | {"manifest.json": json_bytes(self.manifest)})

    def __repr__(self) -> str:
        """Give title, first metrics, span and hash."""
        return summary_text(self.label, self.metrics, self.spec.quote, self._shown())

    def _repr_html_(self) -> str:
        """Show the same in a notebook, with a line of equity."""
        equity = self.log.equity.tolist()
        return summary_html(self.label, self.metrics, self.spec.quote, self._shown(), equity)

    def _shown(self) -> dict[str, str]:
        ts, why = self.log.ts, self.why_not
        reasons = ", ".join(f"{n:,} {name}" for name, n in list(why.reasons.items())[:4])
        return {
            "bars": f"{len(ts):,} from {time_text(int(ts[0]))} to {time_text(int(ts[-1]))}",
            "opportunities": f"{why.opportunities:,}: {why.traded:,} traded, {reasons}",
            "result": self.result_hash[:16],
        }


def oos_start_of(strategy: Strategy | Together, ts: NDArray[np.int64]) -> Micros:
    """Give the first instant out of sample of a run over bars with these open times.

    Forecasts are out of sample by construction (each month's model saw nothing of it), so all
    of a forecast-driven run is. A rule has no fitted artefact, but a person chose its
    parameters looking at such data: the convention is the last half of its UTC days.
    """
    if strategy.horizon is not None:
        return int(ts[0])
    days = np.unique(ts // DAY)
    return int(days[len(days) - -(-len(days) // 2)]) * DAY


def months_of(ts: NDArray[np.int64]) -> list[str]:
    """Name the months from the first bar to the last."""
    months = months_between(Month.of(int(ts[0])), Month.of(int(ts[-1])))
    return [str(month) for month in months]
