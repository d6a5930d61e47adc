"""A person's resume is carried out once, whatever effect the process dies at."""

from __future__ import annotations

import math

import pytest

from trading_assets.domain.control import CommandKind, HaltLevel, HaltRequest, confirmation_code
from trading_assets.domain.events import BarReady, CommandReceived, TradingHalted, TradingResumed
from trading_assets.live.safety.latch import lift_latch, read_latch, write_latch

NAN = math.nan
PLAN = [(500 * (n + 1), NAN) for n in range(6)]


@pytest.fixture
def desk(kit, tmp_path):
    """A book whose latch is a file, and which may die right before and after lifting it."""

    def make(kill_at):
        desk = kit.Desk(PLAN)
        people, path = desk.people, tmp_path / f"HALT-{kill_at}"
        people.latched = lambda: read_latch(path)
        people.put_up = lambda request: write_latch(path, request)

        def lift(identity):
            desk.doom.point()
            is_down = lift_latch(path, identity)
            desk.doom.point()
            return is_down

        people.lift = lift
        return desk

    return make


def _kinds(desk, kind):
    return [event for event in desk.journal.events if isinstance(event, kind)]


def _resume(desk):
    code = confirmation_code("demo", desk.people.latched().identity)
    desk.people.ask(CommandKind.RESUME_TRADING, code=code)


def _live_on(desk, kill_at, bars):
    """Run to so many bars of the journal, dying once; tell whether it died."""
    desk.doom.at, desk.doom.seen = kill_at, 0
    was_killed = False
    while (done := len(_kinds(desk, BarReady))) < bars:
        try:
            desk.run(bars - done)
        except desk.Killed:
            was_killed = True
    return was_killed


@pytest.mark.parametrize("is_heeded", [True, False], ids=["after the halt", "with the halt"])
def test_a_resume_holds_from_its_row_on_and_is_refused_by_no_kill(desk, is_heeded):
    kill_at, has_died = 0, True
    while has_died:
        kill_at += 1
        book = desk(kill_at)
        book.run(1)
        book.halt("lunch")
        if is_heeded:
            book.run(1)
        _resume(book)
        has_died = _live_on(book, kill_at, 4)
        _live_on(book, 0, 5)

        where = f"killed at effect {kill_at}"
        (received,) = _kinds(book, CommandReceived)
        (resumed,) = _kinds(book, TradingResumed)
        assert (received.refused, resumed.operator) == ("", "ann"), where
        assert len(_kinds(book, TradingHalted)) == is_heeded, where
        assert book.people.latched() is None, where
        assert book.session.machine.position[0] == 2500, where
        assert book.verdicts() == [], where
    assert kill_at > 8


def test_a_halt_that_comes_between_the_row_and_the_lifting_stands(desk):
    kill_at, has_died = 0, True
    while has_died:
        kill_at += 1
        book = desk(kill_at)
        book.halt("lunch")
        _resume(book)
        lift, seen = book.people.lift, []

        def late(identity, book=book, lift=lift, seen=seen):
            if not seen:
                seen.append(identity)
                book.people.put_up(HaltRequest("fire", HaltLevel.FLATTEN))
            return lift(identity)

        book.people.lift = late
        has_died = _live_on(book, kill_at, 2)

        where = f"killed at effect {kill_at}"
        assert len(_kinds(book, TradingResumed)) == 1, where
        assert book.people.latched().reason == "fire", where
        assert book.session.state.level is HaltLevel.FLATTEN, where
        assert book.venue.sent == [], where
    assert kill_at > 8


def test_a_latch_that_the_disk_does_not_let_go_holds_entries_until_it_does(desk):
    book = desk(0)
    book.halt("lunch")
    _resume(book)
    lift, failures = book.people.lift, [OSError(30, "Read-only file system")] * 4

    def stubborn(identity):
        if failures:
            raise failures.pop()
        return lift(identity)

    book.people.lift = stubborn
    book.run(1)
    assert failures == []
    assert _kinds(book, TradingHalted) == []
    book.run(2)
    assert book.people.latched() is None
    assert book.session.machine.position[0] > 0
