"""Market time."""

import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.exchange.clock import MarketClock, wall_now

START = 1_709_294_400_000_000


def test_the_default_clock_is_the_wall():
    before = wall_now()
    assert before <= MarketClock(None).now() <= wall_now()


def test_a_virtual_clock_starts_where_told_and_runs():
    clock = MarketClock(START, warp=1_000_000.0)
    first = clock.now()
    assert first >= START
    assert clock.now() > first


def test_a_stepped_clock_moves_by_command_only():
    clock = MarketClock(START, stepped=True)
    assert clock.now() == clock.now() == START
    assert clock.step(5_000_000) == clock.now() == START + 5_000_000


def test_time_never_goes_back():
    clock = MarketClock(START, stepped=True)
    with pytest.raises(ConfigurationError, match="cannot be stepped"):
        clock.step(-1)
    with pytest.raises(ConfigurationError, match="cannot be stepped"):
        MarketClock(START).step(1)


def test_a_wall_clock_that_is_set_back_stands_still_here():
    readings = iter([START, START - 5, START + 5])
    clock = MarketClock(None, wall=lambda: next(readings))
    assert [clock.now() for _ in range(3)] == [START, START, START + 5]


def test_a_restart_goes_on_where_the_records_end():
    clock = MarketClock(START, stepped=True)
    clock.continue_from(START - 1)
    assert clock.now() == START
    clock.continue_from(START + 7)
    assert clock.now() == START + 7


@pytest.mark.parametrize(("start", "warp", "stepped"), [(None, 2.0, False), (None, 1.0, True)])
def test_a_clock_of_its_own_needs_a_start(start, warp, stepped):
    with pytest.raises(ConfigurationError, match="needs a start"):
        MarketClock(start, warp=warp, stepped=stepped)


def test_a_clock_cannot_stand_still():
    with pytest.raises(ConfigurationError, match="warp"):
        MarketClock(START, warp=0)


def test_a_running_clock_is_paused_moved_and_given_another_pace():
    clock = MarketClock(START, warp=1_000.0)
    changes = []
    clock.changed = lambda: changes.append(clock.is_paused)
    clock.set_paused(True)
    stood = clock.now()
    assert clock.now() == stood
    assert clock.seconds_until(stood + 1) is None
    assert clock.step(5) == clock.now() == stood + 5
    assert clock.jump_to(stood + 60_000_000) == clock.now()
    clock.set_warp(0.001)
    clock.set_paused(False)
    assert clock.warp == 0.001
    first = clock.now()
    assert stood + 60_000_000 <= first < stood + 61_000_000
    assert 0 < clock.seconds_until(first + 1_000_000) <= 1_000
    assert clock.seconds_until(first - 1) == 0
    assert changes == [True, True, True, True, False]


def test_no_way_leads_back():
    clock = MarketClock(START)
    with pytest.raises(ConfigurationError, match="never goes back"):
        clock.jump_to(START - 1)
    before = clock.now()
    clock.set_warp(0.5)
    assert clock.now() >= before


def test_a_clock_that_follows_the_wall_cannot_be_changed():
    clock = MarketClock(None)
    for change in (
        lambda: clock.set_warp(2),
        lambda: clock.set_paused(True),
        lambda: clock.jump_to(wall_now() + 10**9),
    ):
        with pytest.raises(ConfigurationError, match="cannot be changed"):
            change()


def test_a_stepped_clock_does_not_run():
    with pytest.raises(ConfigurationError, match="does not run"):
        MarketClock(START, stepped=True).set_paused(False)
