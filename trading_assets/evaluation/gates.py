"""Rules of promotion: each looks at recorded evidence and says what it saw and what it wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any, Literal

Failure = Literal["hold", "reject"]
Verdict = Literal["promote", "hold", "reject"]

VENUE_ORDER_TYPES: Mapping[str, tuple[str, ...]] = {
    "embedded": ("LIMIT", "MARKET"),
    "binance": ("LIMIT", "MARKET", "STOP_LIMIT"),
}
"""Order types that the executor can place at each venue."""

PRICE_COSTS = ("half_spread_bps", "impact_bps", "sqrt_impact", "slippage_bps")
"""Costs that worsen the price of a fill; fees come on top."""

REAL_MONEY_VENUES = frozenset({"binance"})


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the rules demand; recorded in every decision.

    Attributes:
        min_trades: round trips over the whole run.
        min_oos_trades: round trips out of sample.
        min_net_return_pct: net return out of sample has to be above it.
        min_improvement_pct: net return over the champion's, same days, has to be above it.
    """

    min_trades: int
    min_oos_trades: int
    min_net_return_pct: float
    min_improvement_pct: float


@dataclass(frozen=True, slots=True)
class Check:
    """One check of data, forecasts or the run itself; `passed` is None when it could not run."""

    name: str
    passed: bool | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RunEvidence:
    """What is known of one candidate, all of it from immutable files.

    Attributes:
        metrics: metrics of the whole run (`evaluation.performance`), percentages in percent.
        oos: the same metrics, out of sample.
        fill_rules: `fill_at` and `size_at` of the spec.
        models: pinned model files, horizon to SHA-256; empty for rule strategies.
        pins_complete: whether every forecast that the strategy needs has a model to pin.
        model_skill: whether each pinned model beat its baselines out of sample, by horizon.
        reproductions: for each later run of the same inputs, whether its bytes were equal.
        stale: inputs of the run that are no longer current.
        needs: tables beside the bars and forecasts that its filters look at.
        costs: of the spec, in basis points and factors, as its manifest has them.
        evidence: name of a file to its path and SHA-256, `runs/...#sha256`.
    """

    spec: str
    spec_hash: str
    run_id: str
    metrics: Mapping[str, Any]
    oos: Mapping[str, Any]
    order_types: tuple[str, ...]
    fill_rules: Mapping[str, str]
    checks: tuple[Check, ...]
    models: Mapping[str, str]
    pins_complete: bool
    model_skill: Mapping[str, bool]
    reproductions: tuple[bool, ...]
    stale: tuple[str, ...]
    evidence: Mapping[str, str]
    needs: tuple[str, ...] = ()
    costs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChampionEvidence:
    """What the book trades now.

    Attributes:
        spec_hash: of the spec in the release.
        models: pinned in the release, horizon to SHA-256.
        oos_return_pct: net return of its newest run over the candidate's out-of-sample days; None
            when there is no such run, or no common day.
        candidate_return_pct: the candidate's over the same days.
        evidence: see `RunEvidence`.
    """

    release_id: str
    spec: str
    spec_hash: str
    models: Mapping[str, str]
    oos_return_pct: float | None
    candidate_return_pct: float | None
    evidence: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One row of a decision.

    Attributes:
        passed: None when the evidence is missing.
        on_fail: what the verdict becomes when the rule fails.
        kind: `integrity` rules are never waived; `performance` rules are, for the first release.
        evidence: files that the value was read from.
    """

    rule: str
    value: Any
    threshold: Any
    passed: bool | None
    on_fail: Failure
    kind: Literal["integrity", "performance"]
    evidence: tuple[str, ...] = ()
    note: str = ""

    def plain(self) -> dict[str, Any]:
        """Give it as plain values for JSON."""
        return {**asdict(self), "evidence": list(self.evidence)}


def evaluate_rules(
    candidate: RunEvidence, champion: ChampionEvidence | None, venue: str, thresholds: Thresholds
) -> tuple[RuleResult, ...]:
    """Evaluate every rule; all of them, also after one has failed."""
    return (
        _checks_green(candidate),
        _evidence_current(candidate),
        _reproducible(candidate),
        _realistic_fills(candidate),
        _costs_of_price(candidate),
        _order_types_supported(candidate, venue),
        _inputs_known_live(candidate),
        _models_pinned(candidate),
        _paper_money(venue),
        _model_beats_baselines(candidate),
        _minimum("min_trades", candidate.metrics, thresholds.min_trades, candidate),
        _minimum("min_oos_trades", candidate.oos, thresholds.min_oos_trades, candidate),
        _net_of_costs(candidate, thresholds),
        _better_than_champion(candidate, champion, thresholds),
    )


def verdict(rules: Sequence[RuleResult]) -> Verdict:
    """Join the rules: missing evidence is hold, then reject, then hold, else promote."""
    if any(rule.passed is None for rule in rules):
        return "hold"
    failed = {rule.on_fail for rule in rules if not rule.passed}
    if "reject" in failed:
        return "reject"
    return "hold" if failed else "promote"


def has_integrity(rules: Sequence[RuleResult]) -> bool:
    """Tell whether every rule that is never waived has passed."""
    return all(rule.passed for rule in rules if rule.kind == "integrity")


def _checks_green(candidate: RunEvidence) -> RuleResult:
    red = [check.name for check in candidate.checks if check.passed is False]
    unknown = [check.name for check in candidate.checks if check.passed is None]
    passed = None if unknown or not candidate.checks else not red
    return RuleResult(
        "checks_green",
        {"checks": len(candidate.checks), "red": red, "unknown": unknown},
        "all green",
        False if red else passed,
        "reject",
        "integrity",
        _files(candidate, "checks.json"),
    )


def _evidence_current(candidate: RunEvidence) -> RuleResult:
    return RuleResult(
        "evidence_current",
        list(candidate.stale),
        "no input changed since the run",
        not candidate.stale,
        "hold",
        "integrity",
        _files(candidate, "manifest.json"),
        note="Run the backtest again." if candidate.stale else "",
    )


def _reproducible(candidate: RunEvidence) -> RuleResult:
    seen = candidate.reproductions
    return RuleResult(
        "reproducible",
        {"runs": 1 + len(seen), "equal": 1 + sum(seen)} if seen else None,
        "two runs of the same inputs, equal bytes",
        all(seen) if seen else None,
        "reject",
        "integrity",
        _files(candidate, "manifest.json"),
    )


def _realistic_fills(candidate: RunEvidence) -> RuleResult:
    return RuleResult(
        "realistic_fills",
        dict(candidate.fill_rules),
        {"fill_at": "next_open", "size_at": "close"},
        dict(candidate.fill_rules) == {"fill_at": "next_open", "size_at": "close"},
        "reject",
        "integrity",
        _files(candidate, "manifest.json"),
        note="Other rules exist to reproduce other engines only.",
    )


def _costs_of_price(candidate: RunEvidence) -> RuleResult:
    said = {
        name: str(candidate.costs[name])
        for name in PRICE_COSTS
        if Decimal(str(candidate.costs.get(name, 0))) > 0
    }
    return RuleResult(
        "costs_of_price",
        said,
        {"above 0, one of": list(PRICE_COSTS)},
        bool(said),
        "hold",
        "integrity",
        _files(candidate, "manifest.json"),
        note="A spec that says none of them trades at prices that nobody gets. Half a spread and "
        "an impact say most: `costs: {half_spread_bps: 1, impact_bps: 10}`.",
    )


def _order_types_supported(candidate: RunEvidence, venue: str) -> RuleResult:
    supported = VENUE_ORDER_TYPES.get(venue)
    lacking = sorted(set(candidate.order_types) - set(supported or ()))
    return RuleResult(
        "order_types_supported",
        sorted(candidate.order_types),
        None if supported is None else list(supported),
        None if supported is None else not lacking,
        "hold",
        "integrity",
        _files(candidate, "manifest.json"),
        note=f"Venue {venue} lacks {', '.join(lacking)}." if lacking else "",
    )


def _inputs_known_live(candidate: RunEvidence) -> RuleResult:
    """The executor sees bars and pinned models; it cannot follow a table of each month yet."""
    return RuleResult(
        "inputs_known_live",
        list(candidate.needs),
        "bars and pinned models alone",
        not candidate.needs,
        "hold",
        "integrity",
        _files(candidate, "manifest.json"),
        note=f"A live book cannot follow {', '.join(candidate.needs)} yet."
        if candidate.needs
        else "",
    )


def _models_pinned(candidate: RunEvidence) -> RuleResult:
    return RuleResult(
        "models_pinned",
        dict(candidate.models),
        "one model file for every forecast that is needed",
        True if candidate.pins_complete else None,
        "hold",
        "integrity",
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
        note="" if candidate.models else "The strategy follows no model.",
    )


def _paper_money(venue: str) -> RuleResult:
    real = venue in REAL_MONEY_VENUES
    return RuleResult(
        "paper_money",
        venue,
        f"not one of {', '.join(sorted(REAL_MONEY_VENUES))}",
        not real,
        "hold",
        "integrity",
        note="A book with real money is armed by a person, outside this gate." if real else "",
    )


def _minimum(
    rule: str, metrics: Mapping[str, Any], least: int, candidate: RunEvidence
) -> RuleResult:
    value = metrics.get("num_trades")
    return RuleResult(
        rule,
        value,
        least,
        None if value is None else value >= least,
        "hold",
        "performance",
        _files(candidate, "metrics.json"),
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
        _files(candidate, "metrics.json"),
        note="Net return out of sample after fees and slippage, in percent of equity.",
    )


def _better_than_champion(
    candidate: RunEvidence, champion: ChampionEvidence | None, thresholds: Thresholds
) -> RuleResult:
    files = _files(candidate, "equity.parquet")
    threshold = {"above": thresholds.min_improvement_pct}
    if champion is None:
        return RuleResult(
            "better_than_champion",
            None,
            threshold,
            True,
            "hold",
            "performance",
            files,
            note="The book has no release yet.",
        )
    files += tuple(champion.evidence.values())
    if champion.spec_hash == candidate.spec_hash:
        return RuleResult(
            "better_than_champion",
            None,
            threshold,
            True,
            "hold",
            "performance",
            files,
            note="The champion's own procedure with a later model: its run judges both.",
        )
    ours, theirs = champion.candidate_return_pct, champion.oos_return_pct
    if ours is None or theirs is None:
        return RuleResult(
            "better_than_champion",
            None,
            threshold,
            None,
            "hold",
            "performance",
            files,
            note=f"No run of the champion {champion.spec} covers the candidate's days.",
        )
    return RuleResult(
        "better_than_champion",
        {"candidate_pct": ours, "champion_pct": theirs, "improvement_pct": ours - theirs},
        threshold,
        ours - theirs > thresholds.min_improvement_pct,
        "hold",
        "performance",
        files,
        note=f"Net returns over the same out-of-sample days; the champion is {champion.spec}.",
    )


def _files(candidate: RunEvidence, *names: str) -> tuple[str, ...]:
    return tuple(candidate.evidence[name] for name in names if name in candidate.evidence)
