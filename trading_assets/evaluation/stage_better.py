"""Stage 3 of the gate: whether a candidate is better than what the book trades now."""

from __future__ import annotations

from typing import Any

import numpy as np

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.bootstrap import mean_difference_interval
from trading_assets.evaluation.gates import (
    ChampionEvidence,
    Returns,
    RuleResult,
    RunEvidence,
    Thresholds,
    files_of,
)


def rules_of_improvement(
    candidate: RunEvidence, champion: ChampionEvidence | None, thresholds: Thresholds
) -> tuple[RuleResult, ...]:
    """Judge day by day against the champion; a tie keeps it."""
    return (
        _better_than_champion(candidate, champion, thresholds),
        _held_long_enough(candidate, champion, thresholds),
        _not_taken_back(candidate, thresholds),
    )


def _better_than_champion(
    candidate: RunEvidence, champion: ChampionEvidence | None, thresholds: Thresholds
) -> RuleResult:
    value: dict[str, Any] | None = None
    passed: bool | None = True
    note = "The book has no release yet."
    files = files_of(candidate, "equity.parquet")
    if champion is not None:
        files += tuple(champion.evidence.values())
        if champion.spec_hash == candidate.spec_hash:
            note = "The champion's own procedure with a later model: its run judges both."
        elif champion.ours is None or champion.theirs is None or len(champion.ours.days) < 2:
            passed = None
            note = f"No run of the champion {champion.spec} covers the candidate's days."
        else:
            note = f"Paired daily returns, out of sample in both; the champion is {champion.spec}."
            try:
                value, passed = _compared(champion.ours, champion.theirs, thresholds)
            except DataError as error:  # too few days, say: that is missing evidence, and why
                passed, note = None, str(error)
    return RuleResult(
        "better_than_champion",
        value,
        {
            "yearly_difference_pct_above": thresholds.min_improvement_pct,
            "or_not_below": -thresholds.max_inferiority_pct,
            "with_volatility_ratio_at_most": thresholds.max_risk_ratio,
            "confidence": thresholds.interval_confidence,
        },
        passed,
        "hold",
        "performance",
        "better",
        files,
        note=note,
    )


def _compared(
    ours: Returns, theirs: Returns, thresholds: Thresholds
) -> tuple[dict[str, Any], bool]:
    """Bootstrap the mean of the paired differences in blocks (Politis and Romano 1994)."""
    found = mean_difference_interval(
        ours.values,
        theirs.values,
        confidence=thresholds.interval_confidence,
        rng=np.random.default_rng(thresholds.seed),
        draws=thresholds.bootstrap_draws,
    )
    yearly = ours.per_year * 100.0
    low, high = found.low * yearly, found.high * yearly
    spread = float(theirs.values.std(ddof=1))
    ratio = float(ours.values.std(ddof=1)) / spread if spread > 0 else None
    is_better = low > thresholds.min_improvement_pct
    is_calmer = (
        ratio is not None
        and ratio <= thresholds.max_risk_ratio
        and low >= -thresholds.max_inferiority_pct
    )
    value = {
        "days": len(ours.days),
        "yearly_difference_pct": found.estimate * yearly,
        "interval_pct": [low, high],
        "volatility_ratio": ratio,
        "by": "return" if is_better else "risk" if is_calmer else "neither",
    }
    return value, is_better or is_calmer


def _held_long_enough(
    candidate: RunEvidence, champion: ChampionEvidence | None, thresholds: Thresholds
) -> RuleResult:
    """A book that changes its mind every day pays for it; what is worth it is so in two weeks."""
    least = thresholds.min_days_between_switches
    value = passed = None
    note = ""
    if champion is None or champion.spec_hash == candidate.spec_hash:
        passed, note = True, "No other procedure is replaced."
    elif champion.days_held is not None:
        value, passed = champion.days_held, champion.days_held >= least
        note = "" if passed else f"The champion has been traded for {value} days only."
    else:
        note = "It is not known since when the champion is traded."
    return RuleResult(
        "held_long_enough",
        value,
        {"days at least": least},
        passed,
        "hold",
        "performance",
        "better",
        files_of(candidate, "manifest.json"),
        note=note,
    )


def _not_taken_back(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    """What the book was taken back from has to earn its way in anew, or it would swing for ever."""
    least, found = thresholds.min_days_after_taking_back, candidate.taken_back
    value = passed = None
    note = ""
    if found is None:
        passed = True
    else:
        value = {"release": found.release_id, "by": found.by, "days": found.days}
        passed = None if found.days is None else found.days >= least
        note = f"The book was taken back from release {found.release_id}: {found.reason}"
    return RuleResult(
        "not_taken_back",
        value,
        {"days of further data at least": least},
        passed,
        "hold",
        "performance",
        "better",
        files_of(candidate, "manifest.json"),
        note=note,
    )
