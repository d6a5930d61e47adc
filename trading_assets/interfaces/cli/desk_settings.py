"""Settings for commands, read when one runs: to show its help nobody needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trading_assets.settings import LoadedSettings


def load_settings() -> LoadedSettings:
    """Read all sources and validate; see `settings.load_settings`.

    Raises:
        ConfigurationError: for a wrong or unknown key.
    """
    from trading_assets import settings

    return settings.load_settings()
