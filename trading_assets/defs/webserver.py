"""The Dagster UI behind a guard: `python -m trading_assets.defs.webserver`.

Dagster's webserver has no authentication, takes mutations by GET and does not look at Host, so that
any web page opened on the same machine could launch, terminate or wipe. Here its own application
runs in our server, on loopback only, with a guard in front: what changes anything is
`POST application/json` from the UI itself.
"""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget

from trading_assets.domain.errors import ConfigurationError
from trading_assets.settings import load_settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_READING = ("GET", "HEAD")
_OWN_SITE = ("same-origin", "none")
_LABELS = {b"op"}
"""The UI writes the name of its query into the address, for people who read logs."""

_HEADERS = ((b"x-frame-options", b"SAMEORIGIN"), (b"x-content-type-options", b"nosniff"))


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a request does not reach Dagster; a value, since it is expected."""

    status: int
    reason: str


class Guard:
    """ASGI application that lets only harmless or own requests through to `app`."""

    def __init__(self, app: Application, authorities: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(authority.lower() for authority in authorities)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        refused = self.examine(scope)
        if refused is None:
            await self._app(scope, receive, _with_headers(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refused.reason})
        else:
            await _answer(send, refused)

    def examine(self, scope: Scope) -> Refused | None:
        """Say why a request is refused, or None when it may pass."""
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        host = [value.lower() for value in headers.get("host", [])]
        if len(host) != 1 or host[0] not in self._hosts:
            return Refused(421, "unknown Host: this server answers to its own address only")
        origin = headers.get("origin", [])
        if len(origin) > 1 or not self._origins.issuperset(value.lower() for value in origin):
            return Refused(403, "foreign Origin")
        if scope["type"] == "websocket":
            return None
        return self._examine_request(scope, headers)

    def _examine_request(self, scope: Scope, headers: dict[str, list[str]]) -> Refused | None:
        is_graphql = scope["path"].rstrip("/").endswith("/graphql")
        named = {name for name, _ in parse_qsl(scope["query_string"], keep_blank_values=True)}
        if is_graphql and not named <= _LABELS:
            return Refused(400, "GraphQL is taken from the body of a POST, never from the address")
        if scope["method"] in _READING:
            return None
        if scope["method"] != "POST":
            return Refused(405, "only GET, HEAD and POST are known here")
        content_type = headers.get("content-type", [])
        essence = content_type[0].partition(";")[0].strip().lower() if content_type else ""
        if len(content_type) != 1 or essence != "application/json":
            return Refused(415, "a POST must be application/json")
        if not set(headers.get("sec-fetch-site", [])).issubset(_OWN_SITE):
            return Refused(403, "a POST from another site")
        return None


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *_HEADERS]
        await send(message)

    return send_with_headers


async def _answer(send: Send, refused: Refused) -> None:
    body = f"{refused.reason}\n".encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def guarded(app: Application, host: str, port: int) -> Guard:
    """Put the guard in front of `app`, which is served at this loopback address.

    Raises:
        ConfigurationError: if the address can be reached from other machines.
    """
    if host not in _LOOPBACK:
        raise ConfigurationError(
            "The Dagster UI is served on loopback only, since it has no login",
            expected=" or ".join(_LOOPBACK),
            found=host,
            fix="Reach it from elsewhere through an SSH tunnel.",
        )
    names = ("127.0.0.1", "localhost", "[::1]")
    return Guard(app, [f"{name}:{port}" for name in names])


def serve(workspace: str, host: str, port: int) -> None:
    """Serve the UI of a workspace until a signal ends it."""
    from dagster_webserver.app import create_app_from_workspace_process_context

    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, WorkspaceFileTarget([workspace]), dg.__version__
        ) as context,
    ):
        instance.optimize_for_webserver(
            statement_timeout=15_000, pool_recycle=3600, max_overflow=20
        )
        ui = create_app_from_workspace_process_context(context, live_data_poll_rate=2000)
        config = uvicorn.Config(
            guarded(ui, host, port), host=host, port=port, log_level="warning", server_header=False
        )
        logging.getLogger("dagster-webserver").info("Dagster UI on http://%s:%d", host, port)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run()


def main() -> None:
    """Serve the UI at the address that settings or the command line name."""
    settings = load_settings().settings
    parser = argparse.ArgumentParser(description="Serve the Dagster UI behind a guard.")
    parser.add_argument("--host", default=settings.dagster.host)
    parser.add_argument("--port", type=int, default=settings.dagster.port)
    parser.add_argument("--workspace", default=str(settings.home / "workspace.yaml"))
    arguments = parser.parse_args()
    os.environ.setdefault("DAGSTER_HOME", str(settings.home / "dagster_home"))
    serve(arguments.workspace, arguments.host, arguments.port)


if __name__ == "__main__":
    main()
