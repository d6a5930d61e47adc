"""Examine a candidate: dearer trading, later orders, more capital, parameters a little away.

All of it runs on the very inputs of the candidate's own run. What comes of it is stored beside
the runs, once for the same run and settings; the gate reads it from there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from trading_assets.declarations.sections import Examination as ExaminationSettings
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros, canonical_json, content_hash
from trading_assets.evaluation.daily_returns import returns_since
from trading_assets.evaluation.gates import Returns
from trading_assets.evaluation.position_table import latest_closes
from trading_assets.market.bar_frame import TS
from trading_assets.storage import parquet_files
from trading_assets.storage.examination_store import DOCUMENT, RETURNS, StoredExamination
from trading_assets.storage.run_store import StoredRun
from trading_assets.strategies.portfolio_spec import AnySpec
from trading_assets.workflows.code_hash import source_hash
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.enter_trials import enter_run
from trading_assets.workflows.run_plan import RunPlan, plan_any, plan_variant
from trading_assets.workflows.simulate_run import LaidOut, lay_out, play
from trading_assets.workflows.trial_ledger import (
    KnownTrial,
    ReturnsMatrix,
    family_of,
    returns_of,
    trials_of_family,
)

if TYPE_CHECKING:
    from trading_assets.backtest.result import BacktestResult
    from trading_assets.backtest.run_log import RunLog
    from trading_assets.engine.signals import SignalMatrix

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
        LedgerBroken: if the ledger of trials is.
    """
    settings, root = desk.settings, desk.settings.data_root
    trials = trials_of_family(root, family_of(spec)).trials
    identity = examination_id(run, settings.examination, trials)
    found = desk.examinations.find(spec.name, run.run_id, identity)
    if found is not None:
        return found

    def enter(result: BacktestResult, purpose: str) -> None:
        enter_run(settings, result, at=desk.clock.now(), purpose=purpose)

    examiner = Examiner(desk, plan_any(desk, spec), run, settings.examination, enter, report)
    files = examination_files(examiner, returns_of(root, trials))
    return desk.examinations.publish(spec.name, run.run_id, identity, files)


def examination_files(examiner: Examiner, tried: ReturnsMatrix) -> dict[str, bytes]:
    """Run all that an examination asks for; give its document and its table of daily returns.

    Args:
        examiner: of the run.
        tried: daily returns of the family's trials.
    """
    run, settings = examiner.run, examiner.settings
    document = {
        "schema": 1,
        "spec": run.spec,
        "spec_hash": run.manifest["spec_hash"],
        "run_id": run.run_id,
        "settings": settings.model_dump(mode="json"),
        "code": examination_code(),
        "unimpaired": examiner.unimpaired(),
        "stressed": examiner.stressed(),
        "capacity": examiner.capacity(),
        "neighbours": examiner.neighbours(),
    }
    held = examiner.buy_and_hold()
    days = pl.Series(held.days).cast(TS)
    table = pl.DataFrame({"day": days, BUY_AND_HOLD: held.values, **_trials_on(tried, held)})
    return {
        DOCUMENT: canonical_json(document),
        RETURNS: parquet_files.encode(table, RETURNS),
    }


def examination_id(
    run: StoredRun, settings: ExaminationSettings, trials: Iterable[KnownTrial]
) -> str:
    """Give the identity of an examination: run, settings, code, and the family's trials.

    Of these, it looks at daily returns: a trial without any, such as a reading of the months held
    out, changes nothing.
    """
    said = settings.model_dump(mode="json")
    tried = [[trial.trial_id, trial.key] for trial in trials if trial.periods]
    return content_hash([run.run_id, run.result_hash, said, examination_code(), tried])[:16]


def examination_code() -> str:
    """Identify the code that examinations are made by, beside the engine."""
    return source_hash(
        "workflows/examine_run.py", "backtest/variants.py", "evaluation/daily_returns.py"
    )[:16]


def _trials_on(kept: ReturnsMatrix, same: Returns) -> dict[str, Any]:
    """Give the daily returns of the family's trials on these days; nothing if they lack one."""
    if len(kept.trial_ids) < 2 or not np.isin(same.days, kept.days).all():
        return {}
    rows = np.searchsorted(kept.days, same.days)
    return {
        f"{TRIAL}{trial_id}": kept.returns[rows, column]
        for column, trial_id in enumerate(kept.trial_ids)
    }


class Examiner:
    """Runs variants of a spec on the inputs of its run.

    Args:
        desk: holds tables and calendars.
        plan: of the run.
        run: which one.
        settings: what is asked for.
        enter: is given each run and its purpose, `stress` or `neighbour`, for the ledger of trials.
        report: is told what is run next.
    """

    def __init__(
        self,
        desk: Desk,
        plan: RunPlan,
        run: StoredRun,
        settings: ExaminationSettings,
        enter: Callable[[BacktestResult, str], None],
        report: Callable[[str], None],
    ) -> None:
        self.run, self.settings = run, settings
        self._desk, self._plan, self._enter, self._report = desk, plan, enter, report
        self._laid = lay_out(desk, plan)
        self._start: Micros = run.manifest["oos_start"]
        self._per_year: float = run.metrics["periods_per_year"]

    def unimpaired(self) -> float | None:
        """Give the Sharpe ratio at the spec's own costs, without impact."""
        from trading_assets.backtest.variants import with_impact

        return self._sharpe(self._stress(with_impact(self._plan.spec, Decimal(0))))

    def stressed(self) -> dict[str, float | None]:
        """Give Sharpe ratios of dearer trading, and of orders that come a bar late."""
        from trading_assets.backtest.variants import dearer

        fees, prices = self.settings.costs_x, self.settings.slippage_x
        self._report("dearer trading")
        costly = dearer(self._plan.spec, fees=_exact(fees), prices=_exact(prices))
        late = _a_bar_later(self._laid.signals)
        return {
            f"costs x{fees:g} and slippage x{prices:g}": self._sharpe(self._stress(costly)),
            "orders a bar late": self._sharpe(self._stress(self._plan.spec, late)),
        }

    def capacity(self) -> list[dict[str, float | None]]:
        """Give the points of the capacity curve; none where a volume is not known."""
        from trading_assets.backtest.variants import with_capital, with_impact

        bars = self._laid.bars
        if np.isnan(bars.volume[~np.isnan(bars.close)]).any():
            return []
        points = []
        for times in self.settings.capital_x:
            self._report(f"capital times {times:g}")
            larger = with_capital(self._plan.spec, _exact(times))
            log = self._stress(with_impact(larger, _exact(self.settings.sqrt_impact)))
            points.append(
                {
                    "amount": float(larger.cash),
                    "sharpe": self._sharpe(log),
                    "participation_pct": self._participation_pct(log),
                }
            )
        return points

    def neighbours(self) -> dict[str, float | None]:
        """Give Sharpe ratios of specs with one parameter a little away, where they make a run."""
        from trading_assets.backtest.variants import neighbours

        found: dict[str, float | None] = {}
        share = self.settings.neighbour_pct / 100
        for name, spec in neighbours(self._plan.spec, share).items():
            if isinstance(spec, ConfigurationError):
                continue
            try:
                plan = plan_variant(self._plan, spec)
            except ConfigurationError:
                continue  # a price step that is not the instrument's, say
            self._report(f"neighbour {name}")
            laid = lay_out(self._desk, plan)
            found[name] = self._sharpe(self._played(plan, spec, laid, laid.signals, "neighbour"))
        return found

    def buy_and_hold(self) -> Returns:
        """Give the daily returns of equal amounts of all symbols, bought as the sample begins.

        Without costs, and each symbol from its first bar on: an alternative that is hard to beat.
        """
        bars = self._laid.bars
        before = max(int(np.searchsorted(bars.ts, self._start)) - 1, 0)
        worth = np.ones_like(bars.close)
        for row, close in zip(worth, latest_closes(bars.close), strict=True):
            bought = max(before, int(np.argmin(np.isnan(close))))
            row[bought:] = close[bought:] / close[bought]
        return self._returns(bars.ts, worth.mean(axis=0), 1.0)

    def _stress(self, spec: AnySpec, signals: SignalMatrix | None = None) -> RunLog:
        laid = self._laid
        return self._played(self._plan, spec, laid, signals or laid.signals, "stress")

    def _played(
        self, plan: RunPlan, spec: AnySpec, laid: LaidOut, signals: SignalMatrix, purpose: str
    ) -> RunLog:
        from trading_assets.backtest.result import BacktestResult

        log = play(self._desk, plan, spec, laid.bars, signals)
        self._enter(BacktestResult(spec, plan.strategy, log, lambda: plan.facts), purpose)
        return log

    def _returns(
        self, ts: NDArray[np.int64], equity: NDArray[np.float64], opening: float
    ) -> Returns:
        return returns_since(
            ts, equity, opening=opening, start=self._start, per_year=self._per_year
        )

    def _sharpe(self, log: RunLog) -> float | None:
        """Give the Sharpe ratio per day out of sample; None where equity never moved or is lost."""
        moments = self._returns(log.ts, log.equity, log.opening_equity).moments
        return None if moments is None else moments.sharpe

    def _participation_pct(self, log: RunLog) -> float | None:
        """Give p95 of the fills' shares of their bars' volumes out of sample; None without one."""
        fills = log.fills[log.fills["ts"] >= self._start]
        if not len(fills):
            return None
        rows = np.searchsorted(log.ts, fills["ts"])
        volume = log.bars.volume[fills["symbol"], rows]
        with np.errstate(divide="ignore"):
            shares = np.minimum(fills["units"] / 1e8 / volume, 1.0)
        return float(np.percentile(shares, _PERCENTILE)) * 100.0


def _a_bar_later(signals: SignalMatrix) -> SignalMatrix:
    """Give signals that are decided on one bar after they were."""
    later = np.full_like(signals.values, np.nan)
    later[:, 1:] = signals.values[:, :-1]
    return replace(signals, values=later)


def _exact(number: float) -> Decimal:
    return Decimal(str(number))
