"""The metrics of a run, whole and out of sample, from its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import polars as pl

from trading_assets.domain.ids import Micros
from trading_assets.domain.instrument import Instrument
from trading_assets.evaluation import metrics as m
from trading_assets.evaluation.run_tables import RunTables, daily_equity
from trading_assets.market.bar_frame import instant
from trading_assets.market.sessions import ALWAYS_OPEN

Metrics = Mapping[str, float | int | None]


def performance(
    tables: RunTables,
    *,
    opening_equity: float,
    final_cash: float,
    oos_start: Micros | None,
    periods_per_year: float = m.CRYPTO_DAYS_PER_YEAR,
) -> dict[str, Any]:
    """Give `metrics.json`: the whole run under `all`, its out-of-sample part under `oos`.

    Ratios are of daily returns (last equity of each UTC day; the first day against the opening
    equity). The out-of-sample part starts with the equity before its first bar and counts the
    round trips that were entered in it. Percentages are in percent, drawdowns are positive,
    amounts in the quote asset, None is "not defined".

    Args:
        tables: of the run.
        opening_equity: before the first bar.
        final_cash: free quote after the last bar.
        oos_start: first instant out of sample; None when nothing is.
        periods_per_year: of daily returns.
    """
    whole = metrics_of(tables, opening_equity, periods_per_year)
    whole["final_cash"] = final_cash
    result: dict[str, Any] = {
        "all": whole,
        "oos": None,
        "oos_start_us": oos_start,
        "periods_per_year": periods_per_year,
    }
    if oos_start is not None:
        before = tables.equity.filter(pl.col("ts_utc") < instant(oos_start))
        opening = before["equity"][-1] if before.height else opening_equity
        result["oos"] = metrics_of(_since(tables, oos_start), opening, periods_per_year)
    return result


def net_return_pct(equity: pl.DataFrame, start: Micros, end: Micros) -> float | None:
    """Give the net return of an equity table over [start, end), in percent.

    From the last mark before `start` (the first mark inside, when there is none before) to the
    last one before `end`; None without a mark inside.
    """
    inside = equity.filter((pl.col("ts_utc") >= instant(start)) & (pl.col("ts_utc") < instant(end)))
    if inside.is_empty():
        return None
    before = equity.filter(pl.col("ts_utc") < instant(start))
    base = float(before["equity"][-1] if before.height else inside["equity"][0])
    return (float(inside["equity"][-1]) / base - 1.0) * 100.0


def _since(tables: RunTables, start: Micros) -> RunTables:
    def cut(frame: pl.DataFrame, column: str) -> pl.DataFrame:
        return frame.filter(pl.col(column) >= instant(start))

    return RunTables(
        orders=cut(tables.orders, "ts_utc"),
        trades=cut(tables.trades, "ts_utc"),
        filled_orders=cut(tables.filled_orders, "ts_utc"),
        round_trips=cut(tables.round_trips, "entry_ts_utc"),
        positions=cut(tables.positions, "ts_utc"),
        equity=cut(tables.equity, "ts_utc"),
        equity_curve=cut(tables.equity_curve, "ts_utc"),
        refusals=cut(tables.refusals, "ts_utc"),
        financing=cut(tables.financing, "ts_utc"),
        risk_factor=cut(tables.risk_factor, "ts_utc"),
        books=None if tables.books is None else cut(tables.books, "ts_utc"),
    )


def metrics_of(
    tables: RunTables, opening: float, periods_per_year: float
) -> dict[str, float | int | None]:
    """Give the metrics of tables whose equity was `opening` before their first bar."""
    equity = tables.equity["equity"].to_numpy()
    final = float(equity[-1]) if equity.size else opening
    days = daily_equity(tables.equity, opening)
    returns = days["return_pct"].to_numpy() / 100.0
    marks = np.concatenate(([opening], equity))
    return {
        "initial_cash": opening,
        **return_metrics(returns, final, opening, periods_per_year),
        "max_drawdown_pct": -float(m.drawdown_series(marks).min()) * 100.0 + 0.0,
        "max_drawdown_days": m.longest_drawdown([opening, *days["equity"]]),
        "num_days": days.height,
        "num_orders": tables.orders.height,
        "num_fills": tables.trades.height,
        **_trade_metrics(tables.round_trips),
        **_cost_metrics(tables, equity),
    }


def return_metrics(
    returns: np.ndarray, final: float, opening: float, periods_per_year: float
) -> dict[str, float | int | None]:
    """Give what follows from equity at both ends, in quote, and the daily returns between."""
    found = m.performance_metrics(returns, periods_per_year)
    growth, volatility = found["annual_return"], found["annual_volatility"]
    return {
        "final_equity": final,
        "net_pnl": final - opening,
        "net_return_pct": (final / opening - 1.0) * 100.0,
        "cagr_pct": None if growth is None else growth * 100.0,
        "volatility_pct": None if volatility is None else volatility * 100.0,
        **{name: found[name] for name in ("sharpe", "sortino", "calmar")},
    }


def annual_periods(instruments: Iterable[Instrument]) -> int:
    """Give the daily periods of a year: 365 if any market never closes."""
    open_always = any(instrument.calendar == ALWAYS_OPEN for instrument in instruments)
    return m.CRYPTO_DAYS_PER_YEAR if open_always else m.SESSION_DAYS_PER_YEAR


def _trade_metrics(round_trips: pl.DataFrame) -> dict[str, float | int | None]:
    pnl = round_trips["pnl"].cast(pl.Float64).to_numpy()
    held = (round_trips["exit_ts_utc"] - round_trips["entry_ts_utc"]).dt.total_seconds() / 60
    return {
        "num_trades": round_trips.height,
        "win_rate": m.win_rate(pnl),
        "avg_trade": m.mean_or_none(pnl),
        "avg_win": m.mean_or_none(pnl[pnl > 0]),
        "avg_loss": m.mean_or_none(pnl[pnl < 0]),
        "payoff_ratio": m.payoff_ratio(pnl),
        "profit_factor": m.profit_factor(pnl),
        "avg_holding_minutes": m.mean_or_none(held.to_numpy()),
    }


def _cost_metrics(tables: RunTables, equity: np.ndarray) -> dict[str, float | int | None]:
    """Give turnover and costs; fees in base are valued at the price of their fill."""
    trades = tables.trades.with_columns(pl.col("notional").cast(pl.Float64))
    traded, fees = float(trades["notional"].sum()), float(trades["fee_quote"].sum())
    mean_equity = float(equity.mean()) if equity.size else None
    return {
        "traded_notional": traded,
        "turnover": traded / mean_equity if mean_equity else None,
        "fees": fees,
        "fees_pct": fees / traded * 100.0 if traded else None,
        "slippage_cost": _slippage_cost(trades),
        "financing": float(tables.financing["amount"].sum() or 0),
    }


def _slippage_cost(trades: pl.DataFrame) -> float | None:
    """Give what takers paid beyond the prices that they touched; None if one is not known."""
    if trades["slippage"].null_count():
        return None
    return float(trades["slippage"].sum() or 0)
