"""What is answered: JSON that every reader can take, and refusals that say what to do."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from trading_assets.domain.errors import (
    ConfigurationError,
    ConflictError,
    CorruptFile,
    DataError,
    MissingPartition,
    NotTraded,
    StorageUnavailable,
    TradingAssetsError,
    UnknownSymbol,
)
from trading_assets.domain.instants import instant_from_any, iso_text


class Shape(BaseModel):
    """A body; what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Error(BaseModel):
    """What is wrong, and what to do next."""

    error: str
    expected: str = ""
    found: str = ""
    fix: str = ""
    details: list[dict[str, str]] = []


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Error, "description": text}
    for status, text in (
        (400, "The body cannot be read"),
        (401, "No token, or one that is forged, expired or taken back"),
        (403, "The token may not do that, or the page is somebody else's"),
        (404, "There is no such thing"),
        (409, "The desk's state does not allow it"),
        (413, "The body is too large"),
        (415, "The body is no JSON"),
        (421, "Another host was asked"),
        (422, "The request is not as it has to be"),
        (429, "Too many requests"),
        (503, "The desk cannot answer now"),
    )
}
"""What any route may answer instead."""


class Refusal(HTTPException):
    """An answer that is not what was asked for."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        expected: str = "",
        found: str = "",
        fix: str = "",
        retry_after_s: int = 0,
    ) -> None:
        """Describe it.

        Args:
            status: of HTTP.
            error: what is wrong, as a sentence.
            expected: what would have been right.
            found: what was there instead.
            fix: what to do next.
            retry_after_s: above 0 says when to ask again.
        """
        super().__init__(status, error)
        self.retry_after_s = retry_after_s
        texts = {"error": error, "expected": expected, "found": found, "fix": fix}
        self.values = {name: text for name, text in texts.items() if text}

    @classmethod
    def of(cls, status: int, error: TradingAssetsError) -> Refusal:
        """Tell an error of the desk."""
        return cls(status, error.what, expected=error.expected, found=error.found, fix=error.fix)


class Answer(JSONResponse):
    """ASCII JSON without NaN: not a number is null, instants are ISO 8601 with Z."""

    def render(self, content: Any) -> bytes:
        """Encode it."""
        return json.dumps(plain(content), allow_nan=False, separators=(",", ":")).encode()


def refused(refusal: Refusal) -> Answer:
    """Give the answer of a refusal."""
    headers = {"Cache-Control": "no-store"}
    if refusal.retry_after_s:
        headers["Retry-After"] = str(refusal.retry_after_s)
    if refusal.status_code == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Answer(refusal.values, refusal.status_code, headers)


def status_of(error: TradingAssetsError) -> int:
    """Give the status of an error of the desk."""
    if isinstance(error, MissingPartition | UnknownSymbol | NotTraded):
        return 404
    if isinstance(error, ConfigurationError | ConflictError):
        return 409
    if isinstance(error, CorruptFile | StorageUnavailable):
        return 503
    return 422 if isinstance(error, DataError) else 503


def plain(value: Any) -> Any:
    """Give a value as JSON knows it; exact amounts are text."""
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [plain(inner) for inner in value]
    return _single(value)


def _single(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return iso_text(instant_from_any(value))
    return f"{value:f}" if isinstance(value, Decimal) else _text(value)


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
