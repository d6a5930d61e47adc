"""A book that is down or silent is told by somebody who looks from outside."""

from __future__ import annotations

import pytest

from trading_assets.domain.events import SessionClosed
from trading_assets.storage.alert_file import AlertFile
from trading_assets.workflows.outside_watch import OutsideWatch
from trading_assets_tests.stand_ins.clock import HandTime
from trading_assets_tests.stand_ins.measured_book import MINUTE, Hand, measured_book

OPENED = 29_000_000 * MINUTE


@pytest.fixture
def book(tmp_path):
    with measured_book(tmp_path, Hand(OPENED)) as made:
        made.open_session(OPENED)
        made.beat()
        yield made


@pytest.fixture
def look(book, tmp_path):
    time = HandTime()
    watch = OutsideWatch(book.desk, tmp_path / "alerts", time, down_s=60.0)

    def after(seconds):
        time.seconds += seconds
        book.clock.ts += int(seconds * 1e6)
        watch.look()
        return [(n.alert, n.begins) for n in AlertFile(tmp_path / "alerts/paper").lines()]

    return after


def test_a_crash_is_told_after_a_minute_and_over_with_the_next_life(book, look):
    assert look(0) == look(59) == []
    assert look(1) == look(600) == [("book_down", True)]
    with book.running():
        book.beat()
        assert look(1) == [("book_down", True), ("book_down", False)]


def test_a_restart_in_time_begins_the_minute_anew(book, look):
    look(0)
    with book.running():
        book.beat()
        look(50)
    assert look(30) == []
    assert look(60) == [("book_down", True)]


def test_a_clean_stop_is_no_alert(book, look):
    book.journal.append([SessionClosed(OPENED, "stopped")])
    look(0)
    assert look(3_600) == []


def test_an_executor_without_a_sign_of_life_is_told(book, look):
    with book.running():
        assert look(0) == look(50) == []  # silent from here on
        assert look(60) == [("book_silent", True)]
        book.beat()
        assert look(1) == [("book_silent", True), ("book_silent", False)]
