"""Take in a forecast of outside: kept as research, beside everything that trades."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instants import instant_from_text, iso_text
from trading_assets.forecasting.horizons import horizon_micros
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.forecast_listing import (
    chosen_symbols,
    received_forecasts,
    received_payload,
)

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")


def receive_forecast(
    desk: Desk, said: Mapping[str, Any], *, sender: str
) -> tuple[dict[str, Any], bool]:
    """Keep one forecast; no model learns from it and no live book reads it.

    Args:
        desk: its clock is this machine's.
        said: `asset` (a symbol of the settings), `horizon`, `prediction` (a return), `confidence`
            (0 to 1, or None), `timestamp` (ISO 8601; not later than now), `model_version`, and
            perhaps `forecast_id`.
        sender: who sent it.

    Returns:
        The document as `list_forecasts` gives it, and whether it is new.

    Raises:
        UnknownSymbol: if settings do not have the asset.
        ConfigurationError: if there is no such horizon.
        DataError: if a number or the instant cannot be.
        ConflictError: if another one of this asset, horizon, instant and model stands.
        StorageUnavailable: if it cannot be written.
    """
    now = desk.clock.now()
    asset = symbol_from_text(said["asset"])
    chosen_symbols(desk, asset)
    horizon_micros(said["horizon"])
    ts = instant_from_text(said["timestamp"])
    prediction, confidence = said["prediction"], said["confidence"]
    _require(math.isfinite(prediction), "prediction", "a finite return", prediction)
    is_share = confidence is None or 0.0 <= confidence <= 1.0
    _require(is_share, "confidence", "0 to 1, or null", confidence)
    version, forecast_id = said["model_version"], said.get("forecast_id")
    for name, text in (("model_version", version), ("forecast_id", forecast_id or version)):
        _require(bool(_VERSION.fullmatch(text)), name, "1 to 100 of A-Z a-z 0-9 . _ : + -", text)
    _require(ts <= now, "timestamp", f"an instant up to {iso_text(now)}", said["timestamp"])
    row, is_new = received_forecasts(desk).add(
        (ts, asset, said["horizon"], version),
        {
            "asset": asset,
            "horizon": said["horizon"],
            "prediction": float(prediction),
            "confidence": None if confidence is None else float(confidence),
            "forecast_id": forecast_id,
            "model_version": version,
        },
        received=now,
        sender=sender,
    )
    return received_payload(row), is_new


def _require(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        raise DataError(f"This {name} cannot be", expected=expected, found=repr(found)[:60])
