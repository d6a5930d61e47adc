"""Channels to people against real servers on loopback: what arrives, and what their faults mean."""

from __future__ import annotations

import hashlib
import hmac
import socket

import pytest

from trading_assets.adapters.alerting.http_channels import SIGNATURE, TelegramChat, Webhook
from trading_assets.adapters.alerting.mail import Mail
from trading_assets.adapters.alerting.message import AlertMessage
from trading_assets.domain.errors import AlertRefused, AlertUndelivered
from trading_assets_tests.stand_ins.alert_receivers import (
    HttpReceiver,
    MailReceiver,
    certificate_of_localhost,
)

MESSAGE = AlertMessage("f00-7", "paper", "drift", 1_700_000_000_000_000, True, "they differ")
OVER = AlertMessage("f00-8", "paper", "drift", 1_700_000_060_000_000, False, "")
TOKEN = "123456789:" + "A" * 35


@pytest.fixture
def receiver():
    with HttpReceiver().serving() as made:
        yield made


def _webhook(receiver, **changes):
    return Webhook(receiver.url + "/hook", timeout_s=changes.pop("timeout_s", 5.0), **changes)


def test_a_webhook_is_told_in_json_signed_by_the_secret(receiver):
    _webhook(receiver, secret="between-us").send(MESSAGE)
    _webhook(receiver).send(OVER)
    (path, headers, body), (_, unsigned, _) = receiver.got
    assert path == "/hook"
    assert receiver.bodies == [
        {
            "id": "f00-7", "book": "paper", "alert": "drift", "state": "begins",
            "reason": "they differ", "ts": "2023-11-14T22:13:20.000+00:00",
            "text": "paper: drift: they differ",
        },
        {
            "id": "f00-8", "book": "paper", "alert": "drift", "state": "over", "reason": "",
            "ts": "2023-11-14T22:14:20.000+00:00", "text": "paper: drift is over",
        },
    ]  # fmt: skip
    wanted = hmac.new(b"between-us", body, hashlib.sha256).hexdigest()
    assert headers[SIGNATURE] == f"sha256={wanted}"
    assert headers["Idempotency-Key"] == "f00-7"
    assert SIGNATURE not in unsigned


@pytest.mark.parametrize(
    ("answer", "kind", "pause_s"),
    [
        ((500, {}, b"broken"), AlertUndelivered, 0),
        ((503, {"Retry-After": "7"}, b""), AlertUndelivered, 7),
        ((404, {}, b"no such hook"), AlertUndelivered, 0),
        ((302, {"Location": "http://127.0.0.1:1/"}, b""), AlertUndelivered, 0),
        ((422, {}, b"no such field"), AlertRefused, 0),
        ((429, {}, b'{"parameters": {"retry_after": 31}}'), AlertUndelivered, 31),
    ],
)
def test_what_a_server_says_tells_whether_to_try_again(receiver, answer, kind, pause_s):
    receiver.answers = [answer]
    with pytest.raises(AlertUndelivered) as caught:
        _webhook(receiver).send(MESSAGE)
    assert type(caught.value) is kind
    assert caught.value.retry_after_s == pause_s


def test_a_server_that_is_silent_or_not_there_is_tried_again(receiver):
    receiver.answers = [None]
    with pytest.raises(AlertUndelivered, match="Timeout"):
        _webhook(receiver, timeout_s=0.2).send(MESSAGE)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/of-a-secret"
        with pytest.raises(AlertUndelivered) as caught:
            Webhook(url, timeout_s=1.0).send(MESSAGE)
    assert "of-a-secret" not in str(caught.value)


def test_telegram_is_asked_for_one_message_and_its_token_is_never_shown(receiver):
    chat = TelegramChat(receiver.url, token=TOKEN, chat="-100", timeout_s=5.0)
    chat.send(MESSAGE)
    assert receiver.got[0][0] == f"/bot{TOKEN}/sendMessage"
    assert receiver.bodies == [{"chat_id": "-100", "text": "! paper: drift: they differ"}]
    receiver.answers = [(401, {}, b'{"description": "Unauthorized"}')]
    with pytest.raises(AlertUndelivered) as caught:
        chat.send(MESSAGE)
    assert TOKEN not in str(caught.value)


def _mail(receiver, **changes):
    terms = {
        "security": "starttls", "sender": "desk@example.org", "to": ["ann@example.org"],
        "timeout_s": 5.0,
    }  # fmt: skip
    return Mail("localhost", receiver.port, **terms | changes)


def test_a_letter_goes_over_tls_and_so_does_the_password(tmp_path, monkeypatch):
    certificate = certificate_of_localhost(tmp_path)
    with MailReceiver(certificate).serving() as receiver:
        with pytest.raises(AlertUndelivered, match="SSLCertVerificationError"):
            _mail(receiver, user="desk", password="word").send(MESSAGE)
        assert not receiver.logins

        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        _mail(receiver, user="desk", password="word").send(MESSAGE)
        ((_, is_secret),) = receiver.logins
        (letter,) = receiver.letters
    assert is_secret
    assert letter["Subject"] == "[trading_assets] paper: drift: they differ"
    assert (letter["To"], letter["Message-ID"]) == ("ann@example.org", "<f00-7@trading-assets>")
    assert "2023-11-14T22:13:20" in letter.get_payload()


def test_a_server_without_tls_gets_neither_letter_nor_password():
    with MailReceiver().serving() as receiver:
        with pytest.raises(AlertUndelivered, match="SMTPNotSupportedError"):
            _mail(receiver, user="desk", password="word").send(MESSAGE)
        assert (receiver.letters, receiver.logins) == ([], [])


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 later", AlertUndelivered), ("554 never", AlertRefused)],
)
def test_what_a_mail_server_says_tells_whether_to_try_again(answer, kind):
    with MailReceiver().serving() as receiver:
        receiver.data_answers = [answer]
        with pytest.raises(AlertUndelivered) as caught:
            _mail(receiver, security="none").send(MESSAGE)
    assert type(caught.value) is kind
