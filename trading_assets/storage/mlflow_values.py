"""Values in the form that MLflow keeps whole: addresses, names, metrics, curves."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from trading_assets.domain.errors import ConfigurationError, DataError

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_\-. /]")
_PARAM_LENGTH = 500
_CURVE_POINTS = 300


def absolute_uri(uri: str) -> str:
    """Accept an SQLite database at an absolute path.

    Raises:
        ConfigurationError: for anything else, above all MLflow's retired `file:` store.
    """
    if uri.startswith("sqlite:////"):
        return uri
    is_file = uri.startswith("file:") or "://" not in uri
    raise ConfigurationError(
        "MLflow's file store is retired" if is_file else "Not a usable MLflow database",
        expected="sqlite:////absolute/path/mlflow.db",
        found=uri,
        fix="`mlflow migrate-filestore` moves an old store into a database."
        if is_file
        else "A relative path would depend on the working folder.",
    )


def split_metrics(
    metrics: Mapping[str, float | None],
) -> tuple[dict[str, float], dict[str, str]]:
    """Part what can be drawn from what cannot: MLflow stores infinity as 1.797e308."""
    finite, odd = {}, {}
    for name, value in metrics.items():
        if value is not None and math.isfinite(value):
            finite[name] = float(value)
        else:
            odd[f"metric.{name}"] = "none" if value is None else str(float(value))
    return finite, odd


def thinned(curve: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """Give at most 300 finite points of a curve, evenly by number; first and last stay."""
    points = [(int(step), float(value)) for step, value in curve if math.isfinite(value)]
    if len(points) <= _CURVE_POINTS:
        return points
    last = len(points) - 1
    return [points[round(i * last / (_CURVE_POINTS - 1))] for i in range(_CURVE_POINTS)]


def shortened(value: Any) -> str:
    """Write a parameter; MLflow would cut it silently, so ours shows that it was cut."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _PARAM_LENGTH else text[: _PARAM_LENGTH - 1] + "…"


def valid_key(name: str) -> str:
    """Replace what MLflow does not take in a name."""
    return _NOT_IN_NAMES.sub("_", name)


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Write tags."""
    return {valid_key(name): str(value) for name, value in values.items()}


def unquoted(text: str) -> str:
    """Refuse what could end a filter's string.

    Raises:
        DataError: if there is a quote in it.
    """
    if set("'\"`\\") & set(text):
        raise DataError("Cannot search for a text with quotes", found=text[:80])
    return text
