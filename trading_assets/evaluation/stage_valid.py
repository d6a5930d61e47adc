"""Stage 0 of the gate: whether a candidate's evidence is sound, and enough of it is there."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from trading_assets.evaluation.gates import (
    Check,
    Failure,
    RuleResult,
    RunEvidence,
    Thresholds,
    files_of,
)
from trading_assets.evaluation.overfitting import (
    minimum_backtest_years,
    minimum_track_record,
)

VENUE_ORDER_TYPES: Mapping[str, tuple[str, ...]] = {
    "embedded": ("LIMIT", "MARKET"),
    "binance": ("LIMIT", "MARKET", "STOP_LIMIT"),
}
"""Order types that the executor can place at each venue."""

PRICE_COSTS = ("half_spread_bps", "impact_bps", "sqrt_impact", "slippage_bps")
"""Costs that worsen the price of a fill; fees come on top."""

REAL_MONEY_VENUES = frozenset({"binance"})

_CAUSAL = "no_future"
"""Checks whose name ends so judge whether a value changes when the future does."""


def rules_of_validity(
    candidate: RunEvidence, venue: str, thresholds: Thresholds
) -> tuple[RuleResult, ...]:
    """Judge what has to hold before any figure of a run means something."""
    return (
        _checks_green(candidate),
        _knows_no_future(candidate),
        _evidence_current(candidate),
        _reproducible(candidate),
        _realistic_fills(candidate),
        _costs_of_price(candidate),
        _order_types_supported(candidate, venue),
        _inputs_known_live(candidate),
        _models_pinned(candidate),
        _regimes_pinned(candidate),
        _paper_money(venue),
        _minimum("min_trades", candidate.metrics, thresholds.min_trades, candidate),
        _minimum("min_oos_trades", candidate.oos, thresholds.min_oos_trades, candidate),
        _track_record(candidate, thresholds),
        _backtest_length(candidate),
    )


def _checks_green(candidate: RunEvidence) -> RuleResult:
    checks = [check for check in candidate.checks if not check.name.endswith(_CAUSAL)]
    return _of_checks("checks_green", checks, candidate, "reject")


def _knows_no_future(candidate: RunEvidence) -> RuleResult:
    checks = [check for check in candidate.checks if check.name.endswith(_CAUSAL)]
    return _of_checks("knows_no_future", checks, candidate, "hold")


def _of_checks(
    rule: str, checks: Sequence[Check], candidate: RunEvidence, on_fail: Failure
) -> RuleResult:
    red = [check for check in checks if check.passed is False]
    unknown = [check.name for check in checks if check.passed is None]
    passed = None if unknown or not checks else True
    return RuleResult(
        rule,
        {"checks": len(checks), "red": [check.name for check in red], "unknown": unknown},
        "all green",
        False if red else passed,
        on_fail,
        "integrity",
        "valid",
        files_of(candidate, "checks.json"),
        note="; ".join(f"{check.name}: {check.detail}" for check in red)[:500],
    )


def _evidence_current(candidate: RunEvidence) -> RuleResult:
    return RuleResult(
        "evidence_current",
        list(candidate.stale),
        "no input changed since the run",
        not candidate.stale,
        "hold",
        "integrity",
        "valid",
        files_of(candidate, "manifest.json"),
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
        "valid",
        files_of(candidate, "manifest.json"),
    )


def _realistic_fills(candidate: RunEvidence) -> RuleResult:
    return RuleResult(
        "realistic_fills",
        dict(candidate.fill_rules),
        {"fill_at": "next_open", "size_at": "close"},
        dict(candidate.fill_rules) == {"fill_at": "next_open", "size_at": "close"},
        "reject",
        "integrity",
        "valid",
        files_of(candidate, "manifest.json"),
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
        "valid",
        files_of(candidate, "manifest.json"),
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
        "valid",
        files_of(candidate, "manifest.json"),
        note=f"Venue {venue} lacks {', '.join(lacking)}." if lacking else "",
    )


def _inputs_known_live(candidate: RunEvidence) -> RuleResult:
    """The executor sees bars and what is pinned; it cannot follow a table of each month yet."""
    return RuleResult(
        "inputs_known_live",
        list(candidate.needs),
        "bars, pinned models and pinned regimes alone",
        not candidate.needs,
        "hold",
        "integrity",
        "valid",
        files_of(candidate, "manifest.json"),
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
        "valid",
    )


def _regimes_pinned(candidate: RunEvidence) -> RuleResult:
    lacking = [f"{symbol}: {why}" for symbol, why in sorted(candidate.regimes_unknown.items())]
    return RuleResult(
        "regimes_pinned",
        {symbol: dict(pin) for symbol, pin in sorted(candidate.regimes.items())},
        "parameters for every symbol whose regime a filter asks for",
        not lacking,
        "hold",
        "integrity",
        "valid",
        files_of(candidate, "manifest.json"),
        note=f"A live book would enter nothing: {'; '.join(lacking)}."[:500] if lacking else "",
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
        "valid",
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
        "valid",
        files_of(candidate, "metrics.json"),
    )


def _track_record(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    """Bailey and Lopez de Prado 2012: days needed to believe in a Sharpe ratio above zero."""
    moments, days = candidate.returns.moments, len(candidate.returns.values)
    needed = None
    if moments is not None:
        least = minimum_track_record(moments, confidence=thresholds.track_confidence)
        needed = math.inf if least is None else least
    return RuleResult(
        "track_record",
        {"oos_days": days, "needed_days": _finite(needed)},
        {"confidence": thresholds.track_confidence, "oos_days": "at least needed_days"},
        None if needed is None else days >= needed,
        "hold",
        "performance",
        "valid",
        files_of(candidate, "equity.parquet"),
        note=_why_no_record(days, needed),
    )


def _backtest_length(candidate: RunEvidence) -> RuleResult:
    """Bailey, Borwein, Lopez de Prado, Zhu 2014: so many trials find this Sharpe ratio by luck."""
    moments, per_year = candidate.returns.moments, candidate.returns.per_year
    trials = candidate.trials
    needed = years = None
    if moments is not None and trials is not None:
        annual = moments.sharpe * math.sqrt(per_year)
        years = moments.periods / per_year
        needed = minimum_backtest_years(trials.count, annual) if annual > 0 else math.inf
    return RuleResult(
        "backtest_length",
        {"oos_years": years, "needed_years": _finite(needed), "trials": _count(candidate)},
        "oos_years at least needed_years for so many trials",
        None if needed is None or years is None else years >= needed,
        "hold",
        "performance",
        "valid",
        files_of(candidate, "equity.parquet"),
        note=_why_too_short(candidate, years, needed),
    )


def _why_too_short(candidate: RunEvidence, years: float | None, needed: float | None) -> str:
    if years is None or needed is None:
        return candidate.trials_unknown
    if years >= needed:
        return ""
    if math.isinf(needed):
        return "The Sharpe ratio out of sample is not above zero."
    return (
        f"The best of {_count(candidate)} worthless trials is expected to show this Sharpe ratio "
        f"over {needed:.2f} years; there are {years:.2f}."
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value


def _count(candidate: RunEvidence) -> int | None:
    return None if candidate.trials is None else candidate.trials.count


def _why_no_record(days: int, needed: float | None) -> str:
    if needed is None:
        return "There are too few days out of sample, or all have the same return."
    if needed <= days:
        return ""
    if math.isinf(needed):
        return "The Sharpe ratio out of sample is not above zero, so no number of days is enough."
    return f"{days} days out of sample; such returns need {math.ceil(needed)} to be believed."
