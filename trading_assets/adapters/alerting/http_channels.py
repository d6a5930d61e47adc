"""Alerts over HTTPS: to a webhook of the user's, and to a chat of Telegram."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import requests

from trading_assets.adapters.alerting.message import AlertMessage
from trading_assets.adapters.bounded_http import BoundedAdapter
from trading_assets.domain.errors import AlertRefused, AlertUndelivered

SIGNATURE = "X-Trading-Assets-Signature"
_REFUSED = frozenset({400, 413, 422})
"""Answers that say the message is wrong; all other failures may pass, or somebody repairs them."""

_LONGEST_TEXT = 4096
"""Characters of a message that Telegram takes."""


class Webhook:
    """POSTs each message as JSON; a receiver proves its origin by the signature.

    The header `X-Trading-Assets-Signature` is `sha256=` and the HMAC-SHA256 of the body, in hex, by
    the secret, as GitHub's webhooks do it. `Idempotency-Key` is the message's id.
    """

    name = "webhook"

    def __init__(self, url: str, *, secret: str = "", timeout_s: float) -> None:
        """Name the receiver; nothing is sent."""
        self._url = url
        self._secret = secret.encode()
        self._timeout_s = timeout_s

    def send(self, message: AlertMessage) -> None:
        """Deliver, or raise what `AlertChannel.send` does."""
        body = json.dumps(message.to_json(), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.message_id}
        if self._secret:
            digest = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            headers[SIGNATURE] = f"sha256={digest}"
        _post(self.name, self._url, body, headers, self._timeout_s)


class TelegramChat:
    """Sends each message to one chat by the Bot API's `sendMessage`."""

    name = "telegram"

    def __init__(self, url: str, *, token: str, chat: str, timeout_s: float) -> None:
        """Name bot and chat; nothing is sent.

        Args:
            url: of the Bot API.
            token: of the bot; it stands in the address of every request, so that none is shown.
            chat: id of the chat, or @name of a channel.
            timeout_s: of connecting, and of each silence.
        """
        self._url = f"{url.rstrip('/')}/bot{token}/sendMessage"
        self._chat = chat
        self._timeout_s = timeout_s

    def send(self, message: AlertMessage) -> None:
        """Deliver, or raise what `AlertChannel.send` does."""
        text = f"{'!' if message.begins else '-'} {message.text}"[:_LONGEST_TEXT]
        body = json.dumps({"chat_id": self._chat, "text": text}).encode()
        _post(self.name, self._url, body, {"Content-Type": "application/json"}, self._timeout_s)


def _post(name: str, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> None:
    """Ask once; a redirection is not followed, since it may lead anywhere with what we tell."""
    with requests.Session() as session:
        session.mount("http://", BoundedAdapter())
        session.mount("https://", BoundedAdapter())
        try:
            answer = session.post(
                url, data=body, headers=headers, timeout=timeout_s, allow_redirects=False
            )
        except (requests.RequestException, TimeoutError) as error:
            # Not its text: that has the address, and the address may be the secret.
            raise AlertUndelivered(
                f"The {name} does not answer", expected="status 2xx", found=type(error).__name__
            ) from None
    if answer.ok and not answer.is_redirect:
        return
    kind = AlertRefused if answer.status_code in _REFUSED else AlertUndelivered
    raise kind(
        f"The {name} does not take an alert",
        expected="status 2xx",
        found=f"{answer.status_code} {answer.text[:200]!r}",
        fix="See docs/monitoring.md.",
        retry_after_s=_retry_after_s(answer),
    )


def _retry_after_s(answer: requests.Response) -> float:
    """Read how long to wait: Telegram says it in the body, others in a header; 0 for neither."""
    found: Any = answer.headers.get("Retry-After", "")
    if not found and answer.status_code == 429:
        try:
            found = answer.json()["parameters"]["retry_after"]
        except (ValueError, KeyError, TypeError):
            return 0.0
    try:
        return max(0.0, float(found))
    except ValueError:
        return 0.0  # a date, which our own pauses stand for
