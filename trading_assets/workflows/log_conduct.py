"""A release while it trades, in MLflow: one run per book and release, told anew each day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading_assets.storage.experiments import LoggedRun
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.live_conduct import ConductReport
from trading_assets.workflows.run_links import linked

_FIGURES = {
    "lived_long_enough": ("days", "entries"),
    "within_band": ("return_pct", "lowest_pct", "median_pct", "share_below"),
    "drawdown_as_predicted": ("live_pct", "backtest_pct"),
    "fills_as_modelled": ("mean_bps", "at_least_bps"),
    "parity_exact": ("exact", "unknown"),
}
"""What is shown of the value of a rule, as `<rule>.<name>`."""


def log_conduct(desk: Desk, report: ConductReport, tags: Mapping[str, str]) -> LoggedRun:
    """Show the conduct of a release; the run is made the first time, and its figures grow by day.

    Args:
        desk: gives the experiments.
        report: of the book and the release that it trades.
        tags: of the caller, such as the Dagster run.
    """
    release = desk.releases.get(report.release_id)
    family = str(release.facts["family"])
    experiment, at = f"ta/{family}/live", report.as_of or desk.clock.now()
    identity = {"book": report.book, "release_id": report.release_id}
    told = {
        **linked(desk.settings, tags),
        "decision_id": release.decision_id,
        "probation": "passed" if report.has_proven_itself else "open",
        "wanting": ", ".join(r.rule for r in report.demotion if r.passed is False) or "nothing",
    }
    known = desk.experiments.find_run(experiment, identity)
    if known is None:
        known = desk.experiments.log_run(
            experiment,
            f"{report.book} | {report.spec} | release {report.release_id[:12]}",
            tags={
                "strategy.id": report.spec,
                "trial_family": family,
                "stage": "live",
                "run_id": str(release.facts.get("run_id", "")),
                **identity,
            },
        )
    desk.experiments.add_to_run(known, at=at, metrics=_figures(report), tags=told)
    return known


def _figures(report: ConductReport) -> dict[str, float | None]:
    """Give what the rules have measured; what is not known yet is left out."""
    found: dict[str, float | None] = {}
    for rule in report.probation:
        value: Any = rule.value
        names = _FIGURES.get(rule.rule, ())
        if isinstance(value, Mapping):
            found |= {f"{rule.rule}.{name}": value[name] for name in names if name in value}
        elif isinstance(value, int | float):
            found[rule.rule] = float(value)
    return {name: value for name, value in found.items() if value is not None}
