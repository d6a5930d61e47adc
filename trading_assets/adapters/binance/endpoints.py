"""Where a venue of Binance's kind is reached: REST, market streams and the WebSocket API."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from trading_assets.adapters.http_reads import LOOPBACK
from trading_assets.domain.errors import ConfigurationError

_KNOWN = {
    "api.binance.com": ("stream.binance.com:9443", "ws-api.binance.com:443"),
    "testnet.binance.vision": (
        "stream.testnet.binance.vision",
        "ws-api.testnet.binance.vision",
    ),
    "demo-api.binance.com": ("demo-stream.binance.com", "demo-ws-api.binance.com"),
}
"""REST host: hosts of the streams and of the WebSocket API."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses of one venue, as python-binance wants them.

    Attributes:
        api: ends in `/api`.
        stream: ends in `/`.
        ws_api: ends in `/ws-api/v3`.
    """

    api: str
    stream: str
    ws_api: str

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no proxy leads."""
        return urlsplit(self.api).hostname in LOOPBACK


def endpoints_of(api_url: str) -> Endpoints:
    """Find the streams that belong to a REST address.

    An exchange on loopback serves everything at one port.

    Raises:
        ConfigurationError: for a host whose streams are not known.
    """
    parts = urlsplit(api_url)
    if parts.hostname in LOOPBACK:
        host = f"ws://{parts.netloc}"
        return Endpoints(api_url, f"{host}/", f"{host}/ws-api/v3")
    if parts.hostname not in _KNOWN:
        raise ConfigurationError(
            "The streams of this venue are not known",
            expected=f"binance.api_url at one of {', '.join(_KNOWN)}, or on loopback",
            found=str(parts.hostname),
            fix='Set binance.bars = "polled", or use one of these hosts.',
        )
    stream, ws_api = _KNOWN[parts.hostname]
    return Endpoints(api_url, f"wss://{stream}/", f"wss://{ws_api}/ws-api/v3")
