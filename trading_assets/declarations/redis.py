"""Settings of the Redis server to which news of the desk is mirrored."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from trading_assets.declarations.declaration import Declaration

MOST_AT_ONCE = 100
"""Entries of one transaction; a stream holds more."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _is_safe(url: str) -> str:
    found = urlsplit(url)
    is_near = found.scheme == "redis" and found.hostname in _LOOPBACK
    if not (found.hostname and (found.scheme == "rediss" or is_near)):
        raise ValueError("an address with rediss (TLS), or redis on loopback")
    if found.username is not None or found.password is not None:
        raise ValueError("an address without name or password: username, and TA_REDIS_PASSWORD")
    if found.query or found.fragment or not (found.path.strip("/") or "0").isdecimal():
        raise ValueError("an address with no more than the number of a database, such as /0")
    return url


class Redis(Declaration):
    """Where the mirror writes; its password is a secret, see `Secrets.redis_password`.

    Attributes:
        url: `rediss://host:port/0`, or `redis://` on loopback.
        username: of an ACL; "" is Redis's own `default`.
        max_entries: what a stream keeps; older entries are trimmed.
        poll_s: how often the desk's stores are looked at.
        timeout_s: of connecting, and of each answer.
    """

    url: Annotated[str, AfterValidator(_is_safe)]
    username: str
    max_entries: int = Field(ge=MOST_AT_ONCE)
    poll_s: float = Field(gt=0, le=60)
    timeout_s: float = Field(gt=0, le=60)
