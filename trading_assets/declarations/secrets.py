"""Secrets: from variables or files only, never from a settings file, and shown nowhere."""

from __future__ import annotations

from pydantic import BaseModel, SecretStr, field_validator

from trading_assets.declarations.alerts import require_safe_url


class Secrets(BaseModel):
    """Every secret of the settings; one that is added here is masked in logs, too."""

    binance_api_key: SecretStr | None = None
    binance_api_secret: SecretStr | None = None
    eodhd_api_key: SecretStr | None = None
    polygon_api_key: SecretStr | None = None
    alert_webhook_url: SecretStr | None = None  # many have a token in the path
    alert_webhook_secret: SecretStr | None = None
    telegram_bot_token: SecretStr | None = None
    smtp_password: SecretStr | None = None
    redis_password: SecretStr | None = None
    sentry_dsn: SecretStr | None = None

    @field_validator("alert_webhook_url")
    @classmethod
    def _webhook_is_safe(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            require_safe_url(value.get_secret_value())
        return value

    @property
    def secret_values(self) -> tuple[str, ...]:
        """Those that are set: to be masked."""
        held = (getattr(self, name) for name in SECRETS)
        return tuple(each.get_secret_value() for each in held if each is not None)


SECRETS = tuple(Secrets.model_fields)
