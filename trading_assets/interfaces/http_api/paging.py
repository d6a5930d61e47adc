"""Pages of long lists, as the API takes and gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic, Self, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

if TYPE_CHECKING:
    from trading_assets.workflows.paging import Page

Item = TypeVar("Item")
USUAL = 100
Limit = Annotated[int, Query(ge=1, le=1000, description="Most items of one page.")]
Cursor = Annotated[str | None, Query(max_length=400, description="`next` of the page before.")]
Points = Annotated[int, Query(ge=2, le=20_000, description="Most points of a series.")]


def _asked(limit: Limit = USUAL, cursor: Cursor = None) -> dict[str, Any]:
    return {"limit": limit, "cursor": cursor}


Paging = Annotated[dict[str, Any], Depends(_asked)]
"""Which page is asked for, as listings take it: `limit` and `cursor`."""


class PageOf(BaseModel, Generic[Item]):
    """Some items, newest first unless said; `next` is null on the last page."""

    items: list[Item]
    next: str | None = None

    @classmethod
    def of(cls, page: Page[Any]) -> Self:
        """Give a page of a listing, its rows as these items."""
        return cls.model_validate({"items": page.items, "next": page.next})
