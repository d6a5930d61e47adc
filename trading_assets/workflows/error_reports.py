"""Errors to Sentry, or to whatever speaks its protocol; only with a DSN, and nothing secret."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from trading_assets.domain.errors import ConfigurationError
from trading_assets.live.supervision.masking import Masking

_PATIENCE_S = 2.0
"""How long the end of a process waits for reports that are on their way."""


def begin_reports(dsn: str, masking: Masking) -> None:
    """Send records of level ERROR and above, from a thread of their own.

    Neither values of local variables nor headers, cookies or addresses of users are sent, and all
    texts are masked as in the log.

    Raises:
        ConfigurationError: if the library is not installed, or the DSN is none.
    """
    try:
        import sentry_sdk
        from sentry_sdk.utils import BadDsn
    except ImportError as error:
        raise ConfigurationError(
            "TA_SENTRY_DSN is set, and sentry-sdk is not installed",
            expected="the extra `sentry`",
            found=str(error),
            fix="pip install 'trading-assets[sentry]', or unset TA_SENTRY_DSN.",
        ) from error

    def masked(event: Any, _hint: Any) -> Any:
        return masking.masked_values(event)

    try:
        sentry_sdk.init(
            dsn=dsn,
            release=f"trading-assets@{version('trading-assets')}",
            include_local_variables=False,
            max_request_body_size="never",
            auto_enabling_integrations=False,  # they load every framework that is installed
            before_send=masked,
            before_breadcrumb=masked,
            shutdown_timeout=_PATIENCE_S,
        )
    except BadDsn:
        raise ConfigurationError(
            "TA_SENTRY_DSN is no DSN",
            expected="https://<key>@<host>/<project>",
            found="a secret (not shown)",
        ) from None
