"""What people ask of a book over HTTP: bodies, and keys that make a repetition harmless."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from anyio import to_thread
from fastapi import Header, Request
from pydantic import BaseModel, Field, StringConstraints

from trading_assets.domain.errors import TradingAssetsError
from trading_assets.interfaces.http_api.access import NONCE_S, Identity
from trading_assets.interfaces.http_api.answers import Answer, Refusal, Shape, status_of
from trading_assets.interfaces.http_api.served import Served, request_digest

if TYPE_CHECKING:
    from starlette.responses import Response

    from trading_assets.workflows.control_book import Asked

SOURCE = "http"
Answered = TypeVar("Answered")

BookName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")]
Reason = Annotated[str, Field(max_length=500)]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[A-Za-z0-9_-]{8,64}$",
        description="The same key with the same request gives the first answer again.",
    ),
]


class Wish(Shape):
    """Why, and who says so; the token's name is added to who."""

    reason: Reason = ""
    who: str = Field("", max_length=60)


class Taken(BaseModel):
    """A command that stands in the inbox; without a running executor the next start takes it."""

    command: int
    is_running: bool


class FirstStep(BaseModel):
    """The first of two steps: ask once more with the nonce to sell everything at market."""

    nonce: str
    expires_in: int
    books: list[str]


def first_step(nonce: str, books: list[str]) -> dict[str, Any]:
    """Give the first of two steps as it is answered; seconds until the nonce is worth nothing."""
    return {"nonce": nonce, "expires_in": NONCE_S, "books": books}


def who(wish: Wish, identity: Identity) -> str:
    """Name the person for the journal: as they say, and by whose token."""
    return f"{wish.who} ({identity.name})" if wish.who else identity.name


def taken(asked: Asked) -> dict[str, Any]:
    """Give a command as it is answered."""
    return {"command": asked.inbox_id, "is_running": asked.is_running}


async def at_once(served: Served, work: Callable[[], Answered]) -> Answered:
    """Run what blocks in threads that reads never fill, so that a halt waits for none of them."""
    return await to_thread.run_sync(work, limiter=served.commands)


async def once(
    served: Served,
    request: Request,
    identity: Identity,
    key: str,
    work: Callable[[], Mapping[str, Any]],
    *,
    status: int = 202,
) -> Response:
    """Do something, and remember the answer by its key; a repetition does nothing again.

    Raises:
        Refusal: 422 if the key stood for another request; 409 if the first one has not been
            answered: it is under way, or was cut off, and nobody knows whether it was taken.
    """
    digest = request_digest(request.method, request.url.path, await request.body())
    name, now = identity.name, served.desk.clock.now()

    def worked() -> tuple[int, bytes]:
        kept = served.store.begin_answer(name, key, digest, now)
        if kept is None:
            code, body = _answered(work, status)
            served.store.keep_answer(name, key, code, body)
            return code, body
        if kept.request != digest:
            raise Refusal(
                422,
                "This Idempotency-Key stands for another request",
                fix="Make a new key for each thing that you ask.",
            )
        if kept.status is None or kept.body is None:
            raise Refusal(
                409,
                "The first request of this key has no answer yet",
                fix="Look at the events of the book whether it was taken, then use a new key.",
            )
        return kept.status, kept.body

    code, body = await at_once(served, worked)
    answer = Answer(None, code)
    answer.body = body
    answer.headers["content-length"] = str(len(body))
    return answer


async def ask(
    served: Served,
    request: Request,
    identity: Identity,
    key: str,
    wish: Wish,
    put: Callable[..., Asked],
) -> Response:
    """Put a command into an inbox, once; `put` takes `who`, `reason` and `source`."""

    def work() -> dict[str, Any]:
        return taken(put(who=who(wish, identity), reason=wish.reason, source=SOURCE))

    return await once(served, request, identity, key, work)


def _answered(work: Callable[[], Mapping[str, Any]], status: int) -> tuple[int, bytes]:
    """Do it; a refusal of the desk is an answer, a fault of this program is none."""
    try:
        answer = Answer(work(), status)
    except Refusal as refusal:
        answer = Answer(refusal.values, refusal.status_code)
    except TradingAssetsError as error:
        told = Refusal.of(status_of(error), error)
        answer = Answer(told.values, told.status_code)
    return answer.status_code, bytes(answer.body)
