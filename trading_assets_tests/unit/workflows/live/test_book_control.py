"""Latch and inbox of a real folder, as the executor's thread and the watcher's see them."""

from __future__ import annotations

import os

import pytest

from trading_assets.domain.control import CommandKind, HaltLevel, HaltRequest
from trading_assets.domain.errors import RecoveryError
from trading_assets.live.safety.halt_signal import HaltSignal
from trading_assets.storage.inbox import FILE, Inbox
from trading_assets.workflows.book_control import BookControl, Eyes, Leave
from trading_assets.workflows.control_book import ask_book, halt_book, standing
from trading_assets.workflows.live_book import live_book

ANN = {"who": "ann", "reason": "a test", "source": "cli"}


@pytest.fixture
def desk(make_desk):
    return make_desk()


@pytest.fixture
def place(desk):
    return live_book(desk.settings, "demo")


@pytest.fixture
def leave(desk, place):
    return Leave(place, desk.clock, None)


@pytest.fixture
def control(place, leave):
    with BookControl(place, HaltSignal(place.halt), leave) as control:
        yield control


def test_what_is_asked_is_seen_in_order_and_after_an_id(desk, control):
    halt_book(desk, "demo", **ANN)
    ask_book(desk, "demo", CommandKind.CANCEL_ALL, **ANN)
    first, second = control.commands(0)
    assert (first.kind, second.kind) == (CommandKind.HALT_TRADING, CommandKind.CANCEL_ALL)
    assert control.commands(first.inbox_id) == (second,)
    assert control.latched().reason == "a test"


def test_an_inbox_made_anew_beside_an_older_journal_halts_the_book(control):
    control.begin_after(0)
    assert control.latched() is None
    control.begin_after(7)
    assert control.latched().source == "inbox"
    assert "7 commands" in control.latched().reason
    control.lift(control.latched().identity)
    control.begin_after(7)
    assert control.latched() is None


def test_a_latch_goes_up_also_where_the_inbox_cannot_be_written(desk, place):
    place.folder.mkdir(parents=True)
    (place.folder / FILE).write_bytes(b"not a database" * 100)
    with pytest.raises(RecoveryError):
        halt_book(desk, "demo", level=HaltLevel.FLATTEN, **ANN)
    assert place.latched().level is HaltLevel.FLATTEN


def test_words_become_one_line_that_every_terminal_can_take(desk, place):
    halt_book(desk, "demo", who="ann\x1b[31m", reason="line\nline\ud800", source="cli")
    with Inbox(place.folder) as inbox:
        (command,) = inbox.after(0)
    assert (command.who, command.reason) == ("ann [31m", "line line")


def test_eyes_see_every_change_and_nothing_else(desk, place, leave):
    eyes = Eyes(place, leave, 0.0)
    seen = [eyes.look(), eyes.look()]
    ask_book(desk, "demo", CommandKind.CANCEL_ALL, **ANN)
    seen += [eyes.look(), eyes.look()]
    place.halt.touch()
    seen += [eyes.look(), eyes.look()]
    os.utime(place.halt, ns=(1, 1))
    seen.append(eyes.look())
    eyes.close()
    changes = [seen[n] != seen[n + 1] for n in range(6)]
    assert changes == [False, True, False, True, False, True]


def test_a_silent_supervisor_puts_the_latch_up_once(place, leave):
    eyes = Eyes(place, leave, 1e-9)
    eyes.look()
    assert (place.latched().source, place.latched().level) == ("watchdog", HaltLevel.PAUSE)
    place.halt.unlink()
    eyes.look()
    assert place.latched() is None
    eyes.close()


def test_a_book_that_nobody_halted_has_no_code(place, control):
    assert standing(place).level is HaltLevel.NONE
    assert standing(place).code == ""
    control.put_up(HaltRequest("stop", HaltLevel.PAUSE))
    assert standing(place).level is HaltLevel.PAUSE
    assert len(standing(place).code) == 6
