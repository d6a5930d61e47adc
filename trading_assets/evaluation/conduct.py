"""How a release conducts itself while it trades: the stage before real money, and what demotes.

Two weeks cannot prove a Sharpe ratio, so nothing here asks for a profit. The question is whether
what is seen is what was predicted: the returns lie in the band of the backtest, the fills are those
of its rules, and each day can be decided again to the bit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.gates import Returns, RuleResult
from trading_assets.evaluation.predicted_band import against_band

_WORST_DAYS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class ConductTerms:
    """What is asked of a release that trades; `docs/gate.md` argues each default.

    Attributes:
        probation_days, probation_entries: whole days and filled entries before it may go on.
        probation_days_alone: so many days will do, however few the entries.
        min_exact_share: share of the days that can be decided again to the bit.
        slippage_confidence: one-sided, of fills being dearer than the rules make them.
        band_quantile: of the predicted compound return; what is below it was not predicted.
        max_drawdown_ratio: of the live drawdown to the backtest's.
        exact_days, max_inexact_days: how many of the latest days may be inexact.
        min_budget: share of the error budget that has to be left.
        bootstrap_draws, seed: of the predicted band.
    """

    probation_days: int
    probation_entries: int
    probation_days_alone: int
    min_exact_share: float
    slippage_confidence: float
    band_quantile: float
    max_drawdown_ratio: float
    exact_days: int
    max_inexact_days: int
    min_budget: float
    bootstrap_draws: int
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Conduct:
    """What a book's journal says of the release that it trades.

    Attributes:
        returns: daily, of whole UTC days on which it alone traded.
        entries: entry orders that were filled, since it was taken.
        drawdown_pct: largest since it was taken, at the closes of bars, in percent; None without.
        exact: whether a day's decisions came out the same again, ascending; None where not known.
        slippage_bps: float64 (N,), by how much each order's price was worse than the rules make it.
        halts: why entries were halted since it was taken.
        budget: share of the error budget that is left; None where it cannot be said.
        predicted: daily returns of its backtest out of sample; None when that run is gone.
        predicted_drawdown_pct: largest of the whole backtest, in percent.
        evidence: files that the prediction was read from.
    """

    returns: Returns
    entries: int
    drawdown_pct: float | None
    exact: Mapping[str, bool | None]
    slippage_bps: NDArray[np.float64]
    halts: tuple[str, ...]
    budget: float | None
    predicted: Returns | None
    predicted_drawdown_pct: float | None
    evidence: tuple[str, ...] = ()


def rules_of_probation(conduct: Conduct, terms: ConductTerms) -> tuple[RuleResult, ...]:
    """Judge whether a release has proven itself with play money; what is not known holds it."""
    return (
        _lived(conduct, terms),
        _exact_share(conduct, terms),
        _slippage(conduct, terms),
        _no_halt(conduct),
        _budget(conduct, 0.0, "within_budget"),
        *_predicted(conduct, terms),
    )


def rules_of_demotion(conduct: Conduct, terms: ConductTerms) -> tuple[RuleResult, ...]:
    """Judge whether a release may go on; only a rule that fails takes a book back."""
    return (
        *_predicted(conduct, terms),
        _exact_lately(conduct, terms),
        _budget(conduct, terms.min_budget, "budget_left"),
    )


def _predicted(conduct: Conduct, terms: ConductTerms) -> tuple[RuleResult, ...]:
    return _within_band(conduct, terms), _drawdown(conduct, terms)


def _lived(conduct: Conduct, terms: ConductTerms) -> RuleResult:
    days, entries = len(conduct.returns.days), conduct.entries
    enough = days >= terms.probation_days and entries >= terms.probation_entries
    return _row(
        "lived_long_enough",
        {"days": days, "entries": entries},
        {
            "days": terms.probation_days,
            "entries": terms.probation_entries,
            "or days alone": terms.probation_days_alone,
        },
        enough or days >= terms.probation_days_alone,
        "Whole days and filled entries since the book has taken the release.",
    )


def _exact_share(conduct: Conduct, terms: ConductTerms) -> RuleResult:
    known = [is_exact for is_exact in conduct.exact.values() if is_exact is not None]
    unknown = len(conduct.exact) - len(known)
    share = sum(known) / len(conduct.exact) if conduct.exact else None
    passed = None
    if share is not None:
        best = share + unknown / len(conduct.exact)
        passed = share >= terms.min_exact_share or (
            None if best >= terms.min_exact_share else False
        )
    return _row(
        "parity_exact",
        {"days": len(conduct.exact), "exact": sum(known), "unknown": unknown},
        {"share at least": terms.min_exact_share},
        passed,
        _inexact(conduct.exact),
    )


def _exact_lately(conduct: Conduct, terms: ConductTerms) -> RuleResult:
    latest = dict(sorted(conduct.exact.items())[-terms.exact_days :])
    wrong = sum(is_exact is False for is_exact in latest.values())
    passed = wrong <= terms.max_inexact_days
    return _row(
        "exact_lately",
        {"days": len(latest), "inexact": wrong},
        {"inexact at most": terms.max_inexact_days, "of the latest days": terms.exact_days},
        None if passed and any(is_exact is None for is_exact in latest.values()) else passed,
        _inexact(latest),
    )


def _inexact(exact: Mapping[str, bool | None]) -> str:
    wrong = [day for day, is_exact in sorted(exact.items()) if is_exact is False]
    said = f"Not decided again to the bit: {', '.join(wrong[-_WORST_DAYS_SHOWN:])}."
    return said if wrong else ""


def _slippage(conduct: Conduct, terms: ConductTerms) -> RuleResult:
    """The rules already make fills dear; fills that are surely dearer still were not modelled."""
    bps = conduct.slippage_bps
    value: dict[str, Any] = {"orders": len(bps)}
    passed = None
    if len(bps) > 1:
        error = float(bps.std(ddof=1)) / math.sqrt(len(bps))
        lowest = float(bps.mean()) - NormalDist().inv_cdf(terms.slippage_confidence) * error
        value |= {"mean_bps": float(bps.mean()), "at_least_bps": lowest}
        passed = lowest <= 0.0
    return _row(
        "fills_as_modelled",
        value,
        {"at_least_bps at most": 0.0, "confidence": terms.slippage_confidence},
        passed,
        "" if passed else "Prices beside those of the spec's costs; above zero is dearer.",
    )


def _no_halt(conduct: Conduct) -> RuleResult:
    return _row(
        "never_halted",
        len(conduct.halts),
        0,
        not conduct.halts,
        "; ".join(conduct.halts)[:500],
    )


def _budget(conduct: Conduct, least: float, rule: str) -> RuleResult:
    return _row(
        rule,
        conduct.budget,
        {"share left at least": least},
        None if conduct.budget is None else conduct.budget >= least,
        "Of the 30 days' error budget of bars handled in time.",
    )


def _within_band(conduct: Conduct, terms: ConductTerms) -> RuleResult:
    """Compare with as many of the backtest's days as were lived."""
    days, note = len(conduct.returns.days), ""
    value: dict[str, Any] | None = None
    passed = None
    if not days:
        note = "No whole day has passed since the book has taken the release."
    elif conduct.predicted is None:
        note = "The run that the release was promoted by is not here any more."
    else:
        try:
            value, passed = against_band(
                float(np.prod(1.0 + conduct.returns.values)) - 1.0,
                days,
                conduct.predicted,
                quantile=terms.band_quantile,
                draws=terms.bootstrap_draws,
                seed=terms.seed,
            )
        except DataError as error:  # a backtest of a few days predicts nothing
            note = str(error)
    return _row(
        "within_band",
        value,
        {"quantile": terms.band_quantile},
        passed,
        note,
        conduct.evidence,
    )


def _drawdown(conduct: Conduct, terms: ConductTerms) -> RuleResult:
    seen, predicted = conduct.drawdown_pct, conduct.predicted_drawdown_pct
    passed = None
    if seen is not None and predicted is not None:
        passed = seen <= terms.max_drawdown_ratio * predicted
    return _row(
        "drawdown_as_predicted",
        {"live_pct": seen, "backtest_pct": predicted},
        {"ratio at most": terms.max_drawdown_ratio},
        passed,
        "",
        conduct.evidence,
    )


def _row(
    rule: str,
    value: Any,
    threshold: Any,
    passed: bool | None,
    note: str,
    evidence: tuple[str, ...] = (),
) -> RuleResult:
    return RuleResult(
        rule, value, threshold, passed, "hold", "performance", "probation", evidence, note=note
    )
