"""Examine a candidate: dearer trading, later orders, more capital, parameters a little away.

All of it runs on the very inputs of the candidate's own run. What comes of it is stored beside
the runs, once for the same run and settings; the gate reads it from there.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, canonical_json, content_hash
from trading_assets.evaluation.daily_returns import returns_since
from trading_assets.evaluation.gates import Returns
from trading_assets.market.bar_frame import TS
from trading_assets.storage import parquet_files
from trading_assets.storage.examination_store import DOCUMENT, RETURNS, StoredExamination
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.run_plan import RunPlan, plan_any
from trading_assets.workflows.simulate_run import LaidOut, lay_out, play
from trading_assets.workflows.trial_ledger import (
    TrialCount,
    family_of,
    returns_of,
    trials_of_family,
)

if TYPE_CHECKING:
    from trading_assets.backtest.run_log import RunLog
    from trading_assets.engine.signals import BarMatrix, SignalMatrix

BUY_AND_HOLD = "buy_and_hold"
TRIAL = "trial:"
"""Columns of `returns.parquet`: the second is a prefix."""

_PERCENTILE = 95


def examine_run(
    desk: Desk,
    spec: AnySpec,
    run: StoredRun,
    *,
    report: Callable[[str], None] = lambda _: None,
) -> StoredExamination:
    """Examine a current run, or give the examination that stands.

    Args:
        desk: gives tables, stores and settings.
        spec: of the run.
        run: its inputs are the current ones.
        report: is told what is run next.

    Raises:
        CorruptFile: if an input is damaged.
    """
    trials = trials_of_family(desk.settings.data_root, family_of(spec))
    identity = examination_id(desk, run, trials)
    found = desk.examinations.find(spec.name, run.run_id, identity)
    if found is not None:
        return found
    plan = plan_any(desk, spec)
    laid = lay_out(desk, plan)
    judge = _Judge(desk, run)
    document = {
        "schema": 1,
        "spec": spec.name,
        "spec_hash": run.manifest["spec_hash"],
        "run_id": run.run_id,
        "settings": desk.settings.examination.model_dump(mode="json"),
        "code": _code(),
        **_under_costs(desk, plan, laid, judge, report),
        "neighbours": _neighbours(desk, plan, judge, report),
    }
    benchmark = _buy_and_hold(laid.bars, judge.start, judge.per_year)
    days = pl.Series(benchmark.days).cast(TS)
    series = {"day": days, BUY_AND_HOLD: benchmark.values, **_trials_on(desk, trials, benchmark)}
    table = pl.DataFrame(series)
    files = {
        DOCUMENT: canonical_json(document),
        RETURNS: parquet_files.encode(table, RETURNS),
    }
    return desk.examinations.publish(spec.name, run.run_id, identity, files)


def examination_id(desk: Desk, run: StoredRun, trials: TrialCount) -> str:
    """Give the identity of an examination: run, settings, code, and the family's trials."""
    settings = desk.settings.examination.model_dump(mode="json")
    tried = [[trial.trial_id, trial.key] for trial in trials.trials]
    return content_hash([run.run_id, run.result_hash, settings, _code(), tried])[:16]


def _trials_on(desk: Desk, trials: TrialCount, same: Returns) -> dict[str, Any]:
    """Give the daily returns of the family's trials on these days; nothing if they lack one."""
    kept = returns_of(desk.settings.data_root, trials.trials)
    if len(kept.trial_ids) < 2 or not np.isin(same.days, kept.days).all():
        return {}
    rows = np.searchsorted(kept.days, same.days)
    return {
        f"{TRIAL}{trial_id}": kept.returns[rows, column]
        for column, trial_id in enumerate(kept.trial_ids)
    }


class _Judge:
    """Turns logs of runs into figures out of sample."""

    def __init__(self, desk: Desk, run: StoredRun) -> None:
        self._desk = desk
        self.start: Micros = run.manifest["oos_start"]
        self.per_year: float = run.metrics["periods_per_year"]

    def sharpe(self, log: RunLog) -> float | None:
        """Give the Sharpe ratio per day, None where daily returns do not vary."""
        returns = returns_since(
            log.ts,
            log.equity,
            opening=log.opening_equity,
            start=self.start,
            per_year=self.per_year,
        )
        return None if returns.moments is None else returns.moments.sharpe

    def participation_pct(self, log: RunLog) -> float | None:
        """Give p95 of the fills' shares of their bars' volumes out of sample; None without one."""
        fills = log.fills[log.fills["ts"] >= self.start]
        if not len(fills):
            return None
        rows = np.searchsorted(log.ts, fills["ts"])
        volume = log.bars.volume[fills["symbol"], rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            shares = np.minimum(fills["units"] / 1e8 / volume, 1.0)
        if not np.isfinite(shares).all():
            return None
        return float(np.percentile(shares, _PERCENTILE)) * 100.0


def _under_costs(
    desk: Desk, plan: RunPlan, laid: LaidOut, judge: _Judge, report: Callable[[str], None]
) -> dict[str, Any]:
    """Run the same signals at other costs, later, and with more capital."""
    from trading_assets.backtest.variants import dearer, with_capital, with_impact

    settings, spec = desk.settings.examination, plan.spec
    fees, prices = Decimal(str(settings.costs_x)), Decimal(str(settings.slippage_x))
    impact = Decimal(str(settings.sqrt_impact))

    def played(variant: AnySpec, signals: SignalMatrix) -> RunLog:
        return play(desk, plan, variant, laid.bars, signals)

    report("dearer trading")
    costly = judge.sharpe(played(dearer(spec, fees=fees, prices=prices), laid.signals))
    report("orders a bar late")
    late = judge.sharpe(played(spec, _a_bar_later(laid.signals)))
    capacity = []
    for step in settings.capital_x:
        report(f"capital times {step:g}")
        times = Decimal(str(step))
        log = played(with_impact(with_capital(spec, times), impact), laid.signals)
        capacity.append(
            {
                "amount": float(spec.cash * times),
                "sharpe": judge.sharpe(log),
                "participation_pct": judge.participation_pct(log),
            }
        )
    unimpaired = judge.sharpe(played(with_impact(spec, Decimal(0)), laid.signals))
    return {
        "stressed": {
            f"costs x{settings.costs_x:g} and slippage x{settings.slippage_x:g}": costly,
            "orders a bar late": late,
        },
        "capacity": capacity,
        "unimpaired": unimpaired,
    }


def _neighbours(
    desk: Desk, plan: RunPlan, judge: _Judge, report: Callable[[str], None]
) -> dict[str, float | None]:
    from trading_assets.backtest.variants import neighbours

    found: dict[str, float | None] = {}
    for name, spec in neighbours(plan.spec, desk.settings.examination.neighbour_pct / 100).items():
        if isinstance(spec, ConfigurationError):
            continue
        report(f"neighbour {name}")
        beside = plan_any(desk, spec)
        laid = lay_out(desk, beside)
        found[name] = judge.sharpe(play(desk, beside, spec, laid.bars, laid.signals))
    return found


def _a_bar_later(signals: SignalMatrix) -> SignalMatrix:
    """Give signals that are decided on one bar after they were."""
    from trading_assets.engine.signals import SignalMatrix as Matrix

    later = np.full_like(signals.values, np.nan)
    later[:, 1:] = signals.values[:, :-1]
    return Matrix(signals.family, later)


def _buy_and_hold(bars: BarMatrix, start: Micros, per_year: float) -> Returns:
    """Give the daily returns of equal amounts of all symbols, bought when the sample ends.

    Without costs, and each symbol from its first bar on: an alternative that is hard to beat.
    """
    before = max(int(np.searchsorted(bars.ts, start)) - 1, 0)
    worth = np.ones_like(bars.close)
    for row, prices in zip(worth, bars.close, strict=True):
        close = pl.Series(prices).fill_nan(None).forward_fill().to_numpy()
        bought = max(before, int(np.argmin(np.isnan(close))))
        row[bought:] = close[bought:] / close[bought]
    held = worth.mean(axis=0)
    return returns_since(bars.ts, held, opening=1.0, start=start, per_year=per_year)


def _code() -> str:
    return source_hash(
        "workflows/examine_run.py", "backtest/variants.py", "evaluation/daily_returns.py"
    )[:16]
