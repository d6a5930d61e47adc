"""Backtests as a list for people: speaking titles, key figures, the newest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from trading_assets.domain.ids import Micros
from trading_assets.domain.instants import iso_text
from trading_assets.settings import Settings
from trading_assets.storage.run_store import RunStore, StoredRun
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.paging import Key, Page, cursor_key, page_of

_KNOWN = 4096
"""Runs whose facts are kept in memory, about 3 kB each: what a run says of itself never changes."""


def list_runs(
    desk: Desk, *, spec: str = "", search: str = "", limit: int, cursor: str | None = None
) -> Page[dict[str, Any]]:
    """List the runs of the store, the last stored first; no table of a run is read.

    Args:
        desk: holds the runs.
        spec: only of this one; "" for all.
        search: words that must all stand in spec, id, title, symbols or bar size, in any case.
        limit: rows at most.
        cursor: `next` of the page before.

    Returns:
        Rows as `run_row` gives them.

    Raises:
        CorruptFile: if a run is damaged.
        DataError: if the cursor is none of this list.
    """
    after = cursor_key(cursor, (0, "", ""))
    found = _matching(desk.runs, spec, search.lower().split(), after)
    page = page_of(found, lambda each: each[0], limit)
    links = desk.experiments.pages({row["run_id"] for _, row in page.items})
    current = {name: desk.runs.current_id(name) for name in {row["spec"] for _, row in page.items}}

    def completed(each: tuple[Key, dict[str, Any]]) -> dict[str, Any]:
        row = each[1]
        is_current = current[row["spec"]] == row["run_id"]
        return _joined(desk.settings, row, is_current=is_current, links=links)

    return page.mapped(completed)


def run_row(desk: Desk, run: StoredRun) -> dict[str, Any]:
    """Give one run as a row of that list.

    `title` is the label that the run, its report and MLflow bear. `metrics` and `oos` (None when no
    part is out of sample) have the names of `evaluation.glossary`; instants are ISO 8601 UTC.
    """
    links = desk.experiments.pages({run.run_id})
    is_current = desk.runs.current_id(run.spec) == run.run_id
    row = {**_facts(run), "stored": iso_text(desk.runs.stored_at(run.spec, run.run_id))}
    return _joined(desk.settings, row, is_current=is_current, links=links)


def _joined(
    settings: Settings, row: Mapping[str, Any], *, is_current: bool, links: Mapping[str, str]
) -> dict[str, Any]:
    of_dagster = f"{settings.dagster.url}/assets/backtest/{row['spec']}"
    shown = {"mlflow": links.get(row["run_id"]), "dagster": of_dagster}
    return {**row, "is_current": is_current, "links": shown}


def _matching(
    store: RunStore, spec: str, words: list[str], after: Key | None
) -> Iterator[tuple[Key, dict[str, Any]]]:
    for stored, name, run_id in store.newest():
        key = (stored, name, run_id)
        if spec not in ("", name) or (after is not None and key >= after):
            continue
        row = {**_known_facts(store, name, run_id, stored), "stored": iso_text(stored)}
        if all(word in _searched(row) for word in words):
            yield key, row


@lru_cache(maxsize=_KNOWN)
def _known_facts(store: RunStore, spec: str, run_id: str, _stored: Micros) -> dict[str, Any]:
    """Read a run once; one that is removed and made again has another file time."""
    return _facts(store.get(spec, run_id))


def _facts(run: StoredRun) -> dict[str, Any]:
    manifest = run.manifest
    config = manifest["config"]
    return {
        "spec": run.spec,
        "run_id": run.run_id,
        "title": manifest["label"],
        "symbols": config["symbols"],
        "timeframe": config["bar_size"],
        "quote": config["quote"],
        "first": iso_text(manifest["first_ts"]),
        "last": iso_text(manifest["last_ts"]),
        "checks_green": all(check["passed"] for check in run.checks),
        "metrics": run.metrics["all"],
        "oos": run.metrics["oos"],
    }


def _searched(row: Mapping[str, Any]) -> str:
    texts = (row["spec"], row["run_id"], row["title"], row["timeframe"], *row["symbols"])
    return " ".join(texts).lower()
