"""Who may ask: keys become tokens that live for minutes, are renewed, and can be taken back."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

import jwt

from trading_assets.domain.ids import Micros
from trading_assets.domain.ports import Clock
from trading_assets.interfaces.http_api.answers import Refusal
from trading_assets.interfaces.http_api.control_store import ControlStore, Family
from trading_assets.interfaces.http_api.key_files import Keys, Scope

ACCESS_S = 15 * 60
SESSION_S = 12 * 3600
CODE_S = 10 * 60
NONCE_S = 30
_AUDIENCE = "trading_assets"
_ALGORITHM = "HS256"
_S: Micros = 1_000_000
_LOG_IN = "Log in again, or make a token with `trading-assets control token`."


@dataclass(frozen=True, slots=True)
class Identity:
    """Whoever a request comes from; `session` is the log-in that the token came of."""

    name: str
    scope: Scope
    session: str
    expires: Micros


@dataclass(frozen=True, slots=True)
class Pass:
    """What a log-in is given.

    Attributes:
        access: presented with each request.
        expires_in: seconds until it is worth nothing.
        refresh: exchanged once for the next pass.
    """

    access: str
    expires_in: int
    refresh: str
    scope: str
    name: str


class Access:
    """Gives tokens out and judges them; any thread."""

    def __init__(self, keys: Keys, store: ControlStore, clock: Clock) -> None:
        """Join the keys to what is remembered.

        Args:
            keys: of this desk.
            store: families, codes and nonces.
            clock: this machine's.
        """
        self._keys = keys
        self._store = store
        self._clock = clock

    def by_key(self, key: str, name: str = "") -> Pass:
        """Log in with the key of a scope.

        Raises:
            Refusal: 401 for a key that is none.
        """
        scope = self._keys.scope(key)
        if scope is None:
            raise Refusal(401, "This is no key of this desk", fix=_LOG_IN)
        return self.log_in(name or f"{scope.text} key", scope)

    def log_in(self, name: str, scope: Scope) -> Pass:
        """Begin a session for somebody who has shown who they are."""
        now = self._clock.now()
        family = Family(secrets.token_hex(16), name, int(scope), now + SESSION_S * _S, False)
        self._store.begin_family(family, now)
        return self._pass(family, now)

    def code(self, name: str, scope: Scope) -> str:
        """Make a code that logs somebody in once."""
        code = secrets.token_urlsafe(24)
        expires = self._clock.now() + CODE_S * _S
        self._store.keep_secret(code, "code", f"{int(scope)} {name}", expires)
        return code

    def by_code(self, code: str) -> Pass:
        """Log in with a code.

        Raises:
            Refusal: 401 if it is none, was used, or is too old.
        """
        found = self._store.use_secret(code, "code", self._clock.now())
        if found is None or not found[1]:
            raise Refusal(401, "This code was used, or is too old", fix=_LOG_IN)
        number, _, name = found[0].partition(" ")
        return self.log_in(name, Scope(int(number)))

    def renew(self, refresh: str) -> Pass:
        """Exchange a refresh token; one that comes a second time ends its session.

        Raises:
            Refusal: 401 if it is none, was used, or its session has ended.
        """
        now = self._clock.now()
        found = self._store.use_secret(refresh, "refresh", now)
        if found is None:
            raise Refusal(401, "This is no token of this desk", fix=_LOG_IN)
        session, is_first = found
        if not is_first:
            self._store.revoke(session)
            raise Refusal(401, "This token was used before, so its session is over", fix=_LOG_IN)
        return self._pass(self._family(session, now), now)

    def revoke(self, refresh: str) -> None:
        """End the session of a refresh token; one that is none ends nothing."""
        found = self._store.use_secret(refresh, "refresh", self._clock.now())
        if found is not None:
            self._store.revoke(found[0])

    def identity(self, token: str) -> Identity:
        """Judge an access token.

        Raises:
            Refusal: 401 if it is forged, expired, or its session has ended.
        """
        now = self._clock.now()
        try:
            claims = jwt.decode(
                token,
                self._keys.signing,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={
                    "require": ["exp", "aud", "sub", "sid"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            expires, session = int(claims["exp"]) * _S, str(claims["sid"])
        except (jwt.PyJWTError, ValueError, TypeError):
            raise Refusal(401, "This token is not of this desk", fix=_LOG_IN) from None
        if expires <= now:
            raise Refusal(401, "This token has expired", fix="Renew it, or log in again.")
        family = self._family(session, now)
        return Identity(family.name, Scope(family.scope), session, expires)

    def is_over(self, identity: Identity) -> bool:
        """Tell whether the token that an identity came of has expired by now."""
        return self._clock.now() >= identity.expires

    def require_arm_key(self, presented: str) -> None:
        """Demand the key that arms books.

        Raises:
            Refusal: 403 if it is another one.
        """
        if not hmac.compare_digest(presented.encode(errors="replace"), self._keys.arm.encode()):
            raise Refusal(
                403,
                "This is not the arm key",
                fix="`trading-assets control keys` says where it lies on the desk's machine.",
            )

    def nonce(self, subject: str) -> str:
        """Make what confirms one thing, once, within half a minute."""
        made = secrets.token_urlsafe(16)
        self._store.keep_secret(made, "nonce", subject, self._clock.now() + NONCE_S * _S)
        return made

    def confirm(self, nonce: str, subject: str) -> None:
        """Use a nonce up.

        Raises:
            Refusal: 409 if it is of something else, was used, or is too old.
        """
        found = self._store.use_secret(nonce, "nonce", self._clock.now())
        if found is None or not found[1] or found[0] != subject:
            raise Refusal(
                409,
                "This confirmation has expired, was used, or is of something else",
                expected=f"the nonce of the first step, within {NONCE_S} s",
                fix="Begin again with the first step.",
            )

    def _family(self, session: str, now: Micros) -> Family:
        family = self._store.family(session)
        if family is None or family.revoked or family.expires <= now:
            raise Refusal(401, "This session has ended", fix=_LOG_IN)
        return family

    def _pass(self, family: Family, now: Micros) -> Pass:
        refresh = secrets.token_urlsafe(32)
        self._store.keep_secret(refresh, "refresh", family.id, family.expires)
        expires = min(now + ACCESS_S * _S, family.expires) // _S
        scope = Scope(family.scope)
        claims = {
            "aud": _AUDIENCE,
            "sub": family.name,
            "sid": family.id,
            "scope": scope.text,
            "iat": now // _S,
            "exp": expires,
        }
        access = jwt.encode(claims, self._keys.signing, algorithm=_ALGORITHM)
        return Pass(access, expires - now // _S, refresh, scope.text, family.name)
