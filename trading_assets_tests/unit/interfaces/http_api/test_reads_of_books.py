"""Reads cost little and are never old: one answer per end of a journal, one look for all."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.interfaces.http_api import journal_answers
from trading_assets.interfaces.http_api.journal_answers import JournalAnswers
from trading_assets.storage.journal import Journal
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows import book_history, book_summary
from trading_assets.workflows.book_summary import BookStatuses
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.unit.interfaces.http_api.conftest import round_trip

EVENTS = "/api/books/paper/events?limit=1000"


def test_an_answer_is_made_once_per_end_of_a_journal(endpoint, begun, monkeypatch):
    made = []
    listed = book_history.book_events
    monkeypatch.setattr(
        book_history, "book_events", lambda *a, **more: made.append(more) or listed(*a, **more)
    )
    round_trip(begun)
    first = endpoint.get(EVENTS).content
    assert endpoint.get(EVENTS).content == first
    assert len(made) == 1
    assert endpoint.get("/api/books/paper/events?limit=2").json()["items"][1:]
    assert len(made) == 2
    round_trip(begun, 2)
    grown = endpoint.get(EVENTS).json()["items"]
    assert len(made) == 3
    assert [row["seq"] for row in grown] == list(range(grown[0]["seq"], 0, -1))


def test_an_answer_does_not_outlive_the_journal_that_another_one_replaced(endpoint, begun):
    answers = JournalAnswers(endpoint.desk)
    round_trip(begun)
    assert answers.of("paper", "x", lambda: 1) == b"1"
    assert answers.of("paper", "x", lambda: 2) == b"1"
    with JournalReader(endpoint.folder) as journal:
        rows = [row.event for row in journal.rows()]
    endpoint.folder.rename(endpoint.folder.with_name("before"))
    with pytest.raises(RecoveryError, match="No journal"):
        answers.of("paper", "x", lambda: 3)
    with Journal(endpoint.folder, book="paper", epoch="wall", clock=JumpingClock(6)) as another:
        another.append(rows)  # as many rows, of another time
    assert answers.of("paper", "x", lambda: 4) == b"4"


def test_what_is_kept_is_bounded_and_gives_up_what_was_not_asked_for(endpoint, begun, monkeypatch):
    monkeypatch.setattr(journal_answers, "_MOST_BYTES", 29)
    answers = JournalAnswers(endpoint.desk)

    def ask(name, said):
        return answers.of("paper", name, lambda: said)

    for name in ("a", "b", "a", "c"):
        ask(name, name * 8)
    assert ask("a", "again") == b'"aaaaaaaa"'
    assert ask("b", "again") == b'"again"'


def test_a_fault_is_not_kept(endpoint, begun):
    answers = JournalAnswers(endpoint.desk)
    with pytest.raises(ZeroDivisionError):
        answers.of("paper", "x", lambda: 1 // 0)
    assert answers.of("paper", "x", lambda: 1) == b"1"


class CountingLock:
    """A lock that says how many have come to it."""

    def __init__(self):
        self._lock, self.comers = threading.Lock(), itertools.count()
        self.come = 0

    def __enter__(self):
        self.come = next(self.comers) + 1
        self._lock.acquire()

    def __exit__(self, *_):
        self._lock.release()


def test_whoever_waits_shares_one_look_that_began_after_they_asked(endpoint, begun, monkeypatch):
    statuses = BookStatuses(endpoint.desk)
    statuses._lock = lock = CountingLock()
    looks, go_on, looked, found = [], threading.Event(), book_summary.live_status, []

    def slow(*given, **more):
        status = looked(*given, **more)
        looks.append(status.seq)
        if len(looks) == 1:
            assert go_on.wait(10)
        return status

    monkeypatch.setattr(book_summary, "live_status", slow)
    threads = [
        threading.Thread(target=lambda: found.append(statuses.of("paper"))) for _ in "123456"
    ]
    threads[0].start()
    wait_until(lambda: looks)
    round_trip(begun)  # after the first look, before the others ask
    for thread in threads[1:]:
        thread.start()
    wait_until(lambda: lock.come == len(threads))
    go_on.set()
    for thread in threads:
        thread.join()
    before, after = looks
    assert [status.seq for status in found] == [before] + [after] * 5
    assert after > before


def test_a_look_that_fails_is_shared_with_nobody(endpoint, begun, monkeypatch):
    statuses = BookStatuses(endpoint.desk)
    assert statuses.of("paper").seq == 1
    monkeypatch.setattr(book_summary, "live_status", lambda *_, **__: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        statuses.of("paper")
    assert statuses._known == {}


def wait_until(is_so):
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.001)
