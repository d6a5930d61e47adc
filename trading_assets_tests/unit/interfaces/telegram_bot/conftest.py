"""A bot in front of a Bot API on loopback, with the desk's own books behind it."""

from __future__ import annotations

import asyncio

import pytest

from trading_assets.bootstrap import desk
from trading_assets.interfaces.telegram_bot.bot import TelegramBot
from trading_assets.interfaces.telegram_bot.commands import BookCommands
from trading_assets.interfaces.telegram_bot.door import Door
from trading_assets.live.safety.latch import read_latch
from trading_assets.settings import load_settings
from trading_assets.workflows.live_book import live_book
from trading_assets_tests.stand_ins.clock import HandTime
from trading_assets_tests.stand_ins.telegram_api import ANN, BOB, TOKEN, TelegramApi


class Rig:
    """A desk with a bot that obeys Ann and Bob, each in their own chat and in group -5."""

    def __init__(self):
        settings = load_settings().settings
        self.desk = desk(settings)
        self.door = Door((ANN, BOB), (ANN, BOB, -5))
        self.local = HandTime()

    def place(self, book="paper"):
        return live_book(self.desk.settings, book)

    def latch(self, book="paper"):
        return read_latch(self.place(book).halt)

    def run(self, *scripts, token=TOKEN, faults=None, **terms):
        """Let people do what a script says while a bot serves, one bot after another for more
        scripts; give the server, whose `faults` are there before the first."""

        async def main():
            async with TelegramApi(self.desk.clock.now) as api:
                api.faults.update(faults or {})
                changes = {"api_url": api.url, "poll_s": 1, **terms}
                for script in scripts:
                    await self._serve(api, script, token, changes)
            return api

        return asyncio.run(main())

    async def _serve(self, api, script, token, changes):
        bot = TelegramBot(
            BookCommands(self.desk, self.door.summary),
            self.door,
            self.desk.settings.telegram.model_copy(update=changes),
            token,
            clock=self.desk.clock,
            local=self.local,
        )
        stop = asyncio.Event()
        serving = asyncio.create_task(bot.serve(stop))
        try:
            await asyncio.wait_for(script(api), 20.0)
        finally:
            stop.set()
            await serving


@pytest.fixture
def rig(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    monkeypatch.setenv("TA_TELEGRAM_BOT_TOKEN", TOKEN)
    return Rig()
