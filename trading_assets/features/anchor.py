"""The first instant that a month's rows may depend on."""

from __future__ import annotations

from datetime import timedelta

from trading_assets.domain.bar import DAY
from trading_assets.domain.ids import Micros, Month

_MICROSECOND = timedelta(microseconds=1)


def anchor(month: Month, warm_up: timedelta) -> Micros:
    """Give the first instant of the frame on which rows of `month` are computed.

    It is the month's start less the warm-up, rounded out to a UTC day: an instant and never a row
    count, so a repaired gap does not move it, and the same for batch and live.
    """
    return (month.start - warm_up // _MICROSECOND) // DAY * DAY
