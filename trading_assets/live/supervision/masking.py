"""Keeps secrets out of whatever is logged: known values, and everything that looks like one."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

_STARS = "***"
_SHAPES = (
    re.compile(r"(?i)(signature[\"']?\s*[=:]\s*[\"']?)[^&\s\"',;}]+"),
    re.compile(
        r"(?i)((?:x-mbx-apikey|api[_-]?key|api[_-]?secret)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',;}]+"
    ),
    re.compile(r"(?i)(authorization[\"']?\s*[=:]\s*[\"']?(?:bearer|basic|token)?\s*)[^\s\"',;}]+"),
    re.compile(
        r"(?i)((?:listen[_-]?key|token|password|secret)[\"']?\s*[=:]\s*[\"']?)[^&\s\"',;}]+"
    ),
    re.compile(r"()(?<!\d)\d{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),  # a bot's token
)
_NAMES = re.compile(
    r"(?i)secret|passw|passphrase|token|api_?key|apikey|authorization|signature|listen_?key|cookie"
)
"""Names of values that are secret whatever they look like."""

_SHORTEST = 6
"""A known secret shorter than this would mask ordinary words."""


class Masking(logging.Filter):
    """A filter for log handlers; it changes texts and lets every record pass."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """Remember the values that must never be written."""
        super().__init__()
        self._secrets = sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True)

    def masked(self, text: str) -> str:
        """Give a text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _STARS)
        for shape in _SHAPES:
            text = shape.sub(rf"\1{_STARS}", text)
        return text

    def masked_values(self, value: Any) -> Any:
        """Give a structure without secrets: texts masked, and texts under a telling name hidden."""
        if isinstance(value, str):
            return self.masked(value)
        if isinstance(value, bytes):
            return self.masked(value.decode(errors="replace"))
        if isinstance(value, Mapping):
            return {name: self._named(name, each) for name, each in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.masked_values(each) for each in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return self.masked(str(value))

    def _named(self, name: Any, value: Any) -> Any:
        is_secret = isinstance(value, str | bytes) and _NAMES.search(str(name))
        return _STARS if is_secret and value else self.masked_values(value)

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record's message, its arguments and its exception included."""
        record.msg = self.masked(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self.masked(record.exc_text)
            record.exc_info = None
        return True
