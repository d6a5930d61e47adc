"""Log in and out: a key or a code for tokens, and new tokens for old."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field, model_validator

from trading_assets.domain.instants import iso_text
from trading_assets.interfaces.http_api.access import Pass
from trading_assets.interfaces.http_api.answers import REFUSALS, Shape
from trading_assets.interfaces.http_api.served import (
    LOG_INS_AT_ONCE,
    LOG_INS_PER_S,
    READS_AT_ONCE,
    READS_PER_S,
    Reader,
    Shown,
)

router = APIRouter(tags=["log in"])
Secret = Annotated[str, Field(min_length=8, max_length=200)]


class LogIn(Shape):
    """Either a key or a one-time code."""

    key: Secret | None = None
    code: Secret | None = None
    name: str = Field("", max_length=60)

    @model_validator(mode="after")
    def _one_of_both(self) -> LogIn:
        if (self.key is None) == (self.code is None):
            raise ValueError("either a key or a code")
        return self


class Renewed(Shape):
    """A refresh token; it can be used once."""

    refresh: Secret


class Tokens(BaseModel):
    """What a log-in gives; `expires_in` are seconds, of the access token."""

    access: str
    expires_in: int
    refresh: str
    scope: str
    name: str


class Me(BaseModel):
    """Whose token this is."""

    name: str
    scope: str
    expires: str


def _tokens(given: Pass) -> Tokens:
    return Tokens(**asdict(given))


@router.post("/api/token", responses=REFUSALS)
async def log_in(served: Shown, body: LogIn) -> Tokens:
    """Log in with the key of a scope, or with a code that counts once."""
    served.take("log-ins", "", per_s=LOG_INS_PER_S, burst=LOG_INS_AT_ONCE)
    if body.code is not None:
        return _tokens(served.access.by_code(body.code))
    return _tokens(served.access.by_key(body.key or "", body.name))


@router.post("/api/token/refresh", responses=REFUSALS)
async def renew(served: Shown, body: Renewed) -> Tokens:
    """Exchange a refresh token; one that comes a second time ends its session."""
    served.take("renewals", "", per_s=READS_PER_S, burst=READS_AT_ONCE)
    return _tokens(served.access.renew(body.refresh))


@router.post("/api/token/revoke", status_code=204, responses=REFUSALS)
async def log_out(served: Shown, body: Renewed) -> Response:
    """End the session of a refresh token."""
    served.access.revoke(body.refresh)
    return Response(status_code=204)


@router.get("/api/me", responses=REFUSALS)
async def me(identity: Reader) -> Me:
    """Say whose token this is."""
    return Me(name=identity.name, scope=identity.scope.text, expires=iso_text(identity.expires))
