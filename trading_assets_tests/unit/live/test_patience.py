"""A venue that wants to be left alone is, and whoever waits for it gives signs of life."""

from __future__ import annotations

import math
import threading
from itertools import pairwise

import pytest

from trading_assets.domain.errors import RateLimited, VenueBanned, VenueUnavailable
from trading_assets.live.patience import Patience, StoppedWaiting, rest


class Local:
    """Time that passes while it is waited for; the event may be set at an instant."""

    def __init__(self, set_at=float("inf")):
        self.now = 0.0
        self.set_at = set_at
        self.waits = []

    def monotonic(self):
        return self.now

    def wait(self, seconds, until):
        self.waits.append(seconds)
        self.now = min(self.now + seconds, self.set_at)
        if self.now >= self.set_at:
            until.set()
        return until.is_set()


def _asked(local, *answers, stop=None, states=None, **how):
    """Ask until an answer is no error; give it, what was told and when, and what came before."""
    told, before, left = [], [], list(answers)
    states = [] if states is None else states

    def question():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def tell(state, why, is_news):
        states.append(state)
        told.append((local.now, is_news, why))

    patience = Patience(local, stop or threading.Event(), every_s=10.0, tell=tell)
    return patience.ask(question, lambda: before.append(local.now), **how), told, before


def test_an_answer_is_given_at_once():
    local = Local()
    assert _asked(local, 7) == (7, [], [])
    assert local.waits == []


def test_the_wait_is_as_long_as_the_venue_says_and_told_of_meanwhile():
    local = Local()
    limits = (
        RateLimited("used up", retry_after_ms=25_000),
        VenueBanned("shut out", retry_after_ms=0),
    )
    answer, told, before = _asked(local, *limits, 7)

    assert answer == 7
    assert local.now == 26.0
    assert before == [0.0]
    assert told == [
        (0.0, True, "used up. The venue is asked again in 25 s"),
        (10.0, False, "used up. The venue is asked again in 15 s"),
        (20.0, False, "used up. The venue is asked again in 5 s"),
        (25.0, True, "shut out. The venue is asked again in 1 s"),
    ]


def test_a_stop_ends_the_wait():
    with pytest.raises(StoppedWaiting):
        _asked(Local(set_at=12.0), RateLimited("used up", retry_after_ms=60_000), 7)


def test_an_outage_is_waited_for_where_it_is_borne():
    local, states = Local(), []
    troubles = (VenueUnavailable("down"), RateLimited("used up", retry_after_ms=3_000))
    answer, told, _ = _asked(local, *troubles, 7, states=states, bears_outages=True)

    assert (answer, local.now, states) == (7, 8.0, ["venue_down", "rate_limited"])
    assert told[0] == (0.0, True, "down. The venue is asked again in 5 s")


def test_any_other_trouble_is_not_waited_for():
    local = Local()
    with pytest.raises(VenueUnavailable):
        _asked(local, VenueUnavailable("down"), 7)
    assert local.waits == []


@pytest.mark.parametrize(
    ("seconds", "waits", "signs"),
    [
        (0.0, [0.0], []),
        (-1.0, [0.0], []),
        (10.0, [10.0], []),
        (25.0, [10.0, 10.0, 5.0], [10.0, 20.0]),
    ],
)
def test_a_rest_is_whole_and_cut_only_by_signs(seconds, waits, signs):
    local, given = Local(), []
    sign = lambda: given.append(local.now)  # noqa: E731
    assert not rest(seconds, threading.Event(), local, every_s=10.0, sign=sign)
    assert (local.waits, given) == (waits, signs)


def test_a_rest_ends_with_its_event():
    local, given = Local(set_at=12.0), []
    assert rest(60.0, threading.Event(), local, every_s=10.0, sign=lambda: given.append(local.now))
    assert (local.now, given) == (12.0, [10.0])


def test_a_book_that_the_venue_has_shut_out_for_an_hour_beats_on(kit):
    desk = kit.Desk([(1000, math.nan)] * 2)
    look, shut = desk.venue.balances, []

    def balances():
        if not shut:
            shut.append(desk.local.seconds)
            raise VenueBanned("shut out", retry_after_ms=3_600_000, status=418)
        return look()

    desk.venue.balances = balances
    desk.beats = _Stamped(desk.local)
    desk.executor(heartbeat_s=30.0).run(threading.Event(), max_bars=1)

    down = [at for at, (state, *_) in desk.beats.stamped if state == "venue_down"]
    assert (down[0], down[-1]) == (shut[0], shut[0] + 3_570)
    assert {later - earlier for earlier, later in pairwise(down)} == {30.0}
    notes = {beat[3] for _, beat in desk.beats.stamped if beat[0] in ("venue_down", "trading")}
    assert notes == {"shut out", ""}
    assert desk.verdicts() == []


class _Stamped:
    """Keeps beats with the local time at which they came."""

    def __init__(self, local):
        self.local = local
        self.stamped = []

    def append(self, beat):
        self.stamped.append((self.local.seconds, beat))
