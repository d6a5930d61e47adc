"""The page at `/`: what the exchange is and its state, without a request to anyone else."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from starlette.responses import Response

from trading_assets.exchange import wire
from trading_assets.exchange.application import Exchange
from trading_assets.exchange.endpoints.state import public_state

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@cache
def _page() -> bytes:
    return files("trading_assets.exchange.endpoints").joinpath("page_files/index.html").read_bytes()


def page(exchange: Exchange, method: str, path: str) -> Response | None:
    """Give the page or the public state that it shows, or None for another path."""
    if method != "GET":
        return None
    if path == "/":
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return Response(_page(), headers=headers, media_type="text/html")
    if path == "/state.json":
        body = wire.encode(public_state(exchange))
        return Response(body, headers={"Cache-Control": "no-store"}, media_type=wire.MEDIA_TYPE)
    return None
