"""What a book is asked over HTTP; nothing here can loosen what its release allows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.domain.errors import RecoveryError
from trading_assets.interfaces.http_api.access import Identity
from trading_assets.interfaces.http_api.answers import REFUSALS, Answer, Refusal
from trading_assets.interfaces.http_api.served import Admin, Halting, Served, Shown, Trader
from trading_assets.interfaces.http_api.wishes import (
    SOURCE,
    BookName,
    FirstStep,
    Key,
    Taken,
    Wish,
    ask,
    at_once,
    first_step,
    taken,
    who,
)

if TYPE_CHECKING:
    from trading_assets.workflows.control_book import Asked

router = APIRouter(prefix="/api/books/{book}", tags=["commands"], responses=REFUSALS)
ACCEPTED: dict[int | str, dict[str, Any]] = {202: {"model": Taken}}


class Confirmed(Wish):
    """A wish in two steps; the second one repeats the nonce of the first."""

    nonce: str = Field("", max_length=100)


class Tighter(Wish):
    """Limits by name, as numbers or text; see docs/how-to/stop-a-book.md."""

    limits: dict[str, float | str] = Field(min_length=1, max_length=10)


class Acknowledged(Wish):
    """A symbol that a policy has paused, or `all` for what pauses the book."""

    symbol: str = Field(min_length=1, max_length=20)


class Resumed(Wish):
    """The code of the halt that is lifted."""

    code: str = Field(min_length=1, max_length=20)


async def stop(
    served: Served, identity: Identity, book: str, level: HaltLevel, wish: Wish | None
) -> Response:
    """Put the latch up; it is up when the answer comes."""
    from trading_assets.workflows.control_book import halt_book

    said = wish or Wish()
    require_book(served, book)

    def work() -> dict[str, Any]:
        name = who(said, identity)
        try:
            asked = halt_book(
                served.desk, book, level=level, who=name, reason=said.reason, source=SOURCE
            )
        except RecoveryError as error:
            what = f"{error.what}; the book is halted all the same, by its latch"
            raise Refusal(503, what, found=error.found) from None
        return taken(asked)

    return Answer(await at_once(served, work), 202)


@router.post("/pause", status_code=202, responses=ACCEPTED)
async def pause(served: Shown, identity: Halting, book: BookName, wish: Wish | None = None) -> Any:
    """Stop entries; what works at the venue stays."""
    return await stop(served, identity, book, HaltLevel.PAUSE, wish)


@router.post("/halt", status_code=202, responses=ACCEPTED)
async def halt(served: Shown, identity: Halting, book: BookName, wish: Wish | None = None) -> Any:
    """Stop entries and withdraw those that work at the venue; exits stay."""
    return await stop(served, identity, book, HaltLevel.HALT, wish)


@router.post("/flatten", status_code=202, responses={202: {"model": FirstStep | Taken}})
async def flatten(
    served: Shown, identity: Halting, book: BookName, wish: Confirmed | None = None
) -> Any:
    """Sell what the book holds at market; in two steps, the second with the nonce of the first."""
    said = wish or Confirmed()
    require_book(served, book)
    subject = f"flatten {book} {identity.session}"
    if not said.nonce:
        nonce = await at_once(served, lambda: served.access.nonce(subject))
        return Answer(first_step(nonce, [book]), 202)
    await at_once(served, lambda: served.access.confirm(said.nonce, subject))
    return await stop(served, identity, book, HaltLevel.FLATTEN, said)


@router.post("/cancel-all", status_code=202, responses=ACCEPTED)
async def cancel_all(
    request: Request, served: Shown, identity: Trader, book: BookName, wish: Wish, key: Key
) -> Any:
    """Withdraw every order that works at the venue; the book trades on."""
    put = _putting(served, book, CommandKind.CANCEL_ALL)
    return await ask(served, request, identity, key, wish, put)


@router.post("/reconcile", status_code=202, responses=ACCEPTED)
async def reconcile(
    request: Request, served: Shown, identity: Trader, book: BookName, wish: Wish, key: Key
) -> Any:
    """Compare book and account now."""
    put = _putting(served, book, CommandKind.RECONCILE_STATE)
    return await ask(served, request, identity, key, wish, put)


@router.post("/snapshot", status_code=202, responses=ACCEPTED)
async def snapshot(
    request: Request, served: Shown, identity: Trader, book: BookName, wish: Wish, key: Key
) -> Any:
    """Write a snapshot beside the journal now."""
    put = _putting(served, book, CommandKind.SAVE_SNAPSHOT)
    return await ask(served, request, identity, key, wish, put)


@router.post("/acknowledge", status_code=202, responses=ACCEPTED)
async def acknowledge(
    request: Request, served: Shown, identity: Trader, book: BookName, wish: Acknowledged, key: Key
) -> Any:
    """Allow entries of a symbol again that a policy has paused."""
    symbol = wish.symbol.upper()
    arguments = {"symbol": "" if symbol == "ALL" else symbol}
    put = _putting(served, book, CommandKind.ACKNOWLEDGE_SYMBOL, arguments)
    return await ask(served, request, identity, key, wish, put)


@router.post("/tighten", status_code=202, responses=ACCEPTED)
async def tighten(
    request: Request, served: Shown, identity: Trader, book: BookName, wish: Tighter, key: Key
) -> Any:
    """Make limits of entries tighter; a looser one is refused."""
    from trading_assets.workflows.control_book import tighten_book

    require_book(served, book)
    limits = {name: str(value) for name, value in wish.limits.items()}
    put = partial(tighten_book, served.desk, book, limits)
    return await ask(served, request, identity, key, wish, put)


@router.post("/resume", status_code=202, responses=ACCEPTED)
async def resume(
    request: Request, served: Shown, identity: Admin, book: BookName, wish: Resumed, key: Key
) -> Any:
    """Allow entries of a halted book again, by the code of the halt in force."""
    from trading_assets.workflows.resume_book import resume_book

    require_book(served, book)

    def put(*, who: str, reason: str, source: str) -> Asked:
        return resume_book(
            served.desk, book, reason=reason, operator=who, code=wish.code, source=source
        )

    return await ask(served, request, identity, key, wish, put)


def require_book(served: Served, book: str) -> None:
    """Refuse a book that the settings do not have.

    Raises:
        Refusal: 404.
    """
    books = served.desk.settings.books
    if book not in books:
        raise Refusal(404, "No such book", expected=", ".join(sorted(books)), found=book)


def _putting(
    served: Served, book: str, kind: CommandKind, arguments: dict[str, str] | None = None
) -> Callable[..., Asked]:
    from trading_assets.workflows.control_book import ask_book

    require_book(served, book)
    return partial(ask_book, served.desk, book, kind, arguments=arguments)
