"""Promotion decisions: what may be traded, and every rule with its value and evidence."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel

from trading_assets.interfaces.http_api.answers import REFUSALS
from trading_assets.interfaces.http_api.commands import require_book
from trading_assets.interfaces.http_api.paging import PageOf, Paging
from trading_assets.interfaces.http_api.queries import BookText
from trading_assets.interfaces.http_api.served import Reader, Shown

router = APIRouter(prefix="/api/decisions", tags=["promotion"], responses=REFUSALS)
DecisionPath = Annotated[
    str, Path(pattern=r"^[0-9a-f]{8,64}$", description="8 or more characters of an id.")
]


class Rule(BaseModel):
    """One rule: `passed` is null without evidence; `plain` is the row as a sentence."""

    stage: str
    rule: str
    value: Any
    threshold: Any
    passed: bool | None
    kind: str | None
    evidence: list[str] | None
    note: str
    plain: str


class DecisionRow(BaseModel):
    """A decision: its verdict, and the first rule that did not hold."""

    decision_id: str
    book: str
    verdict: str
    as_of: str | None
    candidate: dict[str, Any] | None
    champion: dict[str, Any] | None
    first_unmet: Rule | None
    num_met: int
    num_rules: int
    plain: str


class DecisionWhole(DecisionRow):
    """A decision with its document, whose SHA-256 is its id, and all rules."""

    document: dict[str, Any]
    rules: list[Rule]


@router.get("")
def decisions(
    served: Shown,
    _: Reader,
    paging: Paging,
    book: BookText = "",
) -> PageOf[DecisionRow]:
    """List decisions, newest first; without a book those of all, book by book."""
    from trading_assets.workflows.decision_reading import list_decisions

    if book:
        require_book(served, book)
    page = list_decisions(served.desk, book=book, **paging)
    return PageOf[DecisionRow].of(page)


@router.get("/{decision_id}")
def decision(served: Shown, _: Reader, decision_id: DecisionPath) -> DecisionWhole:
    """Give a decision whole."""
    from trading_assets.workflows.decision_reading import decision_detail

    return DecisionWhole(**decision_detail(served.desk, decision_id))
