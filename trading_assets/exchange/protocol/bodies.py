"""Request bodies: read within a bound and in time, or refused before they are read whole."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.http import BODY_BYTES_MAX

_DISCARDED_MAX = 16 * BODY_BYTES_MAX


async def read_body(request: Request, patience_s: float) -> bytes:
    """Give the body.

    Args:
        request: whose.
        patience_s: for how long the client may send it.

    Raises:
        Refused: HTTP 413 when it is too large, 408 when it comes too slowly.
        ClientDisconnect: when the client has gone.
    """
    headers = request.headers
    declared = headers.get("content-length", "0")
    if declared == "0" and "transfer-encoding" not in headers:
        return b""
    if declared.isdecimal() and int(declared) > _DISCARDED_MAX:
        raise _too_large()
    try:
        async with asyncio.timeout(patience_s):
            return await _read(request)
    except TimeoutError:
        raise Refused(-1100, "The request's body did not arrive in time.", status=408) from None


async def _read(request: Request) -> bytes:
    """Read to the end; what is too much is thrown away, so that the client hears the refusal."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= BODY_BYTES_MAX:
            parts.append(part)
        else:
            parts.clear()
        if size > _DISCARDED_MAX:
            break
    if size > BODY_BYTES_MAX:
        raise _too_large()
    return b"".join(parts)


def _too_large() -> Refused:
    return Refused(-1100, f"The request's body exceeds {BODY_BYTES_MAX} bytes.", status=413)
