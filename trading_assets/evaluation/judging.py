"""The gate: all rules of all stages over one candidate."""

from __future__ import annotations

from trading_assets.evaluation.gates import (
    ChampionEvidence,
    RuleResult,
    RunEvidence,
    Thresholds,
)
from trading_assets.evaluation.stage_better import rules_of_improvement
from trading_assets.evaluation.stage_held_out import rules_of_holdout
from trading_assets.evaluation.stage_plausible import rules_of_plausibility
from trading_assets.evaluation.stage_robust import rules_of_robustness
from trading_assets.evaluation.stage_valid import rules_of_validity

NEED_EXAMINATION = frozenset({"overfitting_probability", "superior_ability", "neighbours"})
"""Rules of the first two stages that look at further runs."""


def is_worth_examining(candidate: RunEvidence, venue: str, thresholds: Thresholds) -> bool:
    """Tell whether a candidate passes all that can be judged without further runs of it."""
    rules = (
        *rules_of_validity(candidate, venue, thresholds),
        *rules_of_plausibility(candidate, thresholds),
    )
    return all(rule.passed for rule in rules if rule.rule not in NEED_EXAMINATION)


def passes_all_else(
    candidate: RunEvidence, champion: ChampionEvidence | None, venue: str, thresholds: Thresholds
) -> bool:
    """Tell whether only the months held out are left to judge by."""
    rules = evaluate_rules(candidate, champion, venue, thresholds)
    return all(rule.passed for rule in rules if rule.stage != "held_out")


def evaluate_rules(
    candidate: RunEvidence, champion: ChampionEvidence | None, venue: str, thresholds: Thresholds
) -> tuple[RuleResult, ...]:
    """Evaluate every rule; all of them, also after one has failed."""
    return (
        *rules_of_validity(candidate, venue, thresholds),
        *rules_of_plausibility(candidate, thresholds),
        *rules_of_robustness(candidate, thresholds),
        *rules_of_improvement(candidate, champion, thresholds),
        *rules_of_holdout(candidate, thresholds),
    )
