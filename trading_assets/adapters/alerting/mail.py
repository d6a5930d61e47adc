"""Alerts by e-mail: one message each, over a connection of its own."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Literal

from trading_assets.adapters.alerting.message import AlertMessage
from trading_assets.domain.errors import AlertRefused, AlertUndelivered

Security = Literal["starttls", "tls", "none"]
_PERMANENT = 500


class Mail:
    """Sends by SMTP. Certificates are checked; a password never goes over an open line."""

    name = "mail"

    def __init__(
        self,
        host: str,
        port: int,
        *,
        security: Security,
        sender: str,
        to: Sequence[str],
        user: str = "",
        password: str = "",
        timeout_s: float,
    ) -> None:
        """Name server and people; nothing is sent."""
        self._host, self._port, self._security = host, port, security
        self._sender, self._to = sender, tuple(to)
        self._user, self._password = user, password
        self._timeout_s = timeout_s

    def send(self, message: AlertMessage) -> None:
        """Deliver, or raise what `AlertChannel.send` does."""
        letter = self._letter(message)
        try:
            with self._connection() as server:
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(letter)
        except smtplib.SMTPDataError as error:
            is_final = error.smtp_code >= _PERMANENT
            raise _failure(error, AlertRefused if is_final else AlertUndelivered) from None
        except (smtplib.SMTPException, OSError) as error:
            raise _failure(error, AlertUndelivered) from None

    def _connection(self) -> smtplib.SMTP:
        trust = ssl.create_default_context()
        if self._security == "tls":
            return smtplib.SMTP_SSL(self._host, self._port, timeout=self._timeout_s, context=trust)
        server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_s)
        if self._security == "starttls":
            try:
                server.starttls(context=trust)
            except BaseException:
                server.close()
                raise
        return server

    def _letter(self, message: AlertMessage) -> EmailMessage:
        letter = EmailMessage()
        letter["Subject"] = f"[trading_assets] {message.text}"[:200].replace("\n", " ")
        letter["From"], letter["To"] = self._sender, ", ".join(self._to)
        letter["Message-ID"] = f"<{message.message_id}@trading-assets>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(f"{message.text}\n\n{message.instant}\n")
        return letter


def _failure(error: Exception, kind: type[AlertUndelivered]) -> AlertUndelivered:
    code = getattr(error, "smtp_code", "")
    return kind(
        "The mail server does not take an alert",
        expected="250",
        found=f"{type(error).__name__} {code}".strip(),
        fix="See docs/monitoring.md.",
    )
