"""Request parameters: read from the raw bytes, checked and converted with the venue's errors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from trading_assets.exchange import errors
from trading_assets.exchange.errors import Refused

DECIMAL_PATTERN = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
CLIENT_ID_PATTERN = r"^[a-zA-Z0-9-_]{1,36}$"
INTEGER_PATTERN = r"^[0-9]{1,20}$"
_SYMBOL_PATTERN = r"^[A-Z0-9-_.]{1,20}$"
_DECIMAL = re.compile(DECIMAL_PATTERN[1:-1])
_CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_INTEGER = re.compile(INTEGER_PATTERN[1:-1])
_SYMBOL = re.compile(r"[A-Z0-9\-_.]{1,20}")
_MAX_INT64 = 2**63 - 1
_DECIMALS = 8
_PAIR_LIMIT = 64
_WINDOW = ("startTime", "endTime")
_MICROS_FROM = 10**15

E = TypeVar("E", bound=Enum)


def split_pairs(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Split an undecoded query or form body into its (name, value) pairs, in order."""
    pairs = []
    for part in raw.split(b"&", _PAIR_LIMIT):
        if part:
            name, _, value = part.partition(b"=")
            pairs.append((name, value))
    return pairs


def _decode(raw: bytes) -> str:
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")


class Parameters:
    """The parameters of one request; the query wins over the body on duplicates.

    Every `get_*` and `need_*` counts its name as read; `refuse_unread` then finds strangers.
    """

    def __init__(self, query: bytes = b"", body: bytes = b"") -> None:
        self._values: dict[str, str] = {}
        self._read: set[str] = {"timestamp", "recvWindow", "signature"}
        for raw in (body, query):
            names = set()
            for raw_name, raw_value in split_pairs(raw):
                name = _decode(raw_name)
                if name in names:
                    raise errors.duplicate_parameter()
                names.add(name)
                self._values[name] = _decode(raw_value)

    def __contains__(self, name: str) -> bool:
        """Whether the parameter was sent, even empty."""
        return name in self._values

    def text(self, name: str) -> str | None:
        """Give the value, or None when it was not sent or is empty."""
        self._read.add(name)
        return self._values.get(name) or None

    def need_text(self, name: str) -> str:
        """Give the value of a mandatory parameter."""
        value = self.text(name)
        if value is None:
            raise errors.missing(name)
        return value

    def symbol(self) -> str | None:
        """Give the optional `symbol`, well-formed but perhaps not listed."""
        value = self.text("symbol")
        if value is not None and not _SYMBOL.fullmatch(value):
            raise errors.illegal_characters("symbol", _SYMBOL_PATTERN)
        return value

    def need_symbol(self) -> str:
        """Give the mandatory `symbol`."""
        value = self.symbol()
        if value is None:
            raise errors.missing("symbol")
        return value

    def integer(self, name: str) -> int | None:
        """Give a whole number of at most 64 bits, or None; the ends of a window in milliseconds."""
        value = self.text(name)
        if value is None:
            if name in self._values:
                raise errors.missing(name)
            return None
        if not _INTEGER.fullmatch(value):
            raise errors.illegal_characters(name, INTEGER_PATTERN)
        number = int(value)
        if number > _MAX_INT64:
            raise Refused(-1108, f"Parameter '{name}' overflowed.")
        # As for `timestamp`, 16 digits are microseconds.
        return number // 1_000 if name in _WINDOW and number >= _MICROS_FROM else number

    def need_integer(self, name: str) -> int:
        """Give a mandatory whole number."""
        value = self.integer(name)
        if value is None:
            raise errors.missing(name)
        return value

    def limit(self, default: int, maximum: int) -> int:
        """Give `limit`; more than the maximum is capped, as the venue does."""
        value = self.integer("limit")
        if value is None:
            return default
        if value < 1:
            raise Refused(-1130, "Data sent for parameter 'limit' is not valid.")
        return min(value, maximum)

    def decimal(self, name: str) -> Decimal | None:
        """Give a plain decimal of at most 8 places, or None; scientific notation is refused."""
        value = self.text(name)
        if value is None:
            if name in self._values:
                raise errors.missing(name)
            return None
        if not _DECIMAL.fullmatch(value):
            raise errors.illegal_characters(name, DECIMAL_PATTERN)
        number = Decimal(value).normalize()
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > _DECIMALS:
            raise errors.too_precise(name)
        return number

    def need_decimal(self, name: str) -> Decimal:
        """Give a mandatory decimal."""
        value = self.decimal(name)
        if value is None:
            raise errors.missing(name)
        return value

    def choice(self, name: str, kind: type[E], refusal: Refused) -> E | None:
        """Give the member of `kind` named by the value, or None; refuse an unknown name."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return kind[value]
        except KeyError:
            raise refusal from None

    def flag(self, name: str) -> bool:
        """Give an optional truth, false when it was not sent."""
        value = self.text(name)
        if value is not None and value.lower() not in {"true", "false"}:
            raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.")
        return value is not None and value.lower() == "true"

    def renamed(self, names: Mapping[str, str], added: Mapping[str, str]) -> Parameters:
        """Give the same request with other names (new: old), and some parameters more."""
        other = Parameters()
        old = {theirs: ours for ours, theirs in names.items()}
        other._values = {old.get(name, name): text for name, text in self._values.items()}
        other._values |= added
        return other

    def client_id(self, name: str) -> str | None:
        """Give a client order id, or None."""
        value = self.text(name)
        if value is not None and not _CLIENT_ID.fullmatch(value):
            raise errors.illegal_characters(name, CLIENT_ID_PATTERN)
        return value

    def allow(self, *names: str) -> None:
        """Accept parameters whose value does not matter here."""
        self._read.update(names)

    def refuse_unread(self) -> None:
        """Refuse the request when it carries parameters that nothing read.

        Raises:
            Refused: -1104, as the venue answers.
        """
        strangers = self._values.keys() - self._read
        if strangers:
            sent = len(self._values)
            raise errors.unread(sent - len(strangers), sent)
