"""What a beat says of the rules: what came of the bars since the beat before, and of no others."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal

import pytest

from trading_assets.live.heartbeat import read_heartbeat
from trading_assets.live.recovery import recover
from trading_assets.storage.journal import Journal
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_pulse import Pulse, read_pulse
from trading_assets.workflows.live_supervision import supervise
from trading_assets.workflows.release_parts import release_terms, terms_of
from trading_assets_tests.stand_ins.clock import JumpingClock
from trading_assets_tests.stand_ins.pair_release import published_pair
from trading_assets_tests.stand_ins.written_book import BAR, START, WrittenBook, written_book


@pytest.fixture
def place_of_a_day(tmp_path, monkeypatch):
    monkeypatch.setenv("TA_HOME", str(tmp_path))
    desk, release = published_pair()
    place = live_book(desk.settings, "paper")
    with written_book(place, release) as book:
        for number in range(3):
            book.bar(number, float("nan"), 50_000.0, tag="slow")
    return desk, release, place


def test_obs_09_a_beat_says_when_which_book_how_it_stands_and_its_latency(place_of_a_day):
    """An order left 700 ms after the close of its bar, by the machine's clock."""
    desk, release, place = place_of_a_day
    terms = release_terms(place, release)
    close = START + 4 * BAR
    clock = JumpingClock(close + 700_000)
    with (
        Journal(place.folder, book="paper", epoch="wall", clock=clock) as journal,
        closing(supervise(desk, place, release, is_wall=True)) as supervision,
    ):
        session = recover(journal, terms.setup, terms.machines, terms_of(desk.releases, place))
        with supervision:
            book = WrittenBook(journal, session)
            (ticket,) = book.bar(3, 1.0, 50_000.0, tag="slow")
            book.fill(ticket, close, "1", Decimal(50_000))
        Pulse(place, session, supervision, clock).beat("trading", journal.head, close, "")
    told, sign = read_pulse(place.folder), read_heartbeat(place.heartbeat)
    assert (sign.beat, sign.book, sign.state) == (close + 700_000, "paper", "trading")
    assert (told["beat"], told["book"], told["state"]) == (sign.beat, sign.book, sign.state)
    assert told["metrics"]["latency_ms_p95"] == 700.0


def test_a_beat_after_a_restart_tells_of_new_bars_only(place_of_a_day):
    desk, release, place = place_of_a_day
    terms = release_terms(place, release)
    with (
        Journal(place.folder, book="paper", epoch="wall", clock=JumpingClock(5)) as journal,
        closing(supervise(desk, place, release, is_wall=True)) as supervision,
    ):
        session = recover(journal, terms.setup, terms.machines, terms_of(desk.releases, place))
        pulse, book = Pulse(place, session, supervision, desk.clock), WrittenBook(journal, session)

        def said():
            pulse.beat("trading", 1, START, "")
            return read_pulse(place.folder)["why"]

        assert said() == {"bar": START + 2 * BAR, "strategies": {}}
        book.bar(3, float("nan"), 50_000.0, tag="slow")
        fresh = said()
        assert fresh["bar"] == START + 3 * BAR
        assert [sum(found.values()) for found in fresh["strategies"].values()] == [1, 1]
        assert said() == fresh
