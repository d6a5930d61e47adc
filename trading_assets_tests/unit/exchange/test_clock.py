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
