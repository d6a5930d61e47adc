"""The address that `trading-assets up` gives for comparing strategies, asked of MLflow itself.

By HTTP, since importing MLflow takes seconds and its server has just done so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from trading_assets.domain.errors import StorageUnavailable
from trading_assets.storage.mlflow_views import (
    STRATEGIES,
    strategies_url,
    strategies_view,
    view_tag,
)

_API = "/api/2.0/mlflow/experiments"
_BACKTESTS = "name LIKE 'ta/%/backtest'"
_MOST = 1000
_PATIENCE_S = 60.0
"""A server that listens may still be loading."""


def compare_link(ui_url: str) -> str:
    """Give the address of the view of all strategies; the front page when none was backtested.

    Args:
        ui_url: where MLflow listens.

    Raises:
        StorageUnavailable: if it does not answer, or says no.
    """
    asked = {"filter": _BACKTESTS, "max_results": _MOST, "view_type": "ACTIVE_ONLY"}
    found = _post(f"{ui_url}{_API}/search", asked).get("experiments", [])
    ids = sorted((one["experiment_id"] for one in found), key=int)
    tag = {"key": view_tag(STRATEGIES), "value": strategies_view()}
    for one in found:
        # MLflow's page takes its view from the experiment that is loaded first, whichever it is.
        if tag not in one.get("tags", []):
            _post(
                f"{ui_url}{_API}/set-experiment-tag", {**tag, "experiment_id": one["experiment_id"]}
            )
    return strategies_url(ui_url, ids)


def _post(url: str, body: Mapping[str, Any]) -> dict[str, Any]:
    request = Request(  # noqa: S310 - our own server's address
        url, data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    try:
        with urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310
            return dict(json.load(answer))
    except (URLError, TimeoutError, ValueError) as error:
        raise StorageUnavailable(
            "MLflow does not answer", expected="its REST interface", found=str(error)[:200]
        ) from error
