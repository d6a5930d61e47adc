"""Reads of a vendor's REST API with a key that no log, error or stored byte ever shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

from trading_assets.adapters.http_reads import (
    LOOPBACK,
    RequestRate,
    repeat_read,
    retry_after_ms,
)
from trading_assets.domain.errors import (
    CorruptFile,
    RateLimited,
    TradingAssetsError,
    UnknownSymbol,
    VenueError,
    VenueUnavailable,
)
from trading_assets.domain.ports import Clock

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

Answer = TypeVar("Answer")

_OK = 200
_SAID = 200  # characters of a vendor's message that an error repeats


class ApiKey(NamedTuple):
    """A vendor's key and where it goes: `Authorization: Bearer`, or a query parameter's name."""

    value: SecretStr
    variable: str
    parameter: str = ""


class VendorReads:
    """GET requests to one vendor: paced, repeated, checked to be whole.

    The key is added below httpx, which writes URLs into its log and its errors. Redirects are not
    followed, and another host never gets the key.

    Args:
        url: of the vendor, without a path.
        key: and how the vendor wants it.
        clock: for pauses and the rate.
        vendor: its name, for messages.
        timeout_s: of connecting, and of each silence while reading.
        max_attempts: of one read.
        per_minute: requests in any minute.
    """

    def __init__(
        self,
        url: str,
        key: ApiKey,
        clock: Clock,
        *,
        vendor: str,
        timeout_s: float,
        max_attempts: int,
        per_minute: int,
    ) -> None:
        import httpx

        self.url = url.rstrip("/")
        self._key = key
        self._clock = clock
        self._vendor = vendor
        self._max_attempts = max_attempts
        self._rate = RequestRate(clock, per_minute)
        self._client = httpx.Client(
            base_url=self.url, transport=_keyed_transport(self.url, key), timeout=timeout_s
        )

    def get(
        self,
        target: str,
        params: Mapping[str, str] | None,
        doing: str,
        accept: Callable[[bytes], Answer],
    ) -> tuple[bytes, Answer]:
        """Give the bytes of an answer, and what `accept` made of them.

        Args:
            target: path, or a whole URL of the same vendor.
            params: of the query; None leaves that of `target` as it is.
            doing: what is being read, for messages.
            accept: raises CorruptFile for an answer that is not whole; it is asked for again.

        Raises:
            UnknownSymbol: for a 404.
            VenueUnavailable, RateLimited: when the attempts are used up.
            VenueError: for any other refusal.
        """

        def ask() -> tuple[bytes, Answer]:
            self._rate.wait_for_turn()
            response = self._send(target, params, doing)
            if response.status_code != _OK:
                raise self._refusal(response, doing)
            try:
                return response.content, accept(response.content)
            except CorruptFile as error:
                raise VenueUnavailable(
                    f"{doing}: the answer of {self._vendor} cannot be read",
                    expected=error.expected,
                    found=self._shown(error.found),
                    fix="Try again later.",
                    status=response.status_code,
                ) from None

        return repeat_read(ask, clock=self._clock, max_attempts=self._max_attempts)

    def require_no_key(self, data: bytes, doing: str) -> None:
        """Refuse to hand on bytes that repeat the key.

        Raises:
            VenueError: without them.
        """
        secret = self._key.value.get_secret_value()
        if secret.encode() in data:
            raise VenueError(
                f"{doing}: the answer of {self._vendor} repeats the API key",
                fix="Nothing was stored. Ask the vendor for another key.",
            )

    def same_host(self, url: str) -> bool:
        """Tell whether an absolute URL is of this vendor."""
        return _origin(url) == _origin(self.url)

    def refusal(self, doing: str, said: object) -> VenueError:
        """Give the error for a definite no in the vendor's own words."""
        return VenueError(
            f"{doing}: {self._vendor} refuses", found=self._shown(str(said)), fix=self._key_fix()
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _send(self, target: str, params: Mapping[str, str] | None, doing: str) -> httpx.Response:
        import httpx

        try:
            return self._client.get(target, params=params)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            kind = type(error).__name__
        raise VenueUnavailable(
            f"{doing}: no whole answer from {self._vendor}",
            found=kind,
            fix="Check the network and the URL of the source, then try again.",
        )

    def _refusal(self, response: httpx.Response, doing: str) -> TradingAssetsError:
        status = response.status_code
        found = f"HTTP {status} {self._shown(response.text)}".strip()
        if status == 429:
            return RateLimited(
                f"{doing}: {self._vendor} limits us",
                retry_after_ms=retry_after_ms(response.headers, self._clock.now()),
                code=0,
                status=status,
            )
        if status == 404:
            return UnknownSymbol(
                f"{doing}: {self._vendor} does not have it",
                found=found,
                fix="Check `vendor_symbol` of the instrument against the vendor's list.",
            )
        if status >= 500 or status == 408:
            return VenueUnavailable(
                f"{doing}: {self._vendor} cannot answer",
                found=found,
                fix="Try again later.",
                status=status,
            )
        fix = self._key_fix() if status in (401, 402, 403) else ""
        return VenueError(f"{doing}: {self._vendor} refuses", found=found, fix=fix, status=status)

    def _key_fix(self) -> str:
        return f"Check {self._key.variable}, and that the vendor's plan includes what is asked."

    def _shown(self, text: str) -> str:
        return without_key(text, self._key)


def without_key(text: str, key: ApiKey) -> str:
    """Cut a vendor's words for a message, and the key out of them."""
    secret = key.value.get_secret_value()
    for form in (secret, quote(secret, safe="")):
        text = text.replace(form, "[key]")
    return " ".join(text.split())[:_SAID]


def _keyed_transport(url: str, key: ApiKey) -> Any:
    """Build the transport that adds the key to requests to this host, on the way out only."""
    import httpx

    class KeyedTransport(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            if _origin(str(request.url)) != _origin(url):
                return super().handle_request(request)
            secret = key.value.get_secret_value()
            sent, headers = request.url, request.headers.copy()
            if key.parameter:
                sent = sent.copy_set_param(key.parameter, secret)
            else:
                headers["Authorization"] = f"Bearer {secret}"
            # A copy: httpx logs and keeps the original.
            return super().handle_request(
                httpx.Request(
                    request.method,
                    sent,
                    headers=headers,
                    stream=request.stream,
                    extensions=request.extensions,
                )
            )

    return KeyedTransport(proxy=_proxy(url))


def _proxy(url: str) -> str | None:
    """Give the proxy of the environment; none for this machine."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    scheme: Literal["https", "http"] = "https" if parts.scheme == "https" else "http"
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}[scheme]
