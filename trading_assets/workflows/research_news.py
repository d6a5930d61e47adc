"""Tables of research that only grow, and their rows as the documents that readers outside know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

FORECASTS, RISK = "forecasts_now", "risk_updates"
"""Their rows are only ever added, at the end of the month of their symbol."""


def research_document(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row of one of the two tables as JSON: a forecast, or a risk factor."""
    if table == RISK:
        found: dict[str, Any] = json.loads(row["payload"])
        return found
    from trading_assets.workflows.forecast_now import forecast_document

    return forecast_document(row)
