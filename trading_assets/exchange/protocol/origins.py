"""Who may ask: programs and pages of this machine, no page elsewhere that uses a browser here."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from trading_assets.exchange.config import LOOPBACK
from trading_assets.exchange.errors import Refused


def refuse_foreign(connection: HTTPConnection) -> None:
    """Refuse a foreign host name, or a page of another origin.

    A page elsewhere cannot read an answer, but it could arm a fault or move the clock.

    Raises:
        Refused: -1002, HTTP 403.
    """
    try:
        hosts = {connection.url.hostname}
        if (origin := connection.headers.get("origin")) is not None:
            hosts.add(urlsplit(origin).hostname)
    except ValueError:  # a host or an origin that is no address
        hosts = {None}
    if not hosts <= set(LOOPBACK):
        raise Refused(-1002, "You are not authorized to execute this request.", status=403)
