"""Alerts reach people once, in order, whatever fails or is killed between; real servers."""

from __future__ import annotations

import asyncio

import pytest

from trading_assets.adapters.alerting.http_channels import TelegramChat, Webhook
from trading_assets.domain.errors import CorruptFile
from trading_assets.live.supervision.masking import Masking
from trading_assets.storage.alert_cursor import AlertCursor
from trading_assets.storage.alert_file import AlertFile
from trading_assets.workflows import tell_alerts
from trading_assets.workflows.tell_alerts import Teller
from trading_assets_tests.stand_ins.alert_receivers import HttpReceiver
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.telegram_api import TOKEN, TelegramApi, refusing, silent

HOUR = 3_600_000_000
NOW = 480_000 * HOUR
SECRET = "key-of-the-venue"


@pytest.fixture
def receiver():
    with HttpReceiver().serving() as made:
        yield made


@pytest.fixture
def live(tmp_path):
    return tmp_path / "live"


def _file(live, book="paper"):
    (live / book).mkdir(parents=True, exist_ok=True)
    return AlertFile(live / book)


@pytest.fixture
def start(live, receiver, tmp_path):
    """Start an alerter, as a new process does."""

    def started(timeout_s=5.0, channel=None):
        return Teller(
            channel or Webhook(receiver.url, timeout_s=timeout_s),
            (live,),
            AlertCursor(tmp_path / "alerts", "webhook"),
            JumpingClock(NOW),
            masking=Masking([SECRET]),
            poll_s=0.01,
            first_s=3600.0,
        )

    return started


def _told(receiver):
    return [body["text"].partition(": ")[2] for body in receiver.bodies]


def test_obs_08_each_change_is_told_once_and_a_new_process_goes_on(live, receiver, start):
    file = _file(live)
    file.add("paper", "disk", "0.50 GiB", NOW, begins=True)
    teller = start()
    assert teller.turn() == 0.01
    file.add("paper", "disk", "", NOW + 1, begins=False)
    file.add("paper", "clock", f"with {SECRET}", NOW + 2, begins=True)
    teller.turn()
    teller.turn()
    start().turn()
    assert _told(receiver) == ["disk: 0.50 GiB", "disk is over", "clock: with ***"]
    ids = [body["id"] for body in receiver.bodies]
    assert ids == [f"{file.identity}-{n}" for n in (1, 2, 3)]


def test_a_channel_that_is_new_leaves_out_what_is_old_and_nothing_later(live, receiver, start):
    file = _file(live)
    file.add("paper", "disk", "old", NOW - 2 * HOUR, begins=True)
    file.add("paper", "clock", "an hour ago", NOW - HOUR, begins=True)
    start().turn()
    assert _told(receiver) == ["clock: an hour ago"]
    # From now on an old date is no reason: a book that was away tells late.
    _file(live, "other").add("other", "drift", "late", NOW - 9 * HOUR, begins=True)
    start().turn()
    assert _told(receiver)[1:] == ["drift: late"]


def test_books_are_told_as_it_happened_and_a_file_in_its_own_order(live, receiver, start):
    start().turn()
    one, two = _file(live, "one"), _file(live, "two")
    one.add("one", "a", "1", NOW + 5, begins=True)
    one.add("one", "b", "2", NOW + 1, begins=True)  # the machine's clock was set back
    two.add("two", "c", "3", NOW + 3, begins=True)
    start().turn()
    assert _told(receiver) == ["c: 3", "a: 1", "b: 2"]


def test_a_book_that_was_set_aside_is_not_told_again(live, receiver, start):
    _file(live).add("paper", "disk", "full", NOW, begins=True)
    start().turn()
    (live / "paper").rename(live / "paper.old-1")
    _file(live).add("paper", "disk", "full again", NOW + 9, begins=True)
    start().turn()
    assert _told(receiver) == ["disk: full", "disk: full again"]


def test_a_server_that_fails_is_asked_again_with_pauses_that_double(live, receiver, start, caplog):
    file = _file(live)
    file.add("paper", "disk", "full", NOW, begins=True)
    file.add("paper", "disk", "", NOW + 1, begins=False)
    broken = (500, {}, f"do not tell {SECRET}".encode())
    receiver.answers = [broken, broken, broken, (429, {"Retry-After": "90"}, b"")]
    teller = start()
    assert [teller.turn() for _ in range(4)] == [1.0, 2.0, 4.0, 90.0]
    assert "failure 3" in caplog.text
    assert SECRET not in caplog.text
    teller.turn()
    assert _told(receiver) == ["disk: full", "disk is over"]
    receiver.answers = [broken]
    file.add("paper", "disk", "full", NOW + 2, begins=True)
    assert teller.turn() == 1.0  # a success had ended the count


def test_a_slow_server_loses_nothing_and_a_restart_tells_it(live, receiver, start):
    _file(live).add("paper", "disk", "full", NOW, begins=True)
    receiver.answers = [None]
    assert start(timeout_s=0.2).turn() == 1.0
    start().turn()
    assert _told(receiver) == ["disk: full"]


def test_alerts_wait_for_a_telegram_that_refuses_and_hangs_and_are_told_once(live, start, caplog):
    file = _file(live)
    file.add("paper", "disk", "full", NOW, begins=True)

    async def main():
        async with TelegramApi(lambda: NOW) as api:
            chat = TelegramChat(api.url, token=TOKEN, chat="-100", timeout_s=0.2)
            teller = start(channel=chat)
            api.faults["sendMessage"] = [refusing(429, retry_after=7), refusing(502), silent]
            pauses = [await asyncio.to_thread(teller.turn) for _ in range(3)]
            assert api.said == []
            file.add("paper", "disk", "", NOW + 1, begins=False)  # the book goes on meanwhile
            pauses += [await asyncio.to_thread(teller.turn) for _ in range(2)]
            return pauses, [result["text"] for _, result in api.said]

    pauses, told = asyncio.run(main())
    assert pauses == [7.0, 2.0, 4.0, 0.01, 0.01]
    assert told == ["! paper: disk: full", "- paper: disk is over"]
    assert "failure 3" in caplog.text
    assert TOKEN not in caplog.text


def test_a_message_that_is_never_taken_holds_up_no_other(live, receiver, start, caplog):
    file = _file(live)
    file.add("paper", "disk", "odd", NOW, begins=True)
    file.add("paper", "clock", "fine", NOW, begins=True)
    receiver.answers = [(400, {}, b"")]
    start().turn()
    assert _told(receiver) == ["clock: fine"]
    assert "left out: paper: disk: odd" in caplog.text


def test_more_than_one_turn_takes_are_all_told_without_a_pause(live, receiver, start, monkeypatch):
    monkeypatch.setattr(tell_alerts, "MOST", 2)
    file = _file(live)
    for n in range(5):
        file.add("paper", "disk", str(n), NOW + n, begins=True)
    teller = start()
    assert [teller.turn() for _ in range(3)] == [0.0, 0.0, 0.01]
    assert _told(receiver) == [f"disk: {n}" for n in range(5)]


def test_a_file_that_cannot_be_read_is_logged_once_and_hides_no_other(
    live, receiver, start, caplog
):
    _file(live, "torn").path.write_bytes(b"no alert\n")
    _file(live).add("paper", "disk", "full", NOW, begins=True)
    teller = start()
    teller.turn()
    _file(live).add("paper", "disk", "", NOW, begins=False)
    teller.turn()
    assert _told(receiver) == ["disk: full", "disk is over"]
    assert caplog.text.count("cannot be read") == 2  # the record, and the error in it


def test_a_damaged_cursor_stops_the_channel_instead_of_telling_all_again(live, start, tmp_path):
    _file(live).add("paper", "disk", "full", NOW, begins=True)
    start().turn()
    (tmp_path / "alerts" / "webhook.cursor.json").write_bytes(b"{")
    with pytest.raises(CorruptFile, match="Remove it"):
        start().turn()
