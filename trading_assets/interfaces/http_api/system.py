"""Health, readiness and what the desk is; the first two need no token."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse, RedirectResponse
from pydantic import BaseModel

import trading_assets
from trading_assets.domain.bar import Timeframe
from trading_assets.interfaces.http_api.answers import REFUSALS, Answer
from trading_assets.interfaces.http_api.served import Reader, Shown

router = APIRouter(tags=["desk"])


class Health(BaseModel):
    """This server answers."""

    ok: bool


class BookReadiness(BaseModel):
    """Whether a book trades, or why it does not."""

    ready: bool
    why: str


class Readiness(BaseModel):
    """Whether every book that an executor runs trades."""

    ready: bool
    books: dict[str, BookReadiness]


class Status(BaseModel):
    """All books at a glance."""

    books: list[dict[str, Any]]


class Link(BaseModel):
    """Where a server of the desk listens."""

    name: str
    address: str
    is_running: bool


class DeskCard(BaseModel):
    """What this desk is: names for menus, links, and how instants are to be shown."""

    books: list[str]
    symbols: list[str]
    timeframes: list[str]
    time_zone: str
    links: dict[str, str]
    services: list[Link]
    version: str


@router.get("/health")
async def health() -> Health:
    """Say that this server is alive."""
    return Health(ok=True)


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
def ready(served: Shown) -> Any:
    """Say whether every book that is run trades; 503 when one does not."""
    from trading_assets.workflows.live_status import NOT_RUNNING, TRADING

    found = {}
    for name, status in served.statuses.all().items():
        if status.code != NOT_RUNNING:
            why = status.verdict if not status.reason else f"{status.verdict}: {status.reason}"
            found[name] = {"ready": status.code == TRADING, "why": why}
    is_ready = all(book["ready"] for book in found.values())
    return Answer({"ready": is_ready, "books": found}, 200 if is_ready else 503)


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(served: Shown) -> PlainTextResponse:
    """Give what Prometheus asks for; see docs/monitoring.md."""
    from trading_assets.interfaces.metrics_exporter import CONTENT_TYPE, metrics_text

    return PlainTextResponse(metrics_text(served.metrics), media_type=CONTENT_TYPE)


@router.get("/status", response_model=Status, responses=REFUSALS)
def status(served: Shown, _: Reader) -> Any:
    """Give all books at a glance."""
    from trading_assets.workflows.book_summary import summary

    found = served.statuses.all()
    return Answer({"books": [summary(served.desk, status) for status in found.values()]})


@router.get("/api/desk", response_model=DeskCard, responses=REFUSALS)
def desk_card(served: Shown, _: Reader) -> Any:
    """Say what this desk is and where its other pages are."""
    from trading_assets.interfaces.desk_services import desk_services
    from trading_assets.interfaces.running_services import states

    settings = served.desk.settings
    card = {
        "books": sorted(settings.books),
        "symbols": list(settings.symbols),
        "timeframes": [size.value for size in Timeframe],
        "time_zone": settings.display.time_zone,
        "links": {
            "dagster": settings.dagster.url,
            "mlflow": settings.mlflow.url,
            "compare": "/go/compare",
            "exchange": f"{settings.exchange.url}/api",
            "docs": "/docs",
        },
        "services": [
            {"name": name, "address": address, "is_running": is_running}
            for name, address, is_running in states(
                desk_services(settings), settings.data_root / "run"
            )
        ],
        "version": trading_assets.__version__,
    }
    return Answer(card)


@router.get("/go/compare", include_in_schema=False)
def compare(served: Shown) -> RedirectResponse:
    """Go to MLflow's view of all strategies, which MLflow is asked for first."""
    from trading_assets.interfaces.compare_link import compare_link

    return RedirectResponse(compare_link(served.desk.settings.mlflow.url))
