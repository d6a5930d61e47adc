"""`trading-assets telegram`: people reach live books by a bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from trading_assets.interfaces.cli.desk_settings import load_settings

if TYPE_CHECKING:
    from trading_assets.interfaces.telegram_bot.door import Door
    from trading_assets.settings import Settings

app = typer.Typer(help="A Telegram bot over the live books.", no_args_is_help=True)


@app.callback()
def telegram() -> None:
    """A Telegram bot over the live books."""


@app.command()
def serve() -> None:
    """Obey the people and chats of `[telegram]` until Ctrl-C; see docs/how-to/telegram.md.

    Example: trading-assets telegram serve
    """
    import asyncio
    from importlib.util import find_spec

    from trading_assets.domain.errors import ConfigurationError
    from trading_assets.interfaces.telegram_bot.door import Door

    settings = load_settings().settings
    door = Door(settings.telegram.user_ids, settings.telegram.chat_ids)
    token = settings.telegram_bot_token
    if token is None or not token.get_secret_value().strip():
        raise ConfigurationError(
            "The bot has no token",
            expected="TA_TELEGRAM_BOT_TOKEN, or the file telegram_bot_token in TA_SECRETS_DIR",
            found="neither",
            fix="@BotFather gives one.",
        )
    if find_spec("telegram") is None:
        raise ConfigurationError(
            "python-telegram-bot is not installed",
            expected="the extra `telegram`",
            found="an environment without it",
            fix="pip install 'trading-assets[telegram]'",
        )
    asyncio.run(_serve(settings, door, token.get_secret_value().strip()))
    typer.echo("stopped")


async def _serve(settings: Settings, door: Door, token: str) -> None:
    import asyncio
    import signal

    from trading_assets.bootstrap import desk
    from trading_assets.interfaces.telegram_bot.bot import TelegramBot
    from trading_assets.interfaces.telegram_bot.commands import BookCommands
    from trading_assets.live.ports import MachineTime

    opened = desk(settings)
    commands = BookCommands(opened, door.summary)
    bot = TelegramBot(
        commands, door, settings.telegram, token, clock=opened.clock, local=MachineTime()
    )
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await bot.serve(stop)
