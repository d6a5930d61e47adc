"""Metrics of a trial: those of a single run that need no tables, by the same definitions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from trading_assets.engine.ledger import Ledger
from trading_assets.evaluation import metrics as m
from trading_assets.evaluation.metrics import daily_returns
from trading_assets.evaluation.performance import annual_periods, return_metrics


def trial_metrics(
    machine: Ledger, daily: NDArray[np.float64], opening: float
) -> Mapping[str, float | int | None]:
    """Give `plan.NAMES` of a finished run.

    Args:
        machine: after its last bar.
        daily: equity at the end of each UTC day with bars.
        opening: equity before the first bar, in quote.
    """
    final = machine.equity
    returns = daily_returns(daily, opening)
    per_year = annual_periods(machine.setup.instruments)
    pnl = machine.round_trips["pnl"] / 1e8
    return {
        **return_metrics(returns, final, opening, per_year),
        "max_drawdown_pct": machine.max_drawdown * 100.0,
        "num_days": len(daily),
        "num_fills": len(machine.fills),
        "num_trades": len(pnl),
        "win_rate": m.win_rate(pnl),
        "avg_trade": m.mean_or_none(pnl),
        "profit_factor": m.profit_factor(pnl),
        "fees": float(machine.fees),
    }
