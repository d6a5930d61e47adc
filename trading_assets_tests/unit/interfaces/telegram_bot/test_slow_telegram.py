"""A Telegram that is slow, refuses or hangs: what was asked is done once, in order, and told."""

from __future__ import annotations

import asyncio
import json

import pytest

from trading_assets.domain.control import CommandKind, HaltLevel
from trading_assets.interfaces.telegram_bot.outbox import MOST
from trading_assets.live.lease import Lease
from trading_assets.storage.inbox import Inbox
from trading_assets_tests.stand_ins.pair_release import book_of_pair
from trading_assets_tests.stand_ins.telegram_api import ANN, dropped, refusing, silent

TIMEOUT_S = 0.2


def _commands(rig):
    with Inbox(rig.place().folder) as inbox:
        return [(c.kind, json.loads(c.arguments)) for c in inbox.after(0)]


async def _three_changes(api):
    """Two of them would come to something else in another order."""
    for text in ("/stop fast", "/risk fast 50", "/risk fast 40"):
        await api.says(ANN, text)
    assert not any("Refused" in answer["text"] for answer in await api.heard(3))


def _assert_done_once_in_order(rig):
    assert [(kind, given.get("risk_bps")) for kind, given in _commands(rig)] == [
        (CommandKind.STOP_STRATEGY, None),
        (CommandKind.TIGHTEN_LIMITS, "50"),
        (CommandKind.TIGHTEN_LIMITS, "40"),
    ]


@pytest.mark.parametrize(
    "fault",
    [silent, dropped, refusing(429, retry_after=0), refusing(503)],
    ids=["hangs", "dropped", "429", "503"],
)
@pytest.mark.parametrize("method", ["getMe", "getUpdates"])
def test_commands_behind_a_question_that_fails_are_obeyed_once_and_in_order(rig, method, fault):
    with book_of_pair(), Lease(rig.place().lease):
        rig.run(_three_changes, faults={method: [fault]}, timeout_s=TIMEOUT_S, poll_s=0)
        _assert_done_once_in_order(rig)


def test_news_whose_answer_came_too_late_are_heard_again_and_obeyed_once(rig):
    async def script(api):
        api.holds["getUpdates"] = [asyncio.Event()]
        await _three_changes(api)

    with book_of_pair(), Lease(rig.place().lease):
        rig.run(script, timeout_s=TIMEOUT_S, poll_s=0)
        _assert_done_once_in_order(rig)


@pytest.mark.parametrize(
    "fault", [silent, refusing(429, retry_after=0), refusing(502)], ids=["hangs", "429", "502"]
)
def test_a_halt_is_done_once_while_its_answer_cannot_be_said_and_is_told_after(rig, fault):
    async def script(api):
        api.faults["sendMessage"] = [fault]
        await api.says(ANN, "/halt paper news")
        await api.asked_for("sendMessage", 1)
        assert api.said == []
        assert rig.latch().reason == "news"
        await api.says(ANN, "/help")
        halted, helped = await api.heard(2)
        assert halted["text"].startswith("paper: HALT")
        assert helped["text"].startswith("/status")

    rig.run(script, timeout_s=TIMEOUT_S)
    assert [kind for kind, _ in _commands(rig)] == [CommandKind.HALT_TRADING]


def test_a_halt_is_not_obeyed_again_by_the_next_process(rig):
    """The first one hears it and is stopped before it can ask for more news."""

    async def first(api):
        await api.asked_for("getUpdates", 1)
        api.faults["getUpdates"] = [refusing(429, retry_after=30)]
        await api.says(ANN, "/halt paper news")
        await api.asked_for("getUpdates", 2)
        await api.heard(1)

    async def then(api):
        await api.says(ANN, "/help")
        assert (await api.heard(2))[-1]["text"].startswith("/status")

    rig.run(first, then)
    assert [kind for kind, _ in _commands(rig)] == [CommandKind.HALT_TRADING]


def test_a_panic_whose_buttons_come_twice_and_are_pressed_twice_happens_once(rig):
    """Each answer arrives, but Telegram says so too late: the bot says everything again."""

    async def script(api):
        api.holds["sendMessage"] = [asyncio.Event()]
        await api.says(ANN, "/panic")
        first, again = await api.heard(2)
        assert first["reply_markup"] == again["reply_markup"]
        await api.presses(ANN, first)
        await api.presses(ANN, again)
        second = (await api.heard(3))[-1]
        assert second["text"].startswith("Really?")
        await api.presses(ANN, second)
        await api.presses(ANN, second)
        await api.asked_for("answerCallbackQuery", 4)
        await api.heard(5)

    with Lease(rig.place().lease):
        api = rig.run(script, timeout_s=TIMEOUT_S)

    assert rig.latch().level is HaltLevel.FLATTEN
    assert [kind for kind, _ in _commands(rig)] == [CommandKind.FLATTEN_ALL]
    texts = [result.get("text", "") for _, result in api.said]
    assert texts.count("pressed already") == 2
    assert not any("expired" in text for text in texts)


def test_what_a_full_queue_has_lost_is_counted_and_told_by_the_next_answer(rig, caplog):
    """The first answer is on its way all the time: it arrives, and is none of those lost."""

    async def script(api):
        go_on = asyncio.Event()
        api.holds["sendMessage"] = [go_on]
        for _ in range(MOST + 3):
            await api.says(ANN, "/help")
        await api.says(ANN, "/halt paper news")
        async with asyncio.timeout(5.0):
            while rig.latch() is None or len(caplog.records) < 4:
                await asyncio.sleep(0.01)
        go_on.set()
        await api.heard(MOST)

    api = rig.run(script)
    texts = [result["text"].partition("\n")[0] for _, result in api.said]
    assert len(texts) == MOST
    assert texts[0].startswith("/status")
    assert texts[1] == "(lost here before this: 4)"
    assert [text for text in texts if text.startswith("(lost")] == texts[1:2]
    assert [r.message for r in caplog.records] == [
        "a message of the bot was lost: too many wait"
    ] * 4
