"""The control API as one application: routes, guards, and how errors are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

import trading_assets
from trading_assets.domain.errors import TradingAssetsError
from trading_assets.interfaces.http_api import (
    books,
    commands,
    forecasts,
    live_socket,
    log_in,
    market,
    promotion,
    releases,
    runs,
    seed_commands,
    strategy_config,
    system,
    web_pages,
)
from trading_assets.interfaces.http_api.answers import Answer, Refusal, refused, status_of
from trading_assets.interfaces.http_api.guards import Guards
from trading_assets.interfaces.http_api.served import Served

_CHART_STYLE = "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='"
"""Of the one style that the charts' library adds to the page: the place of its attribution."""

_POLICY = (
    f"default-src 'self'; style-src 'self' {_CHART_STYLE}; img-src 'self' data:; "
    "connect-src 'self' {sockets}; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ROUTERS = (
    log_in,
    system,
    commands,
    seed_commands,
    books,
    releases,
    runs,
    promotion,
    market,
    forecasts,
    strategy_config,
    live_socket,
)
_ABOUT = (
    "Reads stores and journals, never the running loop. Commands go to the inbox of a book; none "
    "can loosen what a release allows. Instants are ISO 8601 in UTC."
)


def create_app(served: Served) -> FastAPI:
    """Join the routes to what they serve; nothing is opened yet."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with live_socket.told(app.state, served):
            yield

    app = FastAPI(
        title="trading_assets",
        version=trading_assets.__version__,
        description=_ABOUT,
        default_response_class=Answer,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.served = served
    for room in _ROUTERS:
        app.include_router(room.router)
    web_pages.mount_documents(app, served.desk.settings.home)
    web_pages.mount(app)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(TradingAssetsError, _desk_said_no)
    app.add_exception_handler(OSError, _disk_said_no)
    app.add_exception_handler(Exception, _fault)
    # A policy cannot name an address of IPv6; there 'self' has to do.
    named = sorted(host for host in served.hosts if not host.startswith("["))
    sockets = " ".join(f"ws://{host} wss://{host}" for host in named)
    app.add_middleware(Guards, hosts=served.hosts, policy=_POLICY.format(sockets=sockets))
    return app


async def _told(_: Request, error: Exception) -> Response:
    if isinstance(error, Refusal):
        return refused(error)
    if not isinstance(error, HTTPException):
        raise error
    answer = refused(Refusal(error.status_code, str(error.detail)))
    for name, value in (error.headers or {}).items():
        answer.headers[name] = value
    return answer


async def _invalid(_: Request, error: Exception) -> Response:
    """Tell what is wrong with a request; never what was sent, which may be a secret."""
    if not isinstance(error, RequestValidationError):
        raise error
    details = [
        {"where": ".".join(map(str, found["loc"])), "what": found["msg"]}
        for found in error.errors()
    ]
    return Answer({"error": "The request is not as it has to be", "details": details}, 422)


async def _desk_said_no(_: Request, error: Exception) -> Response:
    if not isinstance(error, TradingAssetsError):
        raise error
    return refused(Refusal.of(status_of(error), error))


async def _disk_said_no(_: Request, error: Exception) -> Response:
    return refused(Refusal(503, "The disk refuses", found=str(error)))


async def _fault(_: Request, error: Exception) -> Response:
    """Answer without a word of it; the server prints where it came from."""
    return refused(Refusal(500, "A fault of this program", fix="See what it printed."))


def document(served: Served) -> dict[str, Any]:
    """Give the OpenAPI document."""
    return create_app(served).openapi()
