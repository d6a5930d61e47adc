"""Instants as people write them: text or Python's own dates, read as UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from trading_assets.domain.errors import DataError
from trading_assets.domain.ids import Micros

_EXPECTED = "2026-03-01 or 2026-03-01T12:00 (UTC)"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOREVER: Micros = 2**62
"""End of a span that has none; its negative is the start of one without a start."""


def instant_from_text(text: str) -> Micros:
    """Read an instant; without an offset it is UTC.

    Raises:
        DataError: if it is not one.
    """
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise DataError("Not an instant", expected=_EXPECTED, found=repr(text)[:60]) from None
    return _micros(read)


def instant_from_any(value: object) -> Micros:
    """Read an instant from text, a date (its midnight) or a datetime; without a zone it is UTC.

    Raises:
        DataError: if it is none of these.
    """
    if isinstance(value, str):
        return instant_from_text(value)
    if isinstance(value, datetime):
        return _micros(value)
    if isinstance(value, date):
        return _micros(datetime(value.year, value.month, value.day, tzinfo=UTC))
    raise DataError("Not an instant", expected=_EXPECTED, found=repr(value)[:60])


def time_text(ts: Micros) -> str:
    """Write an instant to the second, in UTC; one that no calendar has is "ever"."""
    if abs(ts) >= FOREVER:
        return "ever"
    return datetime.fromtimestamp(ts // 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso_text(ts: Micros) -> str:
    """Write an instant as ISO 8601 in UTC, such as 2024-07-01T00:05:00Z, to the microsecond."""
    moment = _EPOCH + timedelta(microseconds=ts)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}".removesuffix(".000000") + "Z"


def _micros(moment: datetime) -> Micros:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    span = aware - _EPOCH
    return (span.days * 86_400 + span.seconds) * 1_000_000 + span.microseconds
