"""Names that must be valid everywhere: symbols, months, hashes and client order ids."""

from __future__ import annotations

import calendar
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NewType

from trading_assets.domain.errors import ConfigurationError, DataError, UnknownSymbol

Symbol = NewType("Symbol", str)
"""A venue symbol such as `BTCUSDT`; made by `symbol_from_text` only."""

Micros = int
"""Microseconds since 1970-01-01T00:00:00Z: the unit of every instant inside the product."""

_SYMBOL = re.compile(r"(?=.{1,20}\Z)[A-Z0-9]+(?:\.[A-Z0-9]+)?")
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_TAG = re.compile(r"[a-z0-9][a-z0-9_]{0,39}")
CLIENT_ORDER_ID_PREFIX = "ta-"
"""Marks every order of this product at a venue."""

OBJECT_STORE_URL = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?P<prefix>(?:/[\w.=-]+)*)/?"
)
"""Address of a root in an object store; it has no place for credentials."""

_CLIENT_ORDER_ID_LENGTH = 32


def symbol_from_text(text: object) -> Symbol:
    """Validate `text` as a symbol.

    Raises:
        UnknownSymbol: if it is not 1 to 20 characters of `A-Z0-9`, with at most one dot between
            them (`F`, `BRK.B`); a symbol becomes a folder, a partition key and a query parameter,
            so nothing else is ever let in.
    """
    if not isinstance(text, str) or not _SYMBOL.fullmatch(text):
        raise UnknownSymbol(
            "Not a symbol",
            expected="1 to 20 characters of A-Z and 0-9, one dot inside, such as BTCUSDT or BRK.B",
            found=repr(text)[:80],
            fix="Check the spelling; symbols are listed by `trading-assets config show`.",
        )
    return Symbol(text)


def tag_from_text(text: object) -> str:
    """Validate the name of a strategy, spec or book (`a-z0-9_`, at most 40 characters).

    Raises:
        ConfigurationError: if it is anything else.
    """
    if not isinstance(text, str) or not _TAG.fullmatch(text):
        raise ConfigurationError(
            "Not a name",
            expected="1 to 40 characters of a-z, 0-9 and _, starting with a letter or digit",
            found=repr(text)[:80],
        )
    return text


@dataclass(frozen=True, order=True, slots=True)
class Month:
    """A calendar month in UTC; text form `2024-03`, which is also its partition key."""

    year: int
    month: int

    @classmethod
    def from_text(cls, text: object) -> Month:
        """Parse `YYYY-MM`.

        Raises:
            DataError: if the text is not a month.
        """
        match = _MONTH.fullmatch(text) if isinstance(text, str) else None
        if match is None:
            raise DataError("Not a month", expected="YYYY-MM", found=repr(text)[:80])
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, ts: Micros) -> Month:
        """Give the month that an instant belongs to."""
        moment = datetime.fromtimestamp(ts // 1_000_000, tz=UTC)
        return cls(moment.year, moment.month)

    def __str__(self) -> str:
        """Give the text form, `2024-03`."""
        return f"{self.year:04d}-{self.month:02d}"

    def shift(self, months: int) -> Month:
        """Give the month `months` later (earlier when negative)."""
        index = self.year * 12 + self.month - 1 + months
        return Month(index // 12, index % 12 + 1)

    @property
    def days(self) -> int:
        """Number of days."""
        return calendar.monthrange(self.year, self.month)[1]

    @property
    def start(self) -> Micros:
        """First instant, inclusive."""
        return int(datetime(self.year, self.month, 1, tzinfo=UTC).timestamp()) * 1_000_000

    @property
    def end(self) -> Micros:
        """First instant of the next month, exclusive."""
        return self.shift(1).start


def months_between(first: Month, last: Month) -> tuple[Month, ...]:
    """List the months from `first` to `last`, both inclusive; empty when `last` is earlier."""
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    return tuple(first.shift(i) for i in range(max(count, 0)))


def sha256_hex(data: bytes) -> str:
    """Give the SHA-256 of `data` as 64 lower-case hex characters."""
    return hashlib.sha256(data).hexdigest()


_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: Any) -> bytes:
    """Encode plain values so that equal values give equal bytes: sorted keys, no spaces, UTF-8.

    NaN and infinities are refused (ValueError), since their text differs between readers.
    """
    return _ENCODER.encode(value).encode()


def content_hash(value: Any) -> str:
    """Give the SHA-256 of the canonical JSON of `value`."""
    return sha256_hex(canonical_json(value))


def client_order_id(
    account: str, tag: str, symbol: Symbol, bar_ts: Micros, leg: int, revision: int
) -> str:
    """Derive the one id that a decision's order can ever have.

    It depends on what was decided, never on when, by which process or by which release, so a
    restart derives the same id again. Venues accept `[A-Za-z0-9-_]`, at most 36 characters; this
    is `ta-` and 29 hex characters (116 bits).
    """
    parts = _begun_hash(account, tag, symbol).copy()
    parts.update(b",%d,%d,%d]" % (bar_ts, leg, revision))
    digits = _CLIENT_ORDER_ID_LENGTH - len(CLIENT_ORDER_ID_PREFIX)
    return CLIENT_ORDER_ID_PREFIX + parts.hexdigest()[:digits]


@lru_cache(maxsize=4096)
def _begun_hash(account: str, tag: str, symbol: Symbol) -> hashlib._Hash:
    """Give the hash of a list's canonical JSON as far as its first three parts."""
    return hashlib.sha256(canonical_json([account, tag, symbol])[:-1])
