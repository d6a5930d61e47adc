"""What stands before every route: hosts, origins, sizes, patience, and headers of answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from trading_assets.interfaces.http_api.answers import Refusal, refused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BYTES = 65_536
PATIENCE_S = 5.0
_CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
_CLOSED_FOREIGN = 4403


class Guards:
    """Refuses what no program of ours sends, before anything reads it.

    A web page of somebody else can make a browser send requests to loopback. Its `Origin` gives it
    away, and where it has pointed a name of its own at this machine, `Host` does.
    """

    def __init__(self, app: Application, *, hosts: frozenset[str], policy: str) -> None:
        """Wrap an application.

        Args:
            app: what answers.
            hosts: values of `Host` that are ours, in lower case.
            policy: the Content-Security-Policy of every answer.
        """
        self._app = app
        self._hosts = hosts
        self._headers = (
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or hand on."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        pairs = scope["headers"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}
        refusal = self._refusal(scope, headers)
        if refusal is None:
            path = scope["path"]
            if len(path) > 1 and path.endswith("/"):
                scope = {**scope, "path": path.rstrip("/") or "/"}
            await self._app(scope, _Bounded(receive), self._dressed(send))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": _CLOSED_FOREIGN})
        else:
            await refused(refusal)(scope, receive, self._dressed(send))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Refusal | None:
        host, origin = headers.get("host", "").lower(), headers.get("origin")
        if host not in self._hosts:
            return Refusal(421, "This is not the host that was asked", fix="See [control] hosts.")
        if origin is not None and origin.lower() not in {f"http://{host}", f"https://{host}"}:
            return Refusal(403, "Not for pages of somebody else", found=origin[:80])
        if scope["type"] == "http" and scope["method"] in _CHANGES:
            return _body_refusal(headers)
        return None

    def _dressed(self, send: Send) -> Send:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                more = [pair for pair in self._headers if pair[0] not in known]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        return dressed


class _Bounded:
    """Reads a body of bounded size within bounded time."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._size = 0
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:
            return await self._receive()  # the client goes away some time
        try:
            message = await asyncio.wait_for(self._receive(), PATIENCE_S)
        except TimeoutError:
            within = f"within {PATIENCE_S:g} s"
            raise Refusal(408, "The body did not come", expected=within) from None
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > MOST_BYTES:
                raise _too_large()
            self._is_whole = not message.get("more_body", False)
        else:
            self._is_whole = True
        return message


def _body_refusal(headers: dict[str, str]) -> Refusal | None:
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > 9 or int(length) > MOST_BYTES:
        return _too_large()
    has_body = int(length) > 0 or "transfer-encoding" in headers
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if has_body and kind != "application/json":
        return Refusal(415, "The body is no JSON", expected="application/json", found=kind[:80])
    return None


def _too_large() -> Refusal:
    return Refusal(413, "The body is too large", expected=f"{MOST_BYTES} bytes at most")
