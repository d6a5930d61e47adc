"""Tables of a run, made from the engine's logs: orders, fills, round trips, positions, equity.

Every `ts_utc` is the open time of a bar: of the bar that filled an order, of the bar whose close
was marked. Quantities are exact decimals; fill prices and valuations are floats.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.domain.ids import client_order_id
from trading_assets.domain.instrument import Instrument, decimal_from_units
from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.engine.signals import BarMatrix
from trading_assets.evaluation.account_tables import factor_table, financing_table, refusal_table
from trading_assets.evaluation.metrics import drawdown_series
from trading_assets.evaluation.position_table import (
    EXACT,
    POSITIONS,
    TS,
    frame_of,
    position_table,
)
from trading_assets.records.arrays import Record, Records
from trading_assets.records.codes import NO_PRICE, Cause, Leg, OrderState
from trading_assets.risk.pre_trade import Refusal

ACCOUNT = "backtest"
"""Stands in the client order ids of backtests, where a live run has its account."""

ORDERS = pl.Schema(
    {
        "ts_utc": TS,
        "strategy": pl.String(),
        "symbol": pl.String(),
        "side": pl.String(),
        "type": pl.String(),
        "qty": EXACT,
        "limit_price": EXACT,
        "client_order_id": pl.String(),
        "state": pl.String(),
        "stop_price": EXACT,
        "filled_qty": EXACT,
        "leg": pl.String(),
        "cause": pl.String(),
        "closed_ts_utc": TS,
    }
)
"""`ts_utc` is the bar whose close decided the order."""

FILLS = pl.Schema(
    {
        "ts_utc": TS,
        "client_order_id": pl.String(),
        "symbol": pl.String(),
        "price": pl.Float64(),
        "qty": EXACT,
        "fee": EXACT,
        "fee_ccy": pl.String(),
        "side": pl.String(),
        "notional": EXACT,
        "maker": pl.Boolean(),
        "reason": pl.String(),
        "bar_ts_utc": TS,
        "position": EXACT,
        "fee_quote": pl.Float64(),
        "strategy": pl.String(),
        "touched_price": pl.Float64(),
        "slippage": EXACT,
    }
)
"""`touched_price` is what the market showed before costs worsened it, `slippage` what the fill was
exchanged for beyond it, in quote; both are null for a venue's fill, of which neither is known."""

FILLED_ORDERS = pl.Schema(
    {
        "ts_utc": TS,
        "client_order_id": pl.String(),
        "symbol": pl.String(),
        "side": pl.String(),
        "type": pl.String(),
        "qty": EXACT,
        "avg_price": pl.Float64(),
        "notional": EXACT,
        "fee": EXACT,
        "fee_ccy": pl.String(),
        "n_fills": pl.Int64(),
        "reason": pl.String(),
        "strategy": pl.String(),
    }
)

ROUND_TRIPS = pl.Schema(
    {
        "entry_ts_utc": TS,
        "exit_ts_utc": TS,
        "symbol": pl.String(),
        "side": pl.String(),
        "qty": EXACT,
        "entry_price": pl.Float64(),
        "exit_price": pl.Float64(),
        "notional": EXACT,
        "fees": EXACT,
        "pnl": EXACT,
        "return_pct": pl.Float64(),
        "exit_reason": pl.String(),
        "entry_client_order_id": pl.String(),
        "exit_client_order_id": pl.String(),
        "strategy": pl.String(),
    }
)

EXPORTED = {
    "orders": list(ORDERS)[:9],
    "trades": list(FILLS)[:7],
    "positions": list(POSITIONS)[:5],
    "equity": ["ts_utc", "equity", "drawdown"],
}
"""Columns of the CSV exports whose schema is fixed; Parquet files hold all columns."""


@dataclass(frozen=True, slots=True)
class RunTables:
    """What a run did.

    Attributes:
        trades: executions (fills); the name is that of the export.
        positions: open positions after the last bar of each UTC day, and of every book at the
            end; average price by first in, first out.
        equity: after every bar; `drawdown` is the fraction below the latest peak, 0 or more.
        equity_curve: the last equity of each UTC day, with return and drawdown of the days.
        refusals: the first rule that said no, for every decision that was refused.
        financing: what positions have cost, or brought, for being held.
        risk_factor: changes of what entries were multiplied by, with the reasons.
        books: of a portfolio, the equity of each strategy's book after every bar
            (`evaluation.book_tables`).
    """

    orders: pl.DataFrame
    trades: pl.DataFrame
    filled_orders: pl.DataFrame
    round_trips: pl.DataFrame
    positions: pl.DataFrame
    equity: pl.DataFrame
    equity_curve: pl.DataFrame
    refusals: pl.DataFrame
    financing: pl.DataFrame
    risk_factor: pl.DataFrame
    books: pl.DataFrame | None = None

    def files(self) -> dict[str, bytes]:
        """Give every table as CSV (fixed schemas) and as Parquet (all columns)."""
        files: dict[str, bytes] = {}
        for field in fields(self):
            frame: pl.DataFrame | None = getattr(self, field.name)
            if frame is None:
                continue
            exported = frame.select(EXPORTED.get(field.name, frame.columns))
            text = exported.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ")
            files[f"{field.name}.csv"] = text.encode()
            files[f"{field.name}.parquet"] = _parquet(frame)
        return files


def run_tables(
    *,
    tags: Sequence[str],
    instruments: Sequence[Instrument],
    bars: BarMatrix,
    opening_equity: float,
    equity: NDArray[np.float64],
    orders: Records,
    fills: Records,
    round_trips: Records,
    refusals: Sequence[Refusal],
    financing: Records,
    factors: Records,
) -> RunTables:
    """Turn logs into tables.

    Args:
        tags: names of the strategies, as in order ids, in the order of their indices.
        instruments: in the order of the symbol indices.
        bars: what the run saw.
        opening_equity: before the first bar, in quote.
        equity: float64 (T,), after each bar of `bars`, in quote.
        orders: `records.results.CLOSED_ORDER`, all orders of the run.
        fills: `records.results.FILL`.
        round_trips: `records.results.ROUND_TRIP`.
        refusals: in the order of their bars.
        financing: `records.results.FINANCING`.
        factors: `records.results.FACTOR`.
    """
    ids = {
        int(o["id"]): client_order_id(
            ACCOUNT,
            tags[o["tag"]],
            instruments[o["symbol"]].symbol,
            int(o["bar_ts"]),
            int(o["leg"]),
            0,
        )
        for o in orders
    }
    trades = _trades(fills, instruments, ids, tags)
    marked = _equity(bars.ts, equity, opening_equity)
    return RunTables(
        orders=_orders(orders, instruments, ids, tags),
        trades=trades,
        filled_orders=_filled_orders(trades, orders, ids),
        round_trips=_round_trips(round_trips, instruments, ids, tags),
        positions=position_table(fills, bars, instruments, tags),
        equity=marked,
        equity_curve=daily_equity(marked, opening_equity),
        refusals=refusal_table(refusals, instruments, tags),
        financing=financing_table(financing, instruments, tags),
        risk_factor=factor_table(factors, instruments, tags),
    )


def daily_equity(equity: pl.DataFrame, opening_equity: float) -> pl.DataFrame:
    """Give the last equity of each UTC day with the day's return and the days' drawdown.

    Args:
        equity: `ts_utc` and `equity`, ascending.
        opening_equity: before the first row; the first return is measured from it.
    """
    days = equity.group_by(pl.col("ts_utc").dt.date().alias("day"), maintain_order=True).agg(
        pl.col("equity").last()
    )
    curve = np.concatenate(([opening_equity], days["equity"].to_numpy()))
    return days.select(
        ts_utc=pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        equity="equity",
        return_pct=pl.Series(np.diff(curve) / curve[:-1] * 100),
        drawdown=pl.Series(0.0 - drawdown_series(curve)[1:]),
    )


def _orders(
    orders: Records, instruments: Sequence[Instrument], ids: Mapping[int, str], tags: Sequence[str]
) -> pl.DataFrame:
    rows = []
    for o in orders:
        instrument = instruments[o["symbol"]]
        closed = int(o["closed_ts"])
        rows.append(
            {
                "ts_utc": int(o["bar_ts"]),
                "strategy": tags[o["tag"]],
                "symbol": instrument.symbol,
                "side": OrderSide(int(o["side"])).name,
                "type": OrderType(int(o["type"])).name,
                "qty": instrument.quantity_from_lots(int(o["lots"])),
                "limit_price": _price(instrument, int(o["limit_ticks"])),
                "client_order_id": ids[int(o["id"])],
                "state": OrderState(int(o["state"])).status.value,
                "stop_price": _price(instrument, int(o["stop_ticks"])),
                "filled_qty": instrument.quantity_from_lots(int(o["filled"])),
                "leg": Leg(int(o["leg"])).name.lower(),
                "cause": Cause(int(o["cause"])).name.lower() if closed else None,
                "closed_ts_utc": closed or None,
            }
        )
    return frame_of(rows, ORDERS).sort("ts_utc", maintain_order=True)


def _trades(
    fills: Records, instruments: Sequence[Instrument], ids: Mapping[int, str], tags: Sequence[str]
) -> pl.DataFrame:
    rows = []
    for f in fills:
        instrument = instruments[f["symbol"]]
        fee = int(f["fee"]) / 1e8
        rows.append(
            {
                "ts_utc": int(f["ts"]),
                "client_order_id": ids[int(f["order_id"])],
                "symbol": instrument.symbol,
                "price": float(f["price"]),
                "qty": decimal_from_units(int(f["units"])),
                "fee": decimal_from_units(int(f["fee"])),
                "fee_ccy": instrument.base if f["fee_in_base"] else instrument.quote,
                "side": OrderSide(int(f["side"])).name,
                "notional": decimal_from_units(int(f["notional"])),
                "maker": bool(f["maker"]),
                "reason": Leg(int(f["leg"])).reason,
                "bar_ts_utc": int(f["bar_ts"]),
                "position": instrument.quantity_from_lots(int(f["position"])),
                "fee_quote": fee * float(f["price"]) if f["fee_in_base"] else fee,
                "strategy": tags[f["tag"]],
                **_slippage(f, instrument),
            }
        )
    return frame_of(rows, FILLS)


def _slippage(fill: Record, instrument: Instrument) -> dict[str, float | Decimal | None]:
    """Give the price that a fill touched and what it paid beyond it, to the unit."""
    touched = float(fill["touched"])
    if math.isnan(touched):
        return {"touched_price": None, "slippage": None}
    value = round(int(fill["units"]) * touched * float(instrument.point_value))
    beyond = int(fill["side"]) * (int(fill["notional"]) - value)
    return {"touched_price": touched, "slippage": decimal_from_units(beyond)}


def _filled_orders(trades: pl.DataFrame, orders: Records, ids: Mapping[int, str]) -> pl.DataFrame:
    types = {ids[int(o["id"])]: OrderType(int(o["type"])).name for o in orders}
    notional, qty = pl.col("notional").sum(), pl.col("qty").sum()
    return (
        trades.group_by("client_order_id", maintain_order=True)
        .agg(
            pl.col("ts_utc", "symbol", "side", "fee_ccy", "reason", "strategy").first(),
            qty=qty,
            avg_price=notional.cast(pl.Float64) / qty.cast(pl.Float64),
            notional=notional,
            fee=pl.col("fee").sum(),
            n_fills=pl.len().cast(pl.Int64),
        )
        .with_columns(
            type=pl.col("client_order_id").replace_strict(types, return_dtype=pl.String)
            if types
            else pl.lit(None, dtype=pl.String)
        )
        .select(pl.col(name).cast(dtype) for name, dtype in FILLED_ORDERS.items())
    )


def _round_trips(
    trips: Records, instruments: Sequence[Instrument], ids: Mapping[int, str], tags: Sequence[str]
) -> pl.DataFrame:
    rows = []
    for t in trips:
        cost, pnl = int(t["cost"]), int(t["pnl"])
        rows.append(
            {
                "entry_ts_utc": int(t["entry_ts"]),
                "exit_ts_utc": int(t["exit_ts"]),
                "symbol": instruments[t["symbol"]].symbol,
                "side": "LONG" if t["side"] > 0 else "SHORT",
                "qty": decimal_from_units(int(t["units"])),
                "entry_price": float(t["entry_price"]),
                "exit_price": float(t["exit_price"]),
                "notional": decimal_from_units(cost),
                "fees": decimal_from_units(int(t["fees"])),
                "pnl": decimal_from_units(pnl),
                "return_pct": pnl / cost * 100 if cost else None,
                "exit_reason": Leg(int(t["leg"])).reason,
                "entry_client_order_id": ids[int(t["entry_order_id"])],
                "exit_client_order_id": ids[int(t["exit_order_id"])],
                "strategy": tags[t["tag"]],
            }
        )
    return frame_of(rows, ROUND_TRIPS)


def _equity(
    ts: NDArray[np.int64], equity: NDArray[np.float64], opening_equity: float
) -> pl.DataFrame:
    curve = np.concatenate(([opening_equity], equity))
    return pl.DataFrame(
        {"ts_utc": ts, "equity": equity, "drawdown": 0.0 - drawdown_series(curve)[1:]}
    ).with_columns(pl.col("ts_utc").cast(TS))


def _price(instrument: Instrument, ticks: int) -> Decimal | None:
    return None if ticks == NO_PRICE else instrument.price_from_ticks(ticks)


def _parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd", statistics=True)
    return buffer.getvalue()
