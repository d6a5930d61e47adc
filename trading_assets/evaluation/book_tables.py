"""The books of a portfolio's strategies: equity and metrics by tag, from the logs alone.

A strategy's book begins with its part of the account's cash and has since then what its own fills
and nights have paid and brought, and what it holds at the latest closes. The profits of all books
add up to that of the account, to the unit of 1e-8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.instrument import Instrument
from trading_assets.engine.signals import BarMatrix
from trading_assets.evaluation.metrics import drawdown_series
from trading_assets.evaluation.performance import Metrics, metrics_of
from trading_assets.evaluation.position_table import TS, latest_closes
from trading_assets.evaluation.run_tables import RunTables, daily_equity
from trading_assets.records.arrays import Records

BOOKS = pl.Schema(
    {"ts_utc": TS, "strategy": pl.String(), "pnl": pl.Float64(), "equity": pl.Float64()}
)
"""`pnl` is quote since the beginning, `equity` that and the opening part of the account's cash."""


def book_equity(
    *,
    openings: Mapping[str, float],
    instruments: Sequence[Instrument],
    bars: BarMatrix,
    fills: Records,
    financing: Records,
) -> pl.DataFrame:
    """Give BOOKS: every strategy's book after every bar, strategy by strategy.

    Args:
        openings: tag to its part of the opening cash, in the order of the indices.
        instruments: in the order of the symbol indices.
        bars: what the run saw.
        fills: `records.results.FILL`.
        financing: `records.results.FINANCING`.
    """
    closes = latest_closes(bars.close)
    parts = []
    for tag, (name, opening) in enumerate(openings.items()):
        own = fills[fills["tag"] == tag]
        pnl = _pnl(own, financing[financing["tag"] == tag], bars.ts, closes, instruments)
        parts.append(
            pl.DataFrame({"ts_utc": bars.ts, "pnl": pnl, "equity": opening + pnl}).select(
                pl.col("ts_utc").cast(TS), pl.lit(name).alias("strategy"), "pnl", "equity"
            )
        )
    return pl.concat(parts)


def _pnl(
    fills: Records,
    financing: Records,
    ts: NDArray[np.int64],
    closes: NDArray[np.float64],
    instruments: Sequence[Instrument],
) -> NDArray[np.float64]:
    """Give what one strategy has earned at each close, float64 (T,), in quote."""
    cash = np.zeros(len(ts), np.int64)
    in_base = fills["fee_in_base"] != 0
    paid = fills["side"] * fills["notional"] + np.where(in_base, 0, fills["fee"])
    np.subtract.at(cash, np.searchsorted(ts, fills["ts"]), paid)
    np.subtract.at(cash, np.searchsorted(ts, financing["ts"]), financing["amount"])
    value = np.cumsum(cash).astype(np.float64)
    for symbol, instrument in enumerate(instruments):
        of = fills["symbol"] == symbol
        if not of.any():
            continue
        base = np.zeros(len(ts), np.int64)
        received = fills["side"] * fills["units"] - np.where(in_base, fills["fee"], 0)
        np.add.at(base, np.searchsorted(ts, fills["ts"][of]), received[of])
        held = np.cumsum(base)
        held_value = held * closes[symbol] * float(instrument.point_value)
        value += np.where(held == 0, 0.0, held_value)
    result: NDArray[np.float64] = value / 1e8
    return result


def metrics_by_tag(
    tables: RunTables,
    openings: Mapping[str, float],
    *,
    periods_per_year: float,
) -> dict[str, Metrics]:
    """Give the metrics of each strategy's book by its tag, over the whole run.

    Returns on the book: its profit against its part of the cash. Definitions as in
    `evaluation.performance`.
    """
    found: dict[str, Metrics] = {}
    for name, opening in openings.items():
        own = tables_of(tables, name, opening)
        found[name] = metrics_of(own, opening, periods_per_year)
    return found


def tables_of(tables: RunTables, tag: str, opening: float) -> RunTables:
    """Cut the tables of a portfolio to those of one strategy's book."""
    if tables.books is None:
        return tables

    def own(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("strategy") == tag)

    marked = own(tables.books).select("ts_utc", "equity")
    curve = np.concatenate(([opening], marked["equity"].to_numpy()))
    marked = marked.with_columns(drawdown=0.0 - drawdown_series(curve)[1:])
    return replace(
        tables,
        orders=own(tables.orders),
        trades=own(tables.trades),
        filled_orders=own(tables.filled_orders),
        round_trips=own(tables.round_trips),
        positions=own(tables.positions),
        equity=marked,
        equity_curve=daily_equity(marked, opening),
        refusals=own(tables.refusals),
        financing=own(tables.financing),
        risk_factor=own(tables.risk_factor),
        books=own(tables.books),
    )
