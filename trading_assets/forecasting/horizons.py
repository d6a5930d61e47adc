"""How far ahead forecasts look, in time and in bars: what predicting needs to know of labels."""

from __future__ import annotations

from trading_assets.domain.bar import MINUTE, Timeframe
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros

BASE = Timeframe.M5
"""Bar size of features, labels and forecasts."""

_HORIZON_MINUTES = {"1h": 60, "4h": 240, "1d": 1440}


def horizon_micros(horizon: str) -> Micros:
    """Give the length of a horizon.

    Raises:
        ConfigurationError: if there is no such horizon.
    """
    if horizon not in _HORIZON_MINUTES:
        raise ConfigurationError(
            "Not a horizon", expected=" or ".join(_HORIZON_MINUTES), found=repr(horizon)[:40]
        )
    return _HORIZON_MINUTES[horizon] * MINUTE


def horizon_bars(horizon: str) -> int:
    """Give the number of base bars in a horizon."""
    return horizon_micros(horizon) // BASE.micros
