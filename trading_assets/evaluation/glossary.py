"""What every metric of a run means: its name for people, unit, definition and source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["quote", "%", "", "count", "days", "min", "share"]


@dataclass(frozen=True, slots=True)
class Term:
    """One metric.

    Attributes:
        label: for people.
        unit: `quote` is the account's asset, `share` a fraction of 1, `` a ratio without a unit.
        meaning: definition, with its source where a person or a library gave it its name.
    """

    label: str
    unit: Unit
    meaning: str


GLOSSARY: dict[str, Term] = {
    "initial_cash": Term("Opening equity", "quote", "Equity before the first bar."),
    "final_equity": Term("Final equity", "quote", "Cash and positions at the last close."),
    "final_cash": Term("Final cash", "quote", "Free quote after the last bar."),
    "net_pnl": Term("Net PnL", "quote", "Final less opening equity; after all costs."),
    "net_return_pct": Term("Net return", "%", "Net PnL over opening equity."),
    "cagr_pct": Term(
        "CAGR", "%", "(1 + return)^(periods per year / days) - 1. Source: empyrical annual_return."
    ),
    "volatility_pct": Term(
        "Volatility", "%", "Sample deviation of daily returns, annualised by the square root."
    ),
    "sharpe": Term(
        "Sharpe", "", "Mean over deviation of daily returns, annualised; no risk-free rate. "
        "Source: W. F. Sharpe 1994."
    ),
    "sortino": Term(
        "Sortino", "", "Mean daily return over the root mean square of the negative ones, over all "
        "days, annualised. Source: F. Sortino and R. van der Meer 1991."
    ),
    "calmar": Term("Calmar", "", "CAGR over the maximum drawdown. Source: T. W. Young 1991."),
    "max_drawdown_pct": Term(
        "Max drawdown", "%", "Deepest fall of equity below an earlier peak, over all bars."
    ),
    "max_drawdown_days": Term(
        "Longest drawdown", "days", "Most consecutive days that ended below an earlier peak."
    ),
    "num_days": Term("Days", "count", "UTC days with a bar."),
    "num_orders": Term("Orders", "count", "All orders, those that never filled included."),
    "num_fills": Term("Fills", "count", "Executions."),
    "num_trades": Term("Trades", "count", "Round trips, matched first in, first out."),
    "win_rate": Term("Win rate", "share", "Round trips with a net profit, of all (hit rate)."),
    "avg_trade": Term("Average trade", "quote", "Mean net PnL of a round trip."),
    "avg_win": Term("Average win", "quote", "Mean net PnL of those that gained."),
    "avg_loss": Term("Average loss", "quote", "Mean net PnL of those that lost."),
    "payoff_ratio": Term("Payoff ratio", "", "Average win over average loss."),
    "profit_factor": Term("Profit factor", "", "Sum of gains over sum of losses."),
    "avg_holding_minutes": Term("Average holding", "min", "From the entry's bar to the exit's."),
    "traded_notional": Term("Traded", "quote", "Notional of all fills, both sides."),
    "turnover": Term("Turnover", "", "Traded notional over mean equity, of the whole run."),
    "fees": Term("Fees", "quote", "Explicit costs; those in base at the price of their fill."),
    "fees_pct": Term("Fees of traded", "%", "Fees over traded notional."),
    "slippage_cost": Term(
        "Slippage", "quote", "Implicit costs: what fills paid beyond the prices that they touched, "
        "by slippage, spread and impact. Net PnL and all costs are the PnL at those prices."
    ),
    "financing": Term("Financing", "quote", "Swaps and borrow fees paid for holding positions."),
}  # fmt: skip
"""By the names of `evaluation.performance`, in the order in which people read them."""


def metric_text(name: str, value: float | int | None, quote: str) -> str:
    """Write a metric with its unit, `-` for one that is not defined."""
    if value is None:
        return "-"
    written = {
        "count": f"{value:,.0f}",
        "days": f"{value:,.0f} d",
        "min": duration_text(float(value)),
        "share": f"{value:.1%}",
        "quote": f"{value:,.2f} {quote}",
        "%": f"{value:,.2f} %",
        "": f"{value:,.2f}",
    }
    return written[GLOSSARY[name].unit]


def duration_text(minutes: float) -> str:
    """Write minutes as people say them: `45 min`, `3.2 h`, `2.1 d`."""
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 2880 else f"{minutes / 1440:.1f} d"
