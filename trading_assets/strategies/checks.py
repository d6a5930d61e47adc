"""Checks of strategy parameters, so that every strategy refuses in the same words."""

from __future__ import annotations

import math
from typing import Any

from trading_assets.domain.errors import ConfigurationError


def require(ok: bool, key: str, expected: str, found: Any) -> None:
    """Refuse a parameter.

    Raises:
        ConfigurationError: if not `ok`.
    """
    if not ok:
        raise ConfigurationError(f"{key} is out of range", expected=expected, found=repr(found))


def require_between(key: str, value: float, low: float, high: float) -> None:
    """Refuse a parameter outside [low, high]; NaN is outside.

    Raises:
        ConfigurationError: naming key, range and value.
    """
    require(math.isfinite(value) and low <= value <= high, key, f"{low:g} to {high:g}", value)
