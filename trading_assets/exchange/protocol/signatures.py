"""Authentication: API keys, HMAC and Ed25519 signatures over the bytes as received, and time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import Micros
from trading_assets.exchange import errors
from trading_assets.exchange.errors import Refused
from trading_assets.exchange.protocol.parameters import Parameters, split_pairs

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

DEFAULT_WINDOW_MS = 5_000
MAX_WINDOW_MS = 60_000
_AHEAD_MS = 1_000
_SIGNATURE = re.compile(r"[A-Fa-f0-9]{64}")
_KEY = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class Credential:
    """One API key and the account it opens.

    Attributes:
        public_key: PEM of an Ed25519 key, which then signs in place of the secret; or empty.
    """

    key: str
    secret: str = field(repr=False)
    account: str
    public_key: str = ""


class Authenticator:
    """Checks keys, signatures and timestamps."""

    def __init__(self, credentials: tuple[Credential, ...]) -> None:
        self._by_key: Mapping[str, Credential] = {c.key: c for c in credentials}
        for credential in credentials:
            if credential.public_key:
                public_key(credential.public_key)  # a bad one is told at the start

    def account_of(self, key: str | None) -> Credential:
        """Find who an `X-MBX-APIKEY` header belongs to.

        Raises:
            Refused: -2014 without a key, -2015 for an unknown one.
        """
        if key is None or not _KEY.fullmatch(key):
            raise errors.bad_key_format()
        credential = self._by_key.get(key)
        if credential is None:
            raise errors.bad_key()
        return credential

    def check(
        self,
        credential: Credential,
        parameters: Parameters,
        *,
        query: bytes,
        body: bytes,
        clocks: tuple[Micros, ...],
    ) -> None:
        """Check time window and signature of a signed request.

        Args:
            credential: whose secret must have signed.
            parameters: the parsed request.
            query: query string as received.
            body: form body as received.
            clocks: instants of which the timestamp must suit one (wall and market clock); with
                none of them any timestamp will do.

        Raises:
            Refused: -1102, -1021, -1022 or -1131.
        """
        self.check_payloads(credential, parameters, (signed_bytes(query, body),), clocks)

    def check_payloads(
        self,
        credential: Credential,
        parameters: Parameters,
        payloads: tuple[bytes, ...],
        clocks: tuple[Micros, ...],
    ) -> None:
        """Check time window and signature, which must be of one of the payloads; see `check`."""
        timestamp = parameters.need_integer("timestamp")
        window = window_ms(parameters)
        given = parameters.need_text("signature")
        verify = _is_ed25519_signature if credential.public_key else _is_hmac_signature
        if not any(verify(credential, given, payload) for payload in payloads):
            raise errors.bad_signature()
        check_window(timestamp, window, clocks)

    def check_time(self, parameters: Parameters, clocks: tuple[Micros, ...]) -> None:
        """Check the time window of a request that its session has authenticated.

        Raises:
            Refused: -1102, -1021 or -1131.
        """
        check_window(parameters.need_integer("timestamp"), window_ms(parameters), clocks)

    def is_ed25519(self, key: str) -> bool:
        """Whether a key signs by Ed25519, as a session's must."""
        credential = self._by_key.get(key)
        return credential is not None and bool(credential.public_key)


def _is_hmac_signature(credential: Credential, given: str, payload: bytes) -> bool:
    if not _SIGNATURE.fullmatch(given):
        raise errors.illegal_characters("signature", "^[A-Fa-f0-9]{64}$")
    expected = hmac.new(credential.secret.encode(), payload, hashlib.sha256)
    return hmac.compare_digest(given.lower().encode(), expected.hexdigest().encode())


def _is_ed25519_signature(credential: Credential, given: str, payload: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        public_key(credential.public_key).verify(base64.b64decode(given, validate=True), payload)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


@lru_cache(maxsize=64)
def public_key(pem: str) -> Ed25519PublicKey:
    """Read the PEM of an Ed25519 public key.

    Raises:
        ConfigurationError: if it is none.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigurationError(
            "Embedded exchange: bad public_key",
            expected="the PEM of an Ed25519 public key",
            found=f"{pem[:40]!r}",
        )
    return key


def window_ms(parameters: Parameters) -> float:
    """Give `recvWindow` in milliseconds; up to three decimals are allowed."""
    window = parameters.decimal("recvWindow")
    if window is None:
        return float(DEFAULT_WINDOW_MS)
    if window > MAX_WINDOW_MS:
        raise Refused(-1131, f"recvWindow must be less than {MAX_WINDOW_MS}.")
    return float(window)


def check_window(timestamp: int, window: float, clocks: tuple[Micros, ...]) -> None:
    """Accept a timestamp (ms, or us when it has 16 digits) that suits one of the clocks, if any.

    Raises:
        Refused: -1021, worded for the first clock.
    """
    if not clocks:
        return
    sent_ms = timestamp / 1_000 if timestamp >= 10**15 else float(timestamp)
    ages_ms = [clock / 1_000 - sent_ms for clock in clocks]
    if any(-_AHEAD_MS < age <= window for age in ages_ms):
        return
    raise errors.early_timestamp() if ages_ms[0] < 0 else errors.late_timestamp()


def signed_bytes(query: bytes, body: bytes) -> bytes:
    """Give what the client signed: query and body joined without a separator, less `signature`."""
    return b"".join(
        b"&".join(
            part for part in raw.split(b"&") if part and split_pairs(part)[0][0] != b"signature"
        )
        for raw in (query, body)
    )
