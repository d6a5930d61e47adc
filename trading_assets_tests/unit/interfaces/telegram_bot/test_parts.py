"""Door, buttons and outbox of a bot, each by itself."""

from __future__ import annotations

import asyncio

import pytest
from telegram.error import NetworkError, RetryAfter

from trading_assets.domain.errors import ConfigurationError
from trading_assets.interfaces.telegram_bot.bot import _pause
from trading_assets.interfaces.telegram_bot.confirmations import (
    LIFETIME_S,
    Confirmations,
    Pressed,
)
from trading_assets.interfaces.telegram_bot.door import Came, Door, Person, Refusal
from trading_assets.interfaces.telegram_bot.outbox import Delivery, Outbox, Outgoing
from trading_assets_tests.stand_ins.clock import HandTime

ANN, ANN_IN_GROUP, BOB = Person(7, 7), Person(7, -5), Person(8, 8)


@pytest.mark.parametrize(("users", "chats"), [((), (7,)), ((7,), ())])
def test_ctl_01_a_bot_that_would_obey_everybody_does_not_start(users, chats):
    with pytest.raises(ConfigurationError, match="is empty"):
        Door(users, chats)


def test_ctl_01_the_door_lets_in_people_in_chats_with_words_of_their_own():
    door = Door((7,), (7, -5))
    assert door.refusal(Came(ANN)) is None
    assert door.refusal(Came(ANN_IN_GROUP, age_s=60.0)) is None
    refused = {
        Came(BOB): Refusal.STRANGER,
        Came(Person(8, 7)): Refusal.STRANGER,
        Came(Person(7, 8)): Refusal.STRANGE_CHAT,
        Came(ANN, is_forwarded=True): Refusal.FORWARDED,
        Came(ANN, is_edited=True): Refusal.EDITED,
        Came(ANN, age_s=60.5): Refusal.OLD,
        Came(ANN, age_s=-60.5): Refusal.OLD,
    }
    assert {came: door.refusal(came) for came in refused} == refused
    assert door.refused.total() == 7
    assert "a stranger 2" in door.summary()


def test_ctl_08_a_button_works_once_for_one_person_in_one_chat():
    buttons = Confirmations(HandTime())
    sent = buttons.offer(ANN, "panic1")
    assert len(sent.encode()) <= 64  # of what Telegram carries
    assert buttons.press(BOB, sent) == ("panic1", Pressed.NOT_YOURS)
    assert buttons.press(ANN_IN_GROUP, sent) == ("panic1", Pressed.NOT_YOURS)
    assert buttons.press(ANN, sent.replace("panic1", "panic2"))[1] is Pressed.EXPIRED
    assert buttons.press(ANN, sent) == ("panic1", Pressed.TAKEN)
    assert buttons.press(BOB, sent)[1] is Pressed.NOT_YOURS
    assert buttons.press(ANN, sent)[1] is Pressed.SPENT


def test_ctl_08_a_button_ends_after_its_time_and_when_there_are_too_many():
    time = HandTime()
    buttons = Confirmations(time)
    first, second = buttons.offer(ANN, "a"), buttons.offer(ANN, "a")
    time.seconds += LIFETIME_S
    assert buttons.press(ANN, first)[1] is Pressed.TAKEN
    time.seconds += 0.1
    assert buttons.press(ANN, second)[1] is Pressed.EXPIRED
    many = [buttons.offer(ANN, "a") for _ in range(101)]
    assert [buttons.press(ANN, sent)[1] for sent in (many[0], many[-1])] == [
        Pressed.EXPIRED, Pressed.TAKEN,
    ]  # fmt: skip


def test_a_full_outbox_loses_the_oldest_and_keeps_nobody_waiting():
    arrived = []

    async def send(message):
        arrived.append(message.text)
        return Delivery()

    async def main():
        box = Outbox(send, most=2)
        for text in ("one", "two", "three"):
            box.put(Outgoing(7, text))
        await box.flush()
        return box.lost

    assert asyncio.run(main()) == 1
    assert arrived == ["(lost here before this: 1)\ntwo", "three"]


def test_what_cannot_be_delivered_keeps_nothing_else_from_it():
    answers = [Delivery(again_s=1000.0), Delivery(failure="Forbidden"), Delivery()]
    arrived = []

    async def send(message):
        arrived.append(message.text)
        return answers.pop(0)

    async def main():
        box = Outbox(send)
        for text in ("too late", "not to them", "here"):
            box.put(Outgoing(7, text))
        await box.flush()
        return box.lost

    assert asyncio.run(main()) == 2
    assert arrived[0] == "too late"
    assert arrived[1].endswith(": 1)\nnot to them")
    assert arrived[2].endswith(": 2)\nhere")


def test_pauses_grow_and_obey_what_is_asked():
    assert [_pause(NetworkError("x"), last) for last in (0.0, 1.0, 8.0, 30.0)] == [1, 2, 16, 30]
    assert _pause(RetryAfter(7), 30.0) == 7.5
