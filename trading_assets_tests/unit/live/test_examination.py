"""A release is looked at beside the loop: bars, people and the halt do not wait for it."""

from __future__ import annotations

import math
import threading
import time

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import VenueUnavailable
from trading_assets.domain.events import (
    BarReady,
    OrderSubmitted,
    ReleaseAwaited,
    ReleaseRefused,
    ReleaseSwitched,
    TradingHalted,
)
from trading_assets.live.examination import AGAIN_S, FRESH_S, Examiner
from trading_assets.live.hand_over import Examined, Releases

NAN = math.nan
PATIENCE_S = 20


class Gate:
    """A look at a release that ends when a hand opens it, or when nobody waits any more."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.begun = threading.Event()
        self.open = threading.Event()

    def __call__(self, release_id, ended):
        self.asked.append(release_id)
        self.begun.set()
        while not self.open.wait(0.01) and not ended.is_set():
            pass
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Hand:
    """Local seconds that a hand sets."""

    def __init__(self):
        self.s = 100.0

    def __call__(self):
        return self.s


def _found(examiner, release_id="r2"):
    assert examiner(release_id) is None
    assert examiner.wait(PATIENCE_S)
    return examiner(release_id)


def test_what_was_found_is_given_once_the_look_has_ended():
    gate = Gate(Examined(can_carry=True))
    with Examiner(gate, Hand()) as examiner:
        assert examiner("r2") is None
        assert gate.begun.wait(PATIENCE_S)
        assert examiner("r2") is None
        gate.open.set()
        assert examiner.wait(PATIENCE_S)
        assert examiner("r2") == Examined(can_carry=True)
        assert gate.asked == ["r2"]


def test_what_was_found_of_one_release_is_not_given_for_another_nor_for_long():
    gate, hand = Gate(Examined(), Examined("damaged"), Examined("damaged since")), Hand()
    gate.open.set()
    with Examiner(gate, hand) as examiner:
        assert _found(examiner, "r2") == Examined()
        assert _found(examiner, "r3") == Examined("damaged")
        hand.s += FRESH_S
        assert _found(examiner, "r3") == Examined("damaged since")
        assert gate.asked == ["r2", "r3", "r3"]


def test_a_venue_that_cannot_be_asked_is_asked_again_later():
    gate, hand = Gate(VenueUnavailable("away"), Examined()), Hand()
    gate.open.set()
    with Examiner(gate, hand) as examiner:
        assert _found(examiner) is None
        assert len(gate.asked) == 1
        hand.s += AGAIN_S
        assert _found(examiner) == Examined()


def test_an_unexpected_error_refuses_the_release_and_says_what_it_was():
    gate = Gate(ZeroDivisionError("by nought"))
    gate.open.set()
    with Examiner(gate, Hand()) as examiner:
        assert "by nought" in _found(examiner).refusal


def test_leaving_ends_a_look_that_is_under_way():
    gate = Gate(Examined())
    began = time.monotonic()
    with Examiner(gate, time.monotonic) as examiner:
        examiner("r2")
        assert gate.begun.wait(PATIENCE_S)
    assert time.monotonic() - began < PATIENCE_S
    assert not gate.open.is_set()


@pytest.fixture
def book(kit):
    """A book with another release wanted, which is looked at behind a gate."""
    desk = kit.Desk([(1000, NAN), (0, NAN)])
    desk.gate = Gate(Examined())
    with Examiner(desk.gate, time.monotonic) as examiner:
        desk.examiner = examiner
        desk.releases = Releases(lambda: "r2", lambda release_id: _begun(desk, release_id))
        yield desk


def _begun(desk, release_id):
    """Ask, and see the look begin: the book's time is no time of the thread's."""
    found = desk.examiner(release_id)
    assert desk.gate.begun.wait(PATIENCE_S)
    return found


def _kinds(desk, *kinds):
    return [type(e) for e in desk.journal.events if isinstance(e, kinds)]


def test_bars_are_decided_while_a_release_is_looked_at(book):
    book.run(6)

    assert book.gate.begun.is_set()
    assert len(_kinds(book, BarReady)) == 6
    assert len(_kinds(book, OrderSubmitted)) == 6
    assert not _kinds(book, ReleaseAwaited, ReleaseSwitched)
    assert book.verdicts() == []


def test_a_halt_takes_effect_within_a_second_while_a_release_is_looked_at(book):
    class Journal(type(book.journal)):
        def append(self, events):
            head = super().append(events)
            if any(isinstance(e, TradingHalted) for e in events):
                halted.append(time.monotonic())
                stop.set()
            return head

    class Real:
        """This machine's own time; the market stands between its first bar and the next."""

        monotonic = staticmethod(time.monotonic)

        def wait(self, seconds, stop):
            book.venue.advance(20.0 if not _kinds(book, BarReady) else 0.0)
            return stop.wait(min(seconds, 0.05))

    halted, stop, asked = [], threading.Event(), []
    book.journal = Journal()
    book.local = Real()

    def person():
        assert book.gate.begun.wait(PATIENCE_S)
        asked.append(time.monotonic())
        book.halt("enough", HaltLevel.HALT)

    hand = threading.Thread(target=person)
    hand.start()
    book.executor().run(stop)
    hand.join()

    assert halted[0] - asked[0] < 1.0
    assert not book.gate.open.is_set()
    assert book.session.state.level is HaltLevel.HALT


def test_what_was_found_is_a_row_of_the_journal_between_two_bars(book):
    book.run(2)
    book.gate.open.set()
    assert book.examiner.wait(PATIENCE_S)
    summary = book.run(4)

    assert summary.switched_to == "r2"
    kinds = _kinds(book, BarReady, ReleaseAwaited, ReleaseSwitched, ReleaseRefused)
    assert kinds[2:] == [ReleaseAwaited, ReleaseSwitched]
