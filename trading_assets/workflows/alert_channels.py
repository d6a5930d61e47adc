"""The channels that settings name, and the alerter that tells them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from trading_assets.adapters.alerting.http_channels import TelegramChat, Webhook
from trading_assets.adapters.alerting.mail import Mail
from trading_assets.adapters.alerting.message import AlertChannel
from trading_assets.domain.errors import ConfigurationError, LeaseHeld
from trading_assets.live.background import Background
from trading_assets.live.lease import Lease
from trading_assets.live.ports import LocalTime
from trading_assets.live.supervision.masking import Masking
from trading_assets.settings import Settings
from trading_assets.storage.alert_cursor import AlertCursor
from trading_assets.workflows.desk import Desk
from trading_assets.workflows.outside_watch import OutsideWatch
from trading_assets.workflows.tell_alerts import Teller


def channels(settings: Settings) -> tuple[AlertChannel, ...]:
    """Give the channels that are named; nothing is sent.

    Raises:
        ConfigurationError: if Telegram has a chat and no token.
    """
    own = settings.alerts
    found: list[AlertChannel] = []
    if settings.alert_webhook_url is not None:
        found.append(
            Webhook(
                settings.alert_webhook_url.get_secret_value(),
                secret=_text(settings.alert_webhook_secret),
                timeout_s=own.timeout_s,
            )
        )
    if own.telegram_chat:
        token = _text(settings.telegram_bot_token)
        if not token:
            raise ConfigurationError(
                "alerts.telegram_chat is set, and no bot",
                expected="TA_TELEGRAM_BOT_TOKEN, or the file telegram_bot_token in TA_SECRETS_DIR",
                found="none",
            )
        found.append(
            TelegramChat(
                settings.telegram.api_url,
                token=token,
                chat=own.telegram_chat,
                timeout_s=own.timeout_s,
            )
        )
    if own.smtp_host:
        found.append(
            Mail(
                own.smtp_host,
                own.smtp_port,
                security=own.smtp_security,
                sender=own.mail_from,
                to=own.mail_to,
                user=own.smtp_user,
                password=_text(settings.smtp_password),
                timeout_s=own.timeout_s,
            )
        )
    return tuple(found)


def has_channels(settings: Settings) -> bool:
    """Whether settings name a channel, be it whole or not."""
    own = settings.alerts
    return settings.alert_webhook_url is not None or bool(own.telegram_chat or own.smtp_host)


@contextmanager
def alerter(desk: Desk, local: LocalTime) -> Iterator[tuple[Background, ...]]:
    """Tell alerts by all channels while one is inside.

    Raises:
        ConfigurationError: if no channel is named.
        LeaseHeld: if another process of this desk tells them.
    """
    settings = desk.settings
    named = require_channels(settings)
    folder = alerter_folder(settings)
    masking = Masking(settings.secret_values)
    own = settings.alerts
    roots = (settings.data_root / "live", folder)
    watch = OutsideWatch(desk, folder, local, down_s=own.down_s)
    tellers = [
        Teller(
            channel,
            roots,
            AlertCursor(folder, channel.name),
            desk.clock,
            masking=masking,
            poll_s=own.poll_s,
            first_s=own.first_hours * 3600,
        )
        for channel in named
    ]
    with ExitStack() as stack:
        stack.enter_context(_alone(folder))
        parts: tuple[Background, ...] = (watch, *tellers)
        for part in parts:
            stack.enter_context(part)
        yield parts


def require_channels(settings: Settings) -> tuple[AlertChannel, ...]:
    """Give the channels that are named.

    Raises:
        ConfigurationError: if there is none.
    """
    named = channels(settings)
    if not named:
        raise ConfigurationError(
            "Nobody is named to be told of alerts",
            expected="TA_ALERT_WEBHOOK_URL, alerts.telegram_chat or alerts.smtp_host",
            found="none",
            fix="See docs/monitoring.md.",
        )
    return named


def alerter_folder(settings: Settings) -> Path:
    """Give where the alerter keeps what it has told, and what it has seen itself."""
    return settings.data_root / "alerts"


def _alone(folder: Path) -> Lease:
    try:
        return Lease(folder / "alerter.lock")
    except LeaseHeld as held:
        raise LeaseHeld(
            "Another alerter tells this desk's alerts",
            expected="to be the only one: each alert is told once",
            found=held.found,
            fix="Stop it first; `trading-assets up` starts one, too.",
        ) from held


def _text(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()
