"""What is written into one run of MLflow: its values in few requests, its data sets, its files."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from trading_assets.storage.mlflow_values import shortened, thinned, valid_key
from trading_assets.storage.roots import Place, uri_of

_DIGEST_LENGTH = 32
_BATCH = 100
_METRICS_PER_PARAM = 10
"""MLflow takes up to 100 parameters and 1,000 metric points at a time."""
_CONTEXT_TAG = "mlflow.data.context"


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """A data set that a run read.

    Attributes:
        name: asset key and range, such as `features_5m 2024-01..02`.
        sha256: full hash of what was read; MLflow's own digest holds its first half.
        source: where it lies.
        context: `train`, `validation`, `backtest` or `holdout`.
    """

    name: str
    sha256: str
    source: Place
    context: str


def log_values(
    client: Any,
    run_id: str,
    at_ms: int,
    params: Mapping[str, Any],
    metrics: Mapping[str, float],
    curves: Mapping[str, Sequence[tuple[int, float]]],
) -> None:
    """Log parameters, metrics and curves; of a metric that is logged again, the latest one counts.

    Args:
        client: MLflow's.
        run_id: of the run.
        at_ms: when it was measured, milliseconds UTC.
        params: plain values.
        metrics: finite.
        curves: points (step, value) by metric, thinned out to 300.
    """
    from mlflow.entities import Metric, Param

    points = [
        *((name, 0, value) for name, value in metrics.items()),
        *((name, *point) for name, curve in curves.items() for point in thinned(curve)),
    ]
    entries = [Metric(valid_key(n), float(v), at_ms, int(step)) for n, step, v in points]
    values = [Param(valid_key(name), shortened(value)) for name, value in params.items()]
    length = max(math.ceil(len(entries) / _METRICS_PER_PARAM), len(values))
    for i in range(0, length, _BATCH):
        client.log_batch(
            run_id,
            metrics=entries[i * _METRICS_PER_PARAM : (i + _BATCH) * _METRICS_PER_PARAM],
            params=values[i : i + _BATCH],
        )


def log_datasets(client: Any, run_id: str, datasets: Sequence[DatasetInput]) -> None:
    """Log what a run read: a digest that MLflow can hold, and the full hash as a tag."""
    from mlflow import entities

    inputs = [
        entities.DatasetInput(
            dataset=entities.Dataset(
                name=item.name,
                digest=item.sha256[:_DIGEST_LENGTH],
                source_type="local",
                source=json.dumps({"uri": uri_of(item.source)}),
            ),
            tags=[
                entities.InputTag(_CONTEXT_TAG, item.context),
                entities.InputTag("sha256", item.sha256),
            ],
        )
        for item in datasets
    ]
    if inputs:
        client.log_inputs(run_id, inputs)


def log_file(client: Any, run_id: str, name: str, path: Path) -> None:
    """Log one file under a name of our choice."""
    place = PurePosixPath(name)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / place.name
        shutil.copyfile(path, copy)
        parent = None if place.parent == PurePosixPath() else str(place.parent)
        client.log_artifact(run_id, str(copy), parent)
