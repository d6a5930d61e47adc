"""Stage 4 of the gate: how a candidate came through the months that nobody had looked at."""

from __future__ import annotations

from typing import Any

from trading_assets.domain.errors import DataError
from trading_assets.evaluation.gates import HeldOut, RuleResult, RunEvidence, Thresholds, files_of
from trading_assets.evaluation.predicted_band import against_band

_NONE = "No months are held out."


def rules_of_holdout(candidate: RunEvidence, thresholds: Thresholds) -> tuple[RuleResult, ...]:
    """Judge by the one reading of the months held out; what was not read holds."""
    return _net_of_costs(candidate), _as_expected(candidate, thresholds)


def _net_of_costs(candidate: RunEvidence) -> RuleResult:
    held = candidate.held_out
    value = None
    passed: bool | None = True
    if held is not None:
        value = None if held.net_return is None else held.net_return * 100.0
        passed = None if value is None else value > 0.0
    return _row("holdout_net_of_costs", held, value, {"net_return_pct above": 0.0}, passed)


def _as_expected(candidate: RunEvidence, thresholds: Thresholds) -> RuleResult:
    held, note = candidate.held_out, ""
    value: dict[str, Any] | None = None
    passed: bool | None = True
    if held is not None:
        passed = None
        if held.net_return is not None and held.days:
            try:
                value, passed = against_band(
                    held.net_return,
                    held.days,
                    candidate.returns,
                    quantile=thresholds.holdout_quantile,
                    draws=thresholds.bootstrap_draws,
                    seed=thresholds.seed,
                )
            except DataError as error:  # a few days out of sample predict nothing
                note = str(error)
    files = files_of(candidate, "equity.parquet")
    wanted = {"quantile of the days out of sample": thresholds.holdout_quantile}
    return _row("holdout_as_expected", held, value, wanted, passed, note=note, files=files)


def _row(
    rule: str,
    held: HeldOut | None,
    value: Any,
    threshold: Any,
    passed: bool | None,
    *,
    note: str = "",
    files: tuple[str, ...] = (),
) -> RuleResult:
    said = _NONE if held is None else held.said()
    return RuleResult(
        rule,
        value,
        threshold,
        passed,
        "hold",
        "performance",
        "held_out",
        () if held is None else (*files, *held.evidence.values()),
        note=f"{said} {note}".strip(),
    )
