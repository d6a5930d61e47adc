"""Settings of the Telegram bot by which people reach live books."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from trading_assets.declarations.alerts import require_safe_url
from trading_assets.declarations.declaration import Declaration


class Telegram(Declaration):
    """Whom the bot obeys; its token is a secret, see `Settings.telegram_bot_token`.

    Attributes:
        user_ids, chat_ids: people and chats by number; none: it refuses to start.
        api_url: of the Bot API, or of a local server of it.
        poll_s: how long one question for news stays open.
        timeout_s: how long an answer may take, besides the time that a question stays open.
    """

    user_ids: tuple[int, ...]
    chat_ids: tuple[int, ...]
    api_url: Annotated[str, AfterValidator(require_safe_url)]
    poll_s: int = Field(ge=0, le=50)
    timeout_s: float = Field(gt=0, le=60)
