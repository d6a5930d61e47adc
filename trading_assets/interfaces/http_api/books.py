"""What is to be seen of a live book: how it stands, its orders, fills, decisions and events."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from trading_assets.interfaces.http_api.answers import REFUSALS, Answer, Refusal
from trading_assets.interfaces.http_api.commands import require_book
from trading_assets.interfaces.http_api.paging import PageOf, Paging, Points
from trading_assets.interfaces.http_api.queries import (
    InstantText,
    OrderPath,
    SymbolText,
    span_of,
)
from trading_assets.interfaces.http_api.served import Reader, Served, Shown
from trading_assets.interfaces.http_api.traces import traced
from trading_assets.interfaces.http_api.wishes import BookName

if TYPE_CHECKING:
    from trading_assets.workflows.paging import Page

router = APIRouter(prefix="/api/books/{book}", tags=["books"], responses=REFUSALS)
Item = dict[str, Any]
KindName = Annotated[str, Query(pattern=r"^[A-Za-z]{1,40}$")]


class Equity(BaseModel):
    """Equity in quote and drawdown as a fraction, by seconds UTC of the bars' open."""

    t: list[float]
    equity: list[float]
    drawdown: list[float]


@router.get("")
def book_card(served: Shown, _: Reader, book: BookName) -> Item:
    """Give a book as it stands: equity, positions, open orders, limits, budget, alerts, why."""
    from trading_assets.workflows.book_summary import summary

    require_book(served, book)
    status = served.statuses.of(book)
    return summary(served.desk, status) | {"book": status.book, "holder": status.holder}


@router.get("/equity", response_model=Equity)
def equity(
    served: Shown,
    _: Reader,
    request: Request,
    book: BookName,
    since: InstantText = "",
    until: InstantText = "",
    points: Points = 1500,
) -> Response:
    """Give equity and drawdown, thinned out to peaks and troughs."""
    from trading_assets.workflows.book_history import equity_series

    require_journal(served, book)
    start, end = span_of(since, until)
    asked = {"since": start, "until": end, "points": points}
    return served.answers.to(request, book, lambda: equity_series(served.desk, book, **asked))


@router.get("/orders", response_model=PageOf[Item])
def orders(
    served: Shown,
    _: Reader,
    request: Request,
    paging: Paging,
    book: BookName,
    is_open: Annotated[bool, Query(alias="open")] = False,
    symbol: SymbolText = "",
) -> Response:
    """List orders by when they were decided, newest first; `open`: only those at work."""
    from trading_assets.workflows.book_listing import book_orders, open_orders

    require_journal(served, book)
    if is_open:
        names = [o["client_order_id"] for o in served.statuses.of(book).book.get("orders", ())]
        found = open_orders(served.desk, book, names)
        return Answer({"items": [o for o in found if symbol in ("", o["symbol"])], "next": None})
    return _page(served, request, book, book_orders, symbol=symbol, **paging)


@router.get("/fills", response_model=PageOf[Item])
def fills(
    served: Shown,
    _: Reader,
    request: Request,
    paging: Paging,
    book: BookName,
    symbol: SymbolText = "",
) -> Response:
    """List executions, newest first."""
    from trading_assets.workflows.book_listing import book_fills

    require_journal(served, book)
    return _page(served, request, book, book_fills, symbol=symbol, **paging)


@router.get("/decisions", response_model=PageOf[Item])
def decisions(
    served: Shown,
    _: Reader,
    request: Request,
    paging: Paging,
    book: BookName,
    symbol: SymbolText = "",
) -> Response:
    """List what was decided, newest first: entries, exits, and what a rule stopped, with why."""
    from trading_assets.workflows.book_history import book_decisions

    require_journal(served, book)
    return _page(served, request, book, book_decisions, symbol=symbol, **paging)


@router.get("/events", response_model=PageOf[Item])
def events(
    served: Shown,
    _: Reader,
    request: Request,
    paging: Paging,
    book: BookName,
    kind: KindName = "",
) -> Response:
    """List rows of the journal as they are, newest first."""
    from trading_assets.workflows.book_history import book_events

    require_journal(served, book)
    return _page(served, request, book, book_events, kind=kind, **paging)


@router.get("/alerts")
def alerts(
    served: Shown,
    _: Reader,
    paging: Paging,
    book: BookName,
) -> PageOf[Item]:
    """List when alerts began and ended, newest first."""
    from trading_assets.workflows.book_history import book_alerts

    require_book(served, book)
    return PageOf[Item].of(book_alerts(served.desk, book, **paging))


@router.get("/strategies")
def strategies(served: Shown, _: Reader, book: BookName) -> dict[Literal["strategies"], list[Item]]:
    """Say how each strategy of the book stands: traded or stopped by whom, its size and limits."""
    from trading_assets.workflows.control_strategy import list_strategies

    require_journal(served, book)
    return {"strategies": [dict(found) for found in list_strategies(served.desk, book)]}


@router.get("/days", response_model=dict[Literal["days"], list[str]])
def days(served: Shown, _: Reader, request: Request, book: BookName) -> Response:
    """List the UTC days on which a book handled bars."""
    from trading_assets.workflows.live_tables import live_days

    require_journal(served, book)
    return served.answers.to(request, book, lambda: {"days": live_days(served.desk, book)})


@router.get("/trace/{order_id}")
async def trace(served: Shown, _: Reader, book: BookName, order_id: OrderPath) -> Answer:
    """Follow an order down to the vendor's files; all are hashed again, which may take a minute."""
    require_journal(served, book)
    return await traced(served, order_id, book=book)


def _page(
    served: Served, request: Request, book: str, rows: Callable[..., Page[Item]], **asked: Any
) -> Response:
    """Answer with a page of a list that is made of the journal alone."""

    def made() -> Item:
        page = rows(served.desk, book, **asked)
        return {"items": page.items, "next": page.next}

    return served.answers.to(request, book, made)


def require_journal(served: Served, book: str) -> None:
    """Refuse a book of which there is nothing to read.

    Raises:
        Refusal: 404 if settings have no such book, or it has not begun.
    """
    from trading_assets.workflows.book_history import has_journal

    require_book(served, book)
    if not has_journal(served.desk, book):
        raise Refusal(
            404,
            f"Book {book} has not begun",
            fix=f"Start it: `trading-assets live --book {book}`.",
        )
