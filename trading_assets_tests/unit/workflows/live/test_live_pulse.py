"""What a beat says of the rules: what came of the bars since the beat before, and of no others."""

from __future__ import annotations

from contextlib import closing

import pytest

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
