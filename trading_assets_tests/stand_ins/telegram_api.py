"""Telegram's Bot API on loopback: news by long polling, what the bot says, faults on demand."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Self

from aiohttp import web

TOKEN = "12345678:" + "s" * 35
ANN, BOB, STRANGER = 7, 8, 99
"""People; a private chat has the number of its person."""

Fault = Callable[[web.Request], Awaitable[web.StreamResponse]]


def refusing(status: int, **parameters: Any) -> Fault:
    """Answer with an error, as Telegram words it."""

    async def fault(_: web.Request) -> web.StreamResponse:
        body = {"ok": False, "error_code": status, "description": "no", "parameters": parameters}
        return web.json_response(body, status=status)

    return fault


async def dropped(request: web.Request) -> web.StreamResponse:
    """Close the connection without a word."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def silent(_: web.Request) -> web.StreamResponse:
    """Take the connection, and never answer."""
    await asyncio.Event().wait()
    raise AssertionError


class TelegramApi:
    """One bot's server.

    Attributes:
        said: (method, result) of what the bot has said, in order.
        asked: how often each method was called, faults included.
        faults: by method, for the next calls.
        holds: by method, for the next calls: what is asked is done, its answer waits for the event.
        is_dead: nothing that the bot says arrives.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self.said: list[tuple[str, dict[str, Any]]] = []
        self.asked: defaultdict[str, int] = defaultdict(int)
        self.faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self.holds: defaultdict[str, list[asyncio.Event]] = defaultdict(list)
        self.is_dead = False
        self.url = ""
        self._now = now
        self._news: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/bot{token}/{method}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    # What people do

    async def says(self, user: int, text: str, *, chat: int = 0, age_s: int = 0, **changes: Any):
        """Let somebody write; `edited=True` edits, other changes are fields of the message."""
        is_edited = changes.pop("edited", False)
        message = {
            "message_id": next(self._numbers),
            "date": self._now() // 1_000_000 - age_s,
            "chat": {"id": chat or user, "type": "private"},
            "from": _person(user),
            "text": text,
            **changes,
        }
        await self._happen({"edited_message" if is_edited else "message": message})

    async def presses(self, user: int, message: dict[str, Any], *, chat: int = 0) -> None:
        """Let somebody press the one button below a message."""
        ((button,),) = message["reply_markup"]["inline_keyboard"]
        seen = message | ({"chat": {"id": chat, "type": "group"}} if chat else {})
        query = {
            "id": str(next(self._numbers)),
            "from": _person(user),
            "message": seen,
            "chat_instance": "1",
            "data": button["callback_data"],
        }
        await self._happen({"callback_query": query})

    async def heard(self, count: int) -> list[dict[str, Any]]:
        """Wait until the bot has said so much; give all of it, answers to presses left out."""
        async with self._changed:
            await asyncio.wait_for(
                self._changed.wait_for(lambda: len(self._messages()) >= count), 10.0
            )
        return self._messages()

    async def asked_for(self, method: str, count: int) -> None:
        """Wait until a method was called so often."""
        async with self._changed:
            await asyncio.wait_for(
                self._changed.wait_for(lambda: self.asked[method] >= count), 10.0
            )

    def _messages(self) -> list[dict[str, Any]]:
        return [result for method, result in self.said if method != "answerCallbackQuery"]

    async def _happen(self, news: dict[str, Any]) -> None:
        async with self._changed:
            self._news.append(news | {"update_id": next(self._numbers)})
            self._changed.notify_all()

    # What the bot asks

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        held = self.holds[request.match_info["method"]]
        answers_after = held.pop(0) if held else None
        answer = await self._answer_at_once(request)
        if answers_after is not None:
            await answers_after.wait()
        return answer

    async def _answer_at_once(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        is_json = request.content_type == "application/json"
        given = await request.json() if is_json else dict(await request.post())
        async with self._changed:
            self.asked[method] += 1
            self._changed.notify_all()
        if request.match_info["token"] != TOKEN:
            return await refusing(401)(request)
        if self.faults[method]:
            return await self.faults[method].pop(0)(request)
        if method == "getMe":
            return _ok({**_person(1), "is_bot": True, "username": "desk_bot"})
        if method == "getUpdates":
            return _ok(await self._long_poll(given))
        if self.is_dead:
            return await dropped(request)
        return _ok(await self._spoken(method, given))

    async def _long_poll(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        offset, patience_s = int(given.get("offset", 0)), float(given.get("timeout", 0))
        async with self._changed:
            self._news = [news for news in self._news if news["update_id"] >= offset]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait_for(lambda: self._news), patience_s)
            return list(self._news)

    async def _spoken(self, method: str, given: dict[str, Any]) -> Any:
        result: dict[str, Any] = dict(given)
        if method in {"sendMessage", "editMessageText"}:
            result = {
                "message_id": int(given.get("message_id", 0)) or next(self._numbers),
                "date": self._now() // 1_000_000,
                "chat": {"id": int(given["chat_id"]), "type": "private"},
                "text": given["text"],
            }
            if "reply_markup" in given:
                result["reply_markup"] = json.loads(given["reply_markup"])
        async with self._changed:
            self.said.append((method, result))
            self._changed.notify_all()
        return True if method == "answerCallbackQuery" else result


def _person(user: int) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": {ANN: "Ann", BOB: "Bob"}.get(user, "X")}


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})
