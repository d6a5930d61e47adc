"""The bot against a Bot API on loopback, with the desk's own books behind it."""

from __future__ import annotations

import asyncio
import logging

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import ConfigurationError
from trading_assets.live.lease import Lease
from trading_assets.live.supervision.masking import Masking
from trading_assets_tests.stand_ins.telegram_api import (
    ANN,
    BOB,
    STRANGER,
    TOKEN,
    dropped,
    refusing,
)


def test_ctl_01_strangers_are_not_answered_and_second_hand_words_are_not_obeyed(rig, caplog):
    async def script(api):
        await api.says(STRANGER, "/halt")
        await api.says(STRANGER, "/halt", chat=-5)
        await api.says(ANN, "/halt", chat=-6)
        await api.says(ANN, "/halt", forward_origin={
            "type": "hidden_user", "sender_user_name": "Bob", "date": 1,
        })  # fmt: skip
        await api.says(ANN, "/halt", edited=True)
        await api.says(ANN, "/halt", age_s=75)
        await api.says(ANN, "/help")
        await api.heard(4)

    with caplog.at_level(logging.INFO):
        api = rig.run(script)

    told = sorted(result["text"].split(".")[0] for _, result in api.said)
    assert told[0].startswith("/status [BOOK]")
    assert told[1:] == [
        "Not obeyed: a forwarded message",
        "Not obeyed: an edited message",
        "Not obeyed: an old message",
    ]
    assert {result["chat"]["id"] for _, result in api.said} == {ANN}
    assert not rig.place().folder.exists()
    assert rig.door.refused.total() == 6
    assert "refused a stranger: user 99 in chat -5" in caplog.text


def test_a_command_of_a_group_is_for_the_bot_that_it_names(rig):
    async def script(api):
        await api.says(ANN, "/halt@other_bot", chat=-5)
        await api.says(ANN, "good morning", chat=-5)
        await api.says(ANN, "/halt@Desk_Bot paper", chat=-5)
        (answer,) = await api.heard(1)
        assert answer["chat"]["id"] == -5
        assert answer["text"].startswith("paper: HALT")

    rig.run(script)
    assert rig.latch().who == "7 Ann"


def test_ctl_08_a_panic_where_nothing_runs_has_no_button(rig):
    async def script(api):
        await api.says(ANN, "/panic")
        (answer,) = await api.heard(1)
        assert "No book runs" in answer["text"]
        assert "reply_markup" not in answer

    rig.run(script)


def test_ctl_08_a_panic_takes_two_buttons_that_work_once(rig):
    async def script(api):
        await api.says(ANN, "/panic")
        first = (await api.heard(1))[-1]
        assert "paper? (demo: not running) (1/2)" in first["text"]
        await api.presses(ANN, first)
        second = (await api.heard(2))[-1]
        assert second["text"].startswith("Really?")
        await api.presses(ANN, first)
        await api.asked_for("answerCallbackQuery", 2)
        assert rig.latch() is None
        await api.presses(ANN, second)
        told = (await api.heard(4))[-1]["text"]
        assert told == "paper: FLATTEN, no entry leaves from now on"
        await api.presses(ANN, second)
        await api.asked_for("answerCallbackQuery", 4)

    with Lease(rig.place().lease):
        api = rig.run(script)

    pressed = [given.get("text", "") for name, given in api.said if name == "answerCallbackQuery"]
    assert pressed == ["", "pressed already"] * 2

    assert rig.latch().level is HaltLevel.FLATTEN
    assert (rig.latch().who, rig.latch().source) == ("7 Ann", "telegram")
    assert rig.latch("demo") is None


def test_ctl_08_a_panic_is_confirmed_by_the_person_who_asked_and_in_time(rig):
    async def script(api):
        await api.says(ANN, "/panic", chat=-5)
        first = (await api.heard(1))[-1]
        await api.presses(STRANGER, first)
        await api.presses(BOB, first)
        await api.asked_for("answerCallbackQuery", 1)
        await api.presses(ANN, first)
        second = (await api.heard(2))[-1]
        await api.presses(BOB, second)
        await api.asked_for("answerCallbackQuery", 3)
        await api.presses(ANN, second, chat=-6)
        rig.local.seconds += 31.0
        await api.presses(ANN, second)
        assert "expired" in (await api.heard(3))[-1]["text"]

    with Lease(rig.place().lease):
        api = rig.run(script)

    assert rig.latch() is None
    answers = [
        result["text"]
        for method, result in api.said
        if method == "answerCallbackQuery" and "text" in result
    ]
    assert answers == ["This button is somebody else's."] * 2 + ["expired"]
    assert rig.door.refused.total() == 2


def test_a_telegram_that_takes_no_answers_delays_no_halt(rig):
    async def script(api):
        api.is_dead = True
        await api.says(ANN, "/help")
        await api.asked_for("sendMessage", 1)
        await api.says(ANN, "/halt paper news")
        async with asyncio.timeout(5.0):
            while rig.latch() is None:
                await asyncio.sleep(0.01)
        assert api.said == []
        api.is_dead = False

    api = rig.run(script)
    assert rig.latch().reason == "news"
    assert "/panic" in api.said[0][1]["text"]  # nothing was lost: it was said at the end


def test_the_bot_hears_again_after_every_fault_of_the_long_poll(rig):
    async def script(api):
        await api.asked_for("getUpdates", 1)
        api.faults["getUpdates"] = [refusing(429, retry_after=0), refusing(502)]
        api.faults["sendMessage"] = [refusing(429, retry_after=0)]
        await api.says(ANN, "/help")
        assert "/panic" in (await api.heard(1))[-1]["text"]
        await api.says(ANN, "/start")
        assert "/panic" in (await api.heard(2))[-1]["text"]

    rig.run(script)


def test_the_token_is_never_written_whatever_happens(rig, caplog):
    """The masking of what a process logs, over everything that is logged at the finest level."""
    written = []

    class Keep(logging.Handler):
        def emit(self, record):
            written.append(logging.Formatter().format(record))

    handler = Keep()
    handler.addFilter(Masking(rig.desk.settings.secret_values))
    handler.addFilter(lambda record: "aiohttp" not in record.name)  # the server of the test

    async def script(api):
        api.faults["getUpdates"] = [dropped]
        api.is_dead = True
        await api.says(ANN, "/help")
        await api.asked_for("sendMessage", 1)
        api.is_dead = False

    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        rig.run(script)
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert any("getUpdates" in text for text in written)
    assert TOKEN not in "\n".join(written)


def test_a_token_that_telegram_does_not_know_ends_the_bot_and_is_not_shown(rig):
    async def script(api):
        await api.asked_for("getMe", 1)

    wrong = "12345678:" + "w" * 35
    with pytest.raises(ConfigurationError, match="does not know") as caught:
        rig.run(script, token=wrong)
    assert wrong not in str(caught.value)
    assert caught.value.__cause__ is None
