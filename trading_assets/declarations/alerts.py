"""Settings of the alerter: where a person is told what begins and ends to alert."""

from __future__ import annotations

from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from trading_assets.declarations.declaration import Declaration

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Alerts(Declaration):
    """Channels of alerts; each is on once it is named. Their secrets are settings of their own."""

    poll_s: float = Field(gt=0, le=60)
    timeout_s: float = Field(gt=0, le=60)
    first_hours: float = Field(ge=0)
    down_s: float = Field(ge=5)
    telegram_chat: str
    smtp_host: str
    smtp_port: int = Field(ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"]
    smtp_user: str
    mail_from: str
    mail_to: tuple[str, ...]

    @model_validator(mode="after")
    def _is_safe_and_whole(self) -> Self:
        if self.smtp_security == "none" and self.smtp_host not in ("", *_LOOPBACK):
            raise ValueError("smtp_security starttls or tls: in clear text on loopback only")
        if self.smtp_host and not (self.mail_from and self.mail_to):
            raise ValueError("mail_from and mail_to, where smtp_host is set")
        return self


def require_safe_url(url: str) -> str:
    """Refuse to tell the world in clear text; give the address back."""
    found = urlsplit(url)
    is_near = found.scheme == "http" and found.hostname in _LOOPBACK
    if not (found.hostname and (found.scheme == "https" or is_near)):
        raise ValueError("an address with https, or http on loopback")
    return url
