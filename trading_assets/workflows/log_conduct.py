"""A release while it trades, in MLflow: one run per book and release, told anew each day."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trading_assets.domain.bar import DAY
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

    Steps are numbers of days, so that a day that is judged again replaces what was said of it.

    Args:
        desk: gives the experiments.
        report: of the book and the release that it trades.
        tags: of the caller, such as the Dagster run.
    """
    release = desk.releases.get(report.release_id)
    family = str(release.facts["family"])
    experiment = f"ta/{family}/live"
    wanting = report.found_wanting(desk.settings.conduct.demotes_by)
    identity = {"book": report.book, "release_id": report.release_id}
    told = {
        **linked(desk.settings, tags),
        "decision_id": release.decision_id,
        "probation": "passed" if report.has_proven_itself else "open",
        "wanting": ", ".join(rule.rule for rule in wanting) or "nothing",
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
    day = (report.as_of or 0) // DAY
    curves = {name: [(day, value)] for name, value in _figures(report).items()}
    desk.experiments.add_to_run(known, at=desk.clock.now(), curves=curves, tags=told)
    return known


def _figures(report: ConductReport) -> dict[str, float]:
    """Give what the rules have measured; what is not known yet is left out."""
    found: dict[str, Any] = {}
    for rule in report.probation:
        value: Any = rule.value
        names = _FIGURES.get(rule.rule, ())
        if isinstance(value, Mapping):
            found |= {f"{rule.rule}.{name}": value[name] for name in names if name in value}
        elif isinstance(value, int | float):
            found[rule.rule] = float(value)
    return {name: float(value) for name, value in found.items() if value is not None}
