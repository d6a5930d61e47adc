"""The venue is asked right after a close, soon again while the bar is due, and else at ease."""

from __future__ import annotations

import pytest

from trading_assets.live.closing import next_look_s

MINUTE = 60_000_000
START = 29_000_000 * MINUTE


@pytest.mark.parametrize(
    ("after_close_ms", "wanted"),
    [
        (-40_000, 1.0),
        (-1_000, 1.0),
        (-400, 0.405),
        (0, 0.05),
        (2_999, 0.05),
        (3_000, 1.0),
    ],
)
def test_the_pause_before_and_after_a_close(after_close_ms, wanted):
    now = START + 2 * MINUTE + after_close_ms * 1_000
    found = next_look_s(now, START, MINUTE, poll_s=1.0, eager_s=0.05)
    assert found == pytest.approx(wanted)


def test_a_bar_that_was_handled_is_not_waited_for():
    now = START + 2 * MINUTE + 1_000
    assert next_look_s(now, START + MINUTE, MINUTE, poll_s=1.0, eager_s=0.05) == 1.0


def test_before_the_first_bar_the_present_one_counts():
    now = START + MINUTE - 200_000
    assert next_look_s(now, None, MINUTE, poll_s=1.0, eager_s=0.05) == pytest.approx(0.205)


def test_without_eagerness_the_pace_is_even():
    assert next_look_s(START + 2 * MINUTE, START, MINUTE, poll_s=0.3, eager_s=0.0) == 0.3
