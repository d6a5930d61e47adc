"""The short commands of a trader in a hurry: strategies by name, risk in basis points, panic."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from trading_assets.interfaces.http_api.answers import REFUSALS, Answer, Refusal
from trading_assets.interfaces.http_api.commands import ACCEPTED, require_book
from trading_assets.interfaces.http_api.served import Admin, Halting, Served, Shown, Trader
from trading_assets.interfaces.http_api.wishes import (
    SOURCE,
    BookName,
    FirstStep,
    Key,
    Wish,
    ask,
    at_once,
    first_step,
    who,
)

if TYPE_CHECKING:
    from trading_assets.workflows.control_book import Asked
    from trading_assets.workflows.panic import Flattened

router = APIRouter(tags=["commands"], responses=REFUSALS)


class Panic(Wish):
    """All books that have begun, or one of them; the second step repeats the nonce of the first."""

    book: BookName | None = None
    nonce: str = Field("", max_length=100)


class Halted(BaseModel):
    """The second step: the latch of every book is up, by command number."""

    halted: dict[str, int]


@router.post("/panic", status_code=202, responses={202: {"model": FirstStep | Halted}})
async def panic(served: Shown, identity: Halting, wish: Panic | None = None) -> Any:
    """Sell everything at market, in two steps; the second halts at once and then flattens."""
    from trading_assets.workflows.panic import flatten_all

    said = wish or Panic()
    books = _meant(served, said.book)
    subject = f"panic {','.join(books)} {identity.session}"
    if not said.nonce:
        nonce = await at_once(served, lambda: served.access.nonce(subject))
        return Answer(first_step(nonce, books), 202)

    def work() -> tuple[Flattened, ...]:
        served.access.confirm(said.nonce, subject)
        name, reason = who(said, identity), said.reason or "panic"
        return flatten_all(served.desk, books, who=name, reason=reason, source=SOURCE)

    found = await at_once(served, work)
    failed = [f"{each.book}: {each.failure}" for each in found if each.failure]
    if failed:
        raise Refusal(
            503,
            "Not every book took it; what could be halted is",
            found="; ".join(failed),
            fix="Look at /status: a latch may be up although its command could not be written.",
        )
    return Answer({"halted": {each.book: each.inbox_id for each in found}}, 202)


class OfStrategy(Wish):
    """A strategy by its tag; the book may be left out where only one has begun."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")
    book: BookName | None = None


class Risk(OfStrategy):
    """Risk per trade in basis points of equity; it can only become less."""

    bps: float = Field(gt=0, le=10_000)


class Allocation(OfStrategy):
    """Share of what the release gives the strategy, above 0 to 1; it can only become less."""

    weight: float = Field(gt=0, le=1)


@router.post("/strategy/stop", status_code=202, responses=ACCEPTED)
async def stop_one(
    request: Request, served: Shown, identity: Trader, wish: OfStrategy, key: Key
) -> Any:
    """Stop the entries of one strategy; its exits go on."""
    from trading_assets.workflows.control_strategy import stop_strategy

    put = partial(stop_strategy, served.desk, _only(served, wish.book), wish.name)
    return await ask(served, request, identity, key, wish, put)


@router.post("/strategy/start", status_code=202, responses=ACCEPTED)
async def start_one(
    request: Request, served: Shown, identity: Admin, wish: OfStrategy, key: Key
) -> Any:
    """Take back a stop that a person gave; a halt or a pause stays."""
    from trading_assets.workflows.start_strategy import start_strategy

    put = partial(start_strategy, served.desk, _only(served, wish.book), wish.name)
    return await ask(served, request, identity, key, wish, put)


@router.post("/risk", status_code=202, responses=ACCEPTED)
async def risk(request: Request, served: Shown, identity: Trader, wish: Risk, key: Key) -> Any:
    """Let a strategy risk less per trade."""
    put = _smaller(served, wish, {"risk_bps": str(wish.bps)})
    return await ask(served, request, identity, key, wish, put)


@router.post("/alloc", status_code=202, responses=ACCEPTED)
async def allocate(
    request: Request, served: Shown, identity: Trader, wish: Allocation, key: Key
) -> Any:
    """Give a strategy less of the account."""
    put = _smaller(served, wish, {"weight": str(wish.weight)})
    return await ask(served, request, identity, key, wish, put)


def _smaller(served: Served, wish: OfStrategy, limits: dict[str, str]) -> Callable[..., Asked]:
    from trading_assets.workflows.control_strategy import tighten_strategy

    return partial(tighten_strategy, served.desk, _only(served, wish.book), wish.name, limits)


def _only(served: Served, book: str | None) -> str:
    """Give the book that is meant, where only one can be."""
    found = _meant(served, book)
    if len(found) != 1:
        raise Refusal(
            409,
            "Which book is meant?",
            expected="`book` in the body, or one book that has begun",
            found=", ".join(found) or "none has begun",
        )
    return found[0]


def _meant(served: Served, book: str | None) -> list[str]:
    """Give the books that are meant: one by name, else each that has begun."""
    from trading_assets.workflows.book_history import has_journal

    if book is not None:
        require_book(served, book)
        return [book]
    return [name for name in sorted(served.desk.settings.books) if has_journal(served.desk, name)]
