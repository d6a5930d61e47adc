"""The bar sizes of the venue: names, borders and the shift of borders by a time zone.

Borders are counted in minutes since 1970: sizes up to a day divide the day, `3d` counts days from
1970-01-01, weeks begin on Monday, months follow the calendar. A time zone moves borders only; open
and close times stay UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.market.noise import IntArray
from trading_assets.exchange.market.outages import MINUTES_PER_DAY

_MONDAY = 4 * MINUTES_PER_DAY  # 1970-01-05
_ZONE = re.compile(r"([+-]?)(\d{1,2})(?::([0-5]\d))?")
_WESTMOST, _EASTMOST = -12 * 60, 14 * 60


@dataclass(frozen=True, slots=True)
class Interval:
    """One bar size of whole minutes.

    Attributes:
        name: as on the wire, case-sensitive.
        minutes: length, 0 for calendar months.
        phase: minute since 1970 of some border at UTC.
    """

    name: str
    minutes: int
    phase: int = 0

    def opens(self, minutes: IntArray, zone: int = 0) -> IntArray:
        """Give the open minute of the bar that each minute lies in.

        Args:
            minutes: minutes since 1970, UTC.
            zone: minutes east of UTC whose clock sets the borders.
        """
        if self.minutes:
            shift = self.phase - zone
            return (minutes - shift) // self.minutes * self.minutes + shift
        days = (minutes + zone) // MINUTES_PER_DAY
        return _first_days(days.astype("datetime64[D]").astype("datetime64[M]"), zone)

    def ends(self, opens: IntArray, zone: int = 0) -> IntArray:
        """Give the open minute of the bar after each bar."""
        if self.minutes:
            return opens + self.minutes
        days = (opens + zone) // MINUTES_PER_DAY
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        return _first_days(months + np.timedelta64(1, "M"), zone)

    def open_of(self, minute: int, zone: int = 0) -> int:
        """Give the open minute of the bar that one minute lies in."""
        if self.minutes:
            shift = self.phase - zone
            return (minute - shift) // self.minutes * self.minutes + shift
        return int(self.opens(np.array([minute]), zone)[0])

    def end_of(self, opened: int, zone: int = 0) -> int:
        """Give the open minute of the bar after the one that opened at `opened`."""
        return (
            opened + self.minutes if self.minutes else int(self.ends(np.array([opened]), zone)[0])
        )

    def fits_days(self, zone: int) -> bool:
        """Whether no bar reaches over midnight UTC."""
        divides = 0 < self.minutes <= MINUTES_PER_DAY
        return divides and zone % self.minutes == 0


def _first_days(months: np.ndarray, zone: int) -> IntArray:
    days: IntArray = months.astype("datetime64[D]").astype(np.int64)
    return days * MINUTES_PER_DAY - zone


INTERVALS = {
    interval.name: interval
    for interval in (
        *(Interval(f"{n}m", n) for n in (1, 3, 5, 15, 30)),
        *(Interval(f"{n}h", 60 * n) for n in (1, 2, 4, 6, 8, 12)),
        *(Interval(f"{n}d", MINUTES_PER_DAY * n) for n in (1, 3)),
        Interval("1w", 7 * MINUTES_PER_DAY, _MONDAY),
        Interval("1M", 0),
    )
}
"""Every bar size of whole minutes; `1s` is built from trades."""

SECOND = "1s"


def zone_minutes(text: str | None) -> int:
    """Read `timeZone`: hours or hours and minutes, such as `-1:00`, `05:45` or `4`.

    Raises:
        Refused: -1130 when it is no such text, or outside -12:00 to +14:00.
    """
    if text is None:
        return 0
    found = _ZONE.fullmatch(text.strip())
    minutes = 60 * int(found[2]) + int(found[3] or 0) if found else _EASTMOST + 1
    if found and found[1] == "-":
        minutes = -minutes
    if not _WESTMOST <= minutes <= _EASTMOST:
        raise Refused(-1130, "Data sent for parameter 'timeZone' is not valid.")
    return minutes
