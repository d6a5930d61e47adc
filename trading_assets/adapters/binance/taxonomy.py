"""What an answer of the venue means for the request: one table, by status first, then by code."""

from __future__ import annotations

import re
from enum import Enum


class Meaning(Enum):
    """What is certain after an answer that is not a yes."""

    REFUSED = "definite refusal; what was asked for does not exist"
    CLOCK_REFUSED = "definite refusal for the timestamp; measure the clock again"
    LIMITED = "not executed; wait as long as the venue says"
    BANNED = "not executed; this address is shut out for minutes to days"
    UNKNOWN = "may have been executed, or may yet be"
    UNLISTED = "a refusal by a code that is not known: nothing follows from it"


_LIMITS = frozenset({-1003, -1015})
_CLOCK = -1021
_ENGINE = -2010
_UNKNOWN = frozenset({-1000, -1001, -1006, -1007, -1008})
_REFUSALS = frozenset({
    -1002, -1013, -1014, -1020, -1022,
    -2008, -2010, -2011, -2013, -2014, -2015, -2021, -2022, -2026,
    *range(-1199, -1099),
})  # fmt: skip
_SECRETS = re.compile(
    r"((?:signature|apiKey|listenKey|X-MBX-APIKEY)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',}]+"
    r"|\b[0-9A-Za-z]{64}\b",
    re.IGNORECASE,
)


def meaning(status: int, code: int, message: str = "") -> Meaning:
    """Classify an answer.

    Args:
        status: of HTTP; 0 when the answer was not even JSON.
        code: the venue's own, 0 when it gave none: then it is a proxy that speaks.
        message: the venue's words; one code has two meanings.
    """
    if status == 418:
        return Meaning.BANNED
    if status == 429 or code in _LIMITS:
        return Meaning.LIMITED
    if not 400 <= status < 500 or code == 0 or code in _UNKNOWN:
        return Meaning.UNKNOWN
    if code == _CLOCK:
        return Meaning.CLOCK_REFUSED
    if code == _ENGINE and "duplicate" in message.lower():
        return Meaning.UNKNOWN  # there is an order of this name: ask what it is
    return Meaning.REFUSED if code in _REFUSALS else Meaning.UNLISTED


def without_secrets(text: str) -> str:
    """Strip what could be a signature or a key from words of the venue or of a library."""
    return _SECRETS.sub(lambda found: f"{found.group(1) or ''}...", text)
