"""Stage 1 of the gate: whether a result out of sample is more than luck and choice."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.cscv import cscv
from trading_assets.evaluation.gates import (
    RuleResult,
    RunEvidence,
    Thresholds,
    files_of,
    files_of_examination,
)
from trading_assets.evaluation.overfitting import deflated_sharpe_ratio
from trading_assets.evaluation.superior_ability import step_m, superior_predictive_ability


def rules_of_plausibility(candidate: RunEvidence, thresholds: Thresholds) -> tuple[RuleResult, ...]:
    """Judge by statistics that know how much was tried."""
    return (
        _net_of_costs(candidate, thresholds),
        _model_beats_baselines(candidate),
        _oos_months(candidate, thresholds),
        _deflated_sharpe(candidate, thresholds),
        _overfitting(candidate, thresholds),
        _superior_ability(candidate, thresholds),
        _neighbours(candidate, thresholds),
    )


def _net_of_costs(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    value = candidate.oos.get("net_return_pct")
    return RuleResult(
        "net_of_costs_oos",
        value,
        {"above": thresholds.min_net_return_pct},
        None if value is None else value > thresholds.min_net_return_pct,
        "reject",
        "performance",
        "plausible",
        files_of(candidate, "metrics.json"),
        note="Net return out of sample after fees and slippage, in percent of equity.",
    )


def _model_beats_baselines(candidate: RunEvidence) -> RuleResult:
    skill = dict(candidate.model_skill)
    return RuleResult(
        "model_beats_baselines",
        skill,
        "every pinned model, out of sample",
        all(skill.values()) if set(skill) >= set(candidate.models) else None,
        "hold",
        "performance",
        "plausible",
        note="" if candidate.models else "The strategy follows no model.",
    )


def _oos_months(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    """A fold is a calendar month: models are trained anew for each, on labels known before it."""
    months, least = candidate.returns.months, thresholds.min_oos_months
    return RuleResult(
        "oos_months",
        months,
        least,
        months >= least,
        "hold",
        "performance",
        "plausible",
        files_of(candidate, "equity.parquet"),
        note="" if months >= least else f"{months} months are too few seasons.",
    )


def _deflated_sharpe(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    trials, moments = candidate.trials, candidate.returns.moments
    found: float | None = None
    if moments is not None and trials is not None:
        variance = 0.0 if trials.count == 1 else trials.variance
        if variance is not None:
            found = deflated_sharpe_ratio(moments, trials=trials.count, trial_variance=variance)
    return RuleResult(
        "deflated_sharpe",
        {
            "deflated_sharpe": found,
            "trials": None if trials is None else trials.count,
            "trials_with_sharpe": None if trials is None else trials.known,
            "variance": None if trials is None else trials.variance,
            "ledger": None if trials is None else trials.head,
        },
        {"at least": thresholds.min_deflated_sharpe},
        None if found is None else found >= thresholds.min_deflated_sharpe,
        "hold",
        "performance",
        "plausible",
        files_of(candidate, "equity.parquet"),
        note=_why_not_deflated(candidate, found, thresholds),
    )


def _why_not_deflated(candidate: RunEvidence, found: float | None, thresholds: Thresholds) -> str:
    trials = candidate.trials
    if trials is None:
        return candidate.trials_unknown or "It is not known what was tried of this family."
    if found is None:
        return "The Sharpe ratios of the trials, or daily returns out of sample, are not known."
    if found >= thresholds.min_deflated_sharpe:
        return ""
    return (
        f"After {trials.count} trials of family {trials.family} the Sharpe ratio beats the best of "
        f"luck with a probability of {found:.1%} only."
    )


def _overfitting(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    trials, examined = candidate.trials, candidate.examination
    value: dict[str, float | int | None] = {"pbo": None, "variants": None}
    passed: bool | None = None
    note = "The candidate was not examined."
    if trials is not None and trials.count < thresholds.pbo_from_trials:
        passed, note = True, f"Asked for from {thresholds.pbo_from_trials} trials of a family on."
    elif examined is not None and examined.variants is None:
        note = "The daily returns of the family's trials were not kept: run its sweep again."
    elif examined is not None and examined.variants is not None:
        try:
            found = cscv(examined.variants, blocks=thresholds.pbo_blocks)
        except DataError as error:  # too few days, say: that is missing evidence, and why
            note = str(error)
        else:
            value = {
                "pbo": found.pbo,
                "variants": examined.variants.shape[1],
                "slope": found.slope,
                "loss_probability": found.loss_probability,
            }
            passed = found.pbo <= thresholds.max_pbo
            note = "" if passed else "What is best in sample is often below the median out of it."
    return RuleResult(
        "overfitting_probability",
        value,
        {"at most": thresholds.max_pbo, "blocks": thresholds.pbo_blocks},
        passed,
        "reject",
        "performance",
        "plausible",
        files_of_examination(candidate),
        note=note,
    )


def _superior_ability(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    """Hansen 2005 for the family, and for the candidate among its trials Romano and Wolf 2005."""
    found: dict[str, dict[str, Any]] = {}
    note = ""
    try:
        found = _against_benchmarks(candidate, thresholds)
    except DataError as error:  # too few days, say: that is missing evidence, and why
        note = str(error)
    as_good = [
        name
        for name, one in found.items()
        if one["p"] > thresholds.max_spa_p or not one["is_superior"]
    ]
    if as_good:
        note = f"{' and '.join(as_good)} may be as good."
    return RuleResult(
        "superior_ability",
        found or None,
        {"p at most": thresholds.max_spa_p, "is_superior": True},
        not as_good if found else None,
        "hold",
        "performance",
        "plausible",
        files_of_examination(candidate),
        note=note,
    )


def _of_equal_risk(
    benchmark: NDArray[np.float64], ours: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Give the returns of so much of the benchmark, at most all, that it swings as the candidate.

    Who risks a third of what the market does could have held a third of it: that is the choice.
    After F. Modigliani and L. Modigliani, Journal of Portfolio Management 23(2), 1997.
    """
    risk = float(benchmark.std(ddof=1))
    return benchmark * min(1.0, float(ours.std(ddof=1)) / risk) if risk > 0.0 else benchmark


def _against_benchmarks(
    candidate: RunEvidence, thresholds: Thresholds
) -> dict[str, dict[str, Any]]:
    """Give for each benchmark the family's p-value, and whether the candidate itself is better."""
    returns, examined = candidate.returns, candidate.examination
    if examined is None or returns.moments is None:
        return {}
    models = returns.values[:, None]
    if examined.variants is not None:
        models = np.hstack([models, examined.variants])
    draws, found = thresholds.bootstrap_draws, {}
    for name, whole in sorted(examined.benchmarks.items()):
        benchmark = _of_equal_risk(whole, returns.values)
        spa = superior_predictive_ability(
            models, benchmark, rng=np.random.default_rng(thresholds.seed), draws=draws
        )
        superior = step_m(
            models,
            benchmark,
            rng=np.random.default_rng(thresholds.seed),
            draws=draws,
            size=thresholds.max_spa_p,
        )
        found[name] = {"p": spa.consistent, "is_superior": 0 in superior}
    return found


def _neighbours(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    """A neighbour without a Sharpe ratio never traded, and so has earned nothing."""
    examined, moments = candidate.examination, candidate.returns.moments
    share: float | None = None
    found: list[float] = []
    if moments is not None and examined is not None:
        found = [value or 0.0 for value in examined.neighbours.values()]
        if found and moments.sharpe > 0:
            share = median(found) / moments.sharpe
    none_to_vary = examined is not None and not examined.neighbours
    least = thresholds.min_neighbour_share
    passed = True if none_to_vary else None if share is None else share >= least
    return RuleResult(
        "neighbours",
        {"median_share": share, "neighbours": len(found)},
        {"at least": least},
        passed,
        "reject",
        "performance",
        "plausible",
        files_of_examination(candidate),
        note="The strategy has no number to vary."
        if none_to_vary
        else "Parameters a tenth away keep too little of the Sharpe ratio."
        if passed is False
        else "",
    )
