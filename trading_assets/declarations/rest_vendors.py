"""Vendors with a REST API and a key: EODHD, and Polygon (now named Massive)."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from trading_assets.declarations.bar_source import BarSource


class RestVendor(BarSource):
    """What is true of every vendor with a key. The key itself is a secret, never declared here.

    Attributes:
        url: of the vendor, without a path. Only this machine may be asked without TLS.
        requests_per_minute: that a process sends at most.
        max_attempts: of one read.
        timeout_s: of connecting, and of each silence while reading.
        delay_minutes: how long after its end a bar is there for certain.
    """

    silent_minutes: Literal["bars", "absent"] = "absent"
    url: str
    requests_per_minute: int = Field(ge=1)
    max_attempts: int = Field(default=5, ge=1, le=20)
    timeout_s: float = Field(default=30.0, gt=0, le=120)
    delay_minutes: int = Field(ge=0)

    @field_validator("url")
    @classmethod
    def _key_travels_safely(cls, value: str) -> str:
        parts = urlsplit(value)
        is_local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.path.strip("/") or parts.query or not parts.hostname or "@" in parts.netloc:
            raise ValueError("a scheme and a host, such as https://example.com")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
            raise ValueError("https, since the key travels with every request")
        return value


class Eodhd(RestVendor):
    """EODHD: daily bars as traded, or minutes; a day's minutes come hours after the session."""

    kind: Literal["eodhd"]
    timeframe: Literal["1m", "1d"] = "1d"
    url: str = "https://eodhd.com"
    requests_per_minute: int = Field(default=600, ge=1)
    delay_minutes: int = Field(default=240, ge=0)


class Polygon(RestVendor):
    """Polygon's minutes, not adjusted for splits; the free plan allows 5 requests a minute.

    Attributes:
        stream_url: of the WebSocket of one market, such as `wss://delayed.massive.com/stocks`.
        stream_delay_minutes: how late it is by the plan: 15 for that one, 0 for real time.
    """

    kind: Literal["polygon"]
    timeframe: Literal["1m"] = "1m"
    url: str = "https://api.polygon.io"
    requests_per_minute: int = Field(default=5, ge=1)
    delay_minutes: int = Field(default=20, ge=0)
    stream_url: str = "wss://socket.massive.com/stocks"
    stream_delay_minutes: int = Field(default=0, ge=0)

    @field_validator("stream_url")
    @classmethod
    def _key_is_streamed_safely(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("a scheme, a host and a path, such as wss://example.com/stocks")
        is_local = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.scheme != "wss" and not (parts.scheme == "ws" and is_local):
            raise ValueError("wss, since the key is the first thing that is sent")
        return value
