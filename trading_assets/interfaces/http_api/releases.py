"""What a book has traded, trades and may trade; and a person's leave to trade real money."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from trading_assets.domain.instants import iso_text
from trading_assets.interfaces.http_api.answers import REFUSALS
from trading_assets.interfaces.http_api.commands import require_book
from trading_assets.interfaces.http_api.served import Admin, Reader, Shown
from trading_assets.interfaces.http_api.wishes import BookName, Key, Wish, once, who

router = APIRouter(prefix="/api/books/{book}", tags=["promotion"], responses=REFUSALS)
RELEASE = r"^[0-9a-f]{8,64}$"


class Releases(BaseModel):
    """Champion, previous and challenger by the ledgers, and every change so far, newest first."""

    champion: dict[str, Any] | None
    previous: dict[str, Any] | None
    challenger: dict[str, Any] | None
    history: list[dict[str, Any]]


class Approval(Wish):
    """A release, how long it may trade real money, and the key that only people have.

    `arm_key` is the content of a file that `trading-assets control keys` names. No token stands for
    it, and nothing that Dagster runs can get to what it is asked for.
    """

    release_id: str = Field(pattern=RELEASE)
    hours: int = Field(24, ge=1, le=24 * 31)
    fallback: str = Field("", pattern=r"^([0-9a-f]{8,64})?$")
    step: int = Field(-1, ge=-1, le=100)
    arm_key: str = Field(min_length=8, max_length=200)


class Armed(BaseModel):
    """The leave that was written."""

    release_id: str
    host: str
    expires: str
    capital: str
    step: int


@router.get("/releases")
def releases(served: Shown, _: Reader, book: BookName) -> Releases:
    """Give who is champion, previous and challenger, and the history of the book's releases."""
    from trading_assets.workflows.live_book import live_book
    from trading_assets.workflows.registry import CHALLENGER, CHAMPION, PREVIOUS, holders

    require_book(served, book)
    traded = live_book(served.desk.settings, book).traded
    found = {name: asdict(holder) for name, holder in holders(served.desk, traded).items()}
    history = [dict(row) for row in served.desk.releases.history(traded)][::-1]
    return Releases(
        champion=found.get(CHAMPION),
        previous=found.get(PREVIOUS),
        challenger=found.get(CHALLENGER),
        history=history,
    )


@router.post("/approve", status_code=202, responses={202: {"model": Armed}})
async def approve(
    request: Request, served: Shown, identity: Admin, book: BookName, wish: Approval, key: Key
) -> Any:
    """Allow a book to trade a release with real money for a while.

    The release has to have passed the gate and its probation, as `trading-assets arm` demands.
    """
    from trading_assets.workflows.arm_book import arm_book
    from trading_assets.workflows.armed import require_real
    from trading_assets.workflows.ramp import allowance

    require_book(served, book)
    served.access.require_arm_key(wish.arm_key)

    def work() -> dict[str, Any]:
        require_real(served.desk.settings, book)
        step = None if wish.step < 0 else wish.step
        within = allowance(served.desk, book, wish.release_id, step=step)
        token = arm_book(
            served.desk,
            book,
            release_id=wish.release_id,
            by=who(wish, identity),
            reason=wish.reason,
            hours=wish.hours,
            within=within,
            fallback=wish.fallback,
        )
        return {
            "release_id": token.release_id,
            "host": token.host,
            "expires": iso_text(token.expires),
            "capital": token.capital,
            "step": token.step,
        }

    return await once(served, request, identity, key, work)
