"""Where MLflow shows a run, asked of its database: loading MLflow itself takes seconds."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from pathlib import Path

_SCHEME = "sqlite:///"
_QUERY = """
SELECT own.value, runs.experiment_id, runs.run_uuid
FROM tags AS own JOIN runs ON runs.run_uuid = own.run_uuid
WHERE own.key = 'run_id' AND own.value IN (SELECT value FROM json_each(?))
  AND runs.status = 'FINISHED' AND runs.lifecycle_stage = 'active'
ORDER BY runs.start_time
"""


def run_page(ui_url: str, experiment_id: object, run_id: str) -> str:
    """Give the page of a run of MLflow."""
    return f"{ui_url}/#/experiments/{experiment_id}/runs/{run_id}"


def run_pages(tracking_uri: str, ui_url: str, run_ids: Collection[str]) -> Mapping[str, str]:
    """Give the pages of stored runs by their ids, which are their tags `run_id`.

    Args:
        tracking_uri: of the experiments.
        ui_url: where MLflow listens.
        run_ids: of stored runs; one that was never logged is left out.

    Returns:
        Nothing for a store that is no local SQLite file, is not there yet, or has other tables
        than the pinned MLflow makes: a link is a convenience, and no list waits for it.
    """
    path = Path(tracking_uri.removeprefix(_SCHEME))
    if not tracking_uri.startswith(_SCHEME) or not path.is_file() or not run_ids:
        return {}
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.5)) as db:
            rows = db.execute(_QUERY, (json.dumps(sorted(run_ids)),)).fetchall()
    except sqlite3.Error:
        return {}
    return {stored: run_page(ui_url, experiment, logged) for stored, experiment, logged in rows}
