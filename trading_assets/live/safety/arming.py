"""The arm token: a person's leave to trade one release with real money, for a while.

It names book, account, venue host and release, and is sealed with the account's own secret: a token
of another account, or one that was edited, opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import BookArmed, Event
from trading_assets.domain.ids import Micros, canonical_json


@dataclass(frozen=True, slots=True)
class ArmToken:
    """What a person has allowed.

    Attributes:
        host: of the venue, as the settings name it.
        fallback: the release before, to which the book may go back by the same leave; "" for none.
        by, reason: the approval: who, and why.
        armed, expires: the machine's clock, microseconds UTC.
        capital: most of the equity, in quote, that strategies are given; "" for all of it.
        step: of the ramp, from 0.
        conduct_id: of the report on the release's probation that the leave stands on.
    """

    book: str
    account: str
    host: str
    release_id: str
    by: str
    reason: str
    armed: Micros
    expires: Micros
    fallback: str = ""
    capital: str = ""
    step: int = 0
    conduct_id: str = ""


def seal(token: ArmToken, secret: str) -> bytes:
    """Give a token as the bytes of its file."""
    values = asdict(token)
    return canonical_json({**values, "seal": _seal(values, secret)}) + b"\n"


def unseal(data: bytes, secret: str) -> ArmToken:
    """Read what `seal` gave.

    Raises:
        ConfigurationError: if the bytes are no token, or were sealed with another secret.
    """
    try:
        values: dict[str, Any] = json.loads(data)
        found = str(values.pop("seal"))
        token = ArmToken(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable("bytes that are no token") from error
    if not hmac.compare_digest(found.encode(), _seal(values, secret).encode()):
        raise _unusable("a seal of another account, or a token that was edited")
    return token


def require_fit(
    token: ArmToken, *, book: str, account: str, host: str, release_id: str, now: Micros
) -> None:
    """Refuse a token that is not for this book, account, host, release and moment.

    Args:
        token: what a person has allowed.
        book: about to be traded.
        account: whose money it is.
        host: of the venue.
        release_id: about to be traded; "" where that is not known yet.
        now: the machine's clock, microseconds UTC.

    Raises:
        ConfigurationError: naming the first thing that differs.
    """
    asked = {"book": book, "account": account, "host": host}
    for name, value in asked.items():
        if value and getattr(token, name) != value:
            raise _unusable(f"a token for {name} {getattr(token, name)}", f"{name} {value}")
    if release_id and release_id not in (token.release_id, token.fallback):
        found = " or ".join(name for name in (token.release_id, token.fallback) if name)
        raise _unusable(f"a token for release_id {found}", f"release_id {release_id}")
    if not token.armed <= now < token.expires:
        raise _unusable("a token that has expired, or is of a time to come")


def _seal(values: dict[str, Any], secret: str) -> str:
    return hmac.new(secret.encode(), canonical_json(values), hashlib.sha256).hexdigest()


def _unusable(found: str, expected: str = "an arm token of this book") -> ConfigurationError:
    return ConfigurationError(
        "The book is not armed for real money",
        expected=expected,
        found=found,
        fix="A person arms it: `trading-assets arm --book <book> --release <id> --reason ... "
        "--by ...`.",
    )


def approval(token: ArmToken | None, ts: Micros) -> list[Event]:
    """Give what stands in the journal of the leave that a book trades real money by."""
    if token is None:
        return []
    return [
        BookArmed(
            ts,
            token.by,
            token.reason,
            token.host,
            token.release_id,
            token.expires,
            token.fallback,
            Decimal(token.capital) if token.capital else None,
            token.step,
            token.conduct_id,
        )
    ]
