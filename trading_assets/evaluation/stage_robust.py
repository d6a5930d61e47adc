"""Stage 2 of the gate: whether what is earned survives dearer trading, size and bad luck."""

from __future__ import annotations

from trading_assets.evaluation.gates import (
    Capital,
    RuleResult,
    RunEvidence,
    Thresholds,
    files_of,
    files_of_examination,
)


def rules_of_robustness(candidate: RunEvidence, thresholds: Thresholds) -> tuple[RuleResult, ...]:
    """Judge by runs under worse conditions, and by how the profit is spread."""
    return (
        _stressed(candidate),
        _capacity(candidate, thresholds),
        _drawdown(candidate, thresholds),
        _winners(candidate, thresholds),
        *_shares(candidate, thresholds),
    )


def largest_capital(candidate: RunEvidence, thresholds: Thresholds) -> float | None:
    """Give the largest capital of the capacity curve that the rule of capacity allows.

    Points beyond the first that fails do not count, even if they pass by chance.
    """
    allowed: float | None = None
    examined = candidate.examination
    if examined is None:
        return None
    for point in examined.capacity:
        if not _is_carried(point, examined.unimpaired, thresholds):
            break
        allowed = point.amount
    return allowed


def impact_loss(point: Capital, unimpaired: float | None) -> float | None:
    """Give the share of the Sharpe ratio that impact takes; None where nothing is earned."""
    if point.sharpe is None or unimpaired is None or unimpaired <= 0:
        return None
    return 1.0 - point.sharpe / unimpaired


def _is_carried(point: Capital, unimpaired: float | None, thresholds: Thresholds) -> bool | None:
    """Tell whether the rule of capacity allows a point; None where it cannot be said."""
    loss = impact_loss(point, unimpaired)
    if loss is None or point.participation_pct is None:
        return None
    return (
        point.participation_pct <= thresholds.max_participation_pct
        and loss <= thresholds.max_impact_loss
    )


def _stressed(candidate: RunEvidence) -> RuleResult:
    examined = candidate.examination
    found = {} if examined is None else dict(sorted(examined.stressed.items()))
    unknown = [name for name, value in found.items() if value is None]
    failed = [name for name, value in found.items() if value is not None and value <= 0]
    passed = None if unknown or not found else not failed
    return RuleResult(
        "stressed",
        found or None,
        {"sharpe above": 0.0},
        False if failed else passed,
        "reject",
        "performance",
        "robust",
        files_of_examination(candidate),
        note=f"Nothing is earned with {' or '.join(failed)}." if failed else "",
    )


def _capacity(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    """The planned capital is the first point of the curve, with the impact that its orders have."""
    examined = candidate.examination
    value = passed = None
    note = "Volumes of its bars are not known." if examined is not None else ""
    if examined is not None and examined.capacity:
        planned = examined.capacity[0]
        value = {
            "capital": planned.amount,
            "participation_p95_pct": planned.participation_pct,
            "impact_loss": impact_loss(planned, examined.unimpaired),
            "largest_capital": largest_capital(candidate, thresholds),
        }
        passed = _is_carried(planned, examined.unimpaired, thresholds)
        note = "" if passed else "Its orders are too large for their bars: trade less capital."
    return RuleResult(
        "capacity",
        value,
        {
            "participation_p95_pct": thresholds.max_participation_pct,
            "impact_loss": thresholds.max_impact_loss,
        },
        passed,
        "hold",
        "performance",
        "robust",
        files_of_examination(candidate),
        note=note,
    )


def _drawdown(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    value = candidate.metrics.get("max_drawdown_pct")
    return RuleResult(
        "drawdown",
        value,
        {"at most": thresholds.max_drawdown_pct},
        None if value is None else value <= thresholds.max_drawdown_pct,
        "reject",
        "performance",
        "robust",
        files_of(candidate, "metrics.json"),
        note="Largest fall of equity below a peak, in percent, over the whole run.",
    )


def _winners(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    """Concentration of gains (Lopez de Prado, Advances in Financial Machine Learning, 14.5.2)."""
    value = None if candidate.profit is None else candidate.profit.winners
    passed = None if value is None else value >= thresholds.min_winners
    return RuleResult(
        "profit_by_many_trades",
        value,
        {"at least": thresholds.min_winners},
        passed,
        "hold",
        "performance",
        "robust",
        files_of(candidate, "round_trips.parquet"),
        note=f"What was won hangs on so few trades as if {value:.1f} had won it."
        if passed is False
        else "",
    )


def _shares(candidate: RunEvidence, thresholds: Thresholds) -> tuple[RuleResult, ...]:
    profit = candidate.profit
    limits = {
        "month": (thresholds.max_month_share, "one month"),
        "symbol": (thresholds.max_symbol_share, "one symbol"),
    }
    rows = []
    for name, (most, owner) in limits.items():
        value = None if profit is None else getattr(profit, name)
        alone = name == "symbol" and profit is not None and value is None
        passed = True if alone else None if value is None else value < most
        rows.append(
            RuleResult(
                f"profit_by_{name}",
                value,
                {"below": most},
                passed,
                "hold",
                "performance",
                "robust",
                files_of(candidate, "round_trips.parquet"),
                note="One symbol is traded."
                if alone
                else f"{value:.0%} of the profit is from {owner}."
                if passed is False
                else "",
            )
        )
    return tuple(rows)
