"""The short commands of a trader in a hurry: strategies by name, risk in basis points, panic."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from trading_assets.domain.control import HaltLevel
from trading_assets.interfaces.http_api.access import NONCE_S
from trading_assets.interfaces.http_api.answers import REFUSALS, Answer
from trading_assets.interfaces.http_api.commands import require_book
from trading_assets.interfaces.http_api.served import Halting, Served, Shown
from trading_assets.interfaces.http_api.wishes import (
    SOURCE,
    BookName,
    Wish,
    at_once,
    who,
)

router = APIRouter(tags=["commands"], responses=REFUSALS)


class Panic(Wish):
    """All books that are run, or one of them; the second step repeats the nonce of the first."""

    book: BookName | None = None
    nonce: str = Field("", max_length=100)


class Asked(BaseModel):
    """The first step: repeat it with the nonce to sell everything at market."""

    nonce: str
    expires_in: int
    books: list[str]


class Halted(BaseModel):
    """The second step: the latch of every book is up, by command number."""

    halted: dict[str, int]


@router.post("/panic", status_code=202, responses={202: {"model": Asked | Halted}})
async def panic(served: Shown, identity: Halting, wish: Panic | None = None) -> Any:
    """Sell everything at market, in two steps; the second halts at once and then flattens."""
    from trading_assets.workflows.control_book import halt_book

    said = wish or Panic()
    books = _panicking(served, said.book)
    subject = f"panic {','.join(books)} {identity.session}"
    if not said.nonce:
        nonce = await at_once(served, lambda: served.access.nonce(subject))
        return Answer({"nonce": nonce, "expires_in": NONCE_S, "books": books}, 202)

    def work() -> dict[str, int]:
        served.access.confirm(said.nonce, subject)
        name, reason = who(said, identity), said.reason or "panic"
        return {
            book: halt_book(
                served.desk,
                book,
                level=HaltLevel.FLATTEN,
                who=name,
                reason=reason,
                source=SOURCE,
            ).inbox_id
            for book in books
        }

    return Answer({"halted": await at_once(served, work)}, 202)


def _panicking(served: Served, book: str | None) -> list[str]:
    """Give the books that are meant: one by name, else each that has begun."""
    from trading_assets.workflows.book_history import has_journal

    if book is not None:
        require_book(served, book)
        return [book]
    return [name for name in sorted(served.desk.settings.books) if has_journal(served.desk, name)]
