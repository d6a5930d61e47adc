"""Runs of the store as people name and compare them."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.domain.errors import MissingPartition
from trading_assets.evaluation.compare_report import ComparedRun
from trading_assets.storage.run_store import RunStore, StoredRun
from trading_assets.workflows.desk import Desk

_ID_SHOWN = 8


def stored_runs(store: RunStore, spec: str = "") -> list[StoredRun]:
    """List every run, or those of one spec: by spec, then by the span of their bars."""
    runs = [store.get(name, run_id) for name, run_id in store.runs() if spec in ("", name)]
    return sorted(
        runs, key=lambda run: (run.spec, run.manifest["last_ts"], run.manifest["first_ts"])
    )


def find_run(desk: Desk, name: str) -> StoredRun:
    """Give the run that a name means: `spec` (its current one), `spec/run id` or a run id.

    The beginning of an id is enough where it is the only one.

    Raises:
        MissingPartition: if no run, or more than one, is meant.
    """
    spec, _, start = name.rpartition("/")
    current = desk.runs.current(name) if name in desk.runs.specs() else None
    if current is not None:
        return current
    found = [
        (of, run_id)
        for of, run_id in desk.runs.runs()
        if start and run_id.startswith(start) and spec in ("", of)
    ]
    if len(found) != 1:
        never = name in _spec_names(desk)
        raise MissingPartition(
            f"Spec {name} was never run" if never else f"No one run is meant by {name!r:.80}",
            expected="a spec that was run, spec/run id, or a run id",
            found=", ".join(f"{of}/{run_id}" for of, run_id in found) or "none",
            fix=f"`trading-assets backtest run {name}`" if never else "`trading-assets runs list`",
        )
    return desk.runs.get(*found[0])


def compared(runs: Sequence[StoredRun]) -> list[ComparedRun]:
    """Read what a comparison looks at; runs of one spec are told apart by their ids."""
    specs = [run.spec for run in runs]
    return [
        ComparedRun(
            name=run.spec if specs.count(run.spec) == 1 else f"{run.spec}/{run.run_id[:_ID_SHOWN]}",
            equity=run.table("equity"),
            performance=run.metrics,
            manifest=run.manifest,
        )
        for run in runs
    ]


def _spec_names(desk: Desk) -> set[str]:
    from trading_assets.workflows.strategy_specs import list_specs

    return set(list_specs(desk.settings))
