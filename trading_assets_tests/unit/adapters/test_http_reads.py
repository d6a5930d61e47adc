"""Repeats, pauses, Retry-After and the rate, by a clock that jumps."""

import pytest

from trading_assets.adapters.http_reads import RequestRate, repeat_read, retry_after_ms
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import RateLimited, VenueError, VenueUnavailable
from trading_assets_tests.stand_ins.clock import JumpingClock

NOON = 1_772_366_400_000_000  # 2026-03-01T12:00:00Z


def test_pauses_double_and_attempts_are_bounded() -> None:
    clock = JumpingClock()

    def down() -> None:
        raise VenueUnavailable("down")

    with pytest.raises(VenueUnavailable):
        repeat_read(down, clock=clock, max_attempts=4)
    assert clock.waits == [0.25, 0.5, 1.0]


def test_retry_after_is_waited_for_but_not_longer_than_a_minute() -> None:
    clock = JumpingClock()
    answers = [RateLimited("slow down", retry_after_ms=7000), None]

    def limited() -> str:
        error = answers.pop(0)
        if error is not None:
            raise error
        return "bars"

    assert repeat_read(limited, clock=clock, max_attempts=2) == "bars"
    assert clock.waits == [7.0]
    answers[:] = [RateLimited("tomorrow", retry_after_ms=3_600_000)]
    with pytest.raises(RateLimited):
        repeat_read(limited, clock=clock, max_attempts=9)
    assert clock.waits == [7.0]


def test_a_definite_refusal_is_not_repeated() -> None:
    def refused() -> None:
        raise VenueError("no")

    clock = JumpingClock()
    with pytest.raises(VenueError):
        repeat_read(refused, clock=clock, max_attempts=9)
    assert clock.waits == []


@pytest.mark.parametrize(
    ("text", "expected_ms"),
    [
        ("7", 7000),
        ("0.5", 500),
        ("-3", 0),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30_000),
        ("Sun, 01 Mar 2026 11:59:00 GMT", 0),
        ("soon", 10_000),
        ("inf", 10_000),
        ("", 10_000),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, expected_ms: int) -> None:
    assert retry_after_ms({"Retry-After": text}, NOON) == expected_ms


def test_a_date_needs_a_clock_and_no_header_means_ten_seconds() -> None:
    assert retry_after_ms({"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT"}) == 10_000
    assert retry_after_ms({}, NOON) == 10_000


def test_no_minute_sees_more_requests_than_the_rate() -> None:
    clock = JumpingClock(NOON)
    rate = RequestRate(clock, 5)
    sent = []
    for number in range(23):
        rate.wait_for_turn()
        sent.append(clock.now())
        clock.instant += number * 1_000_000
    spans = [late - early for early, late in zip(sent, sent[5:], strict=False)]
    assert min(spans) == MINUTE
    assert clock.waits[0] == 50.0


def test_a_clock_that_is_set_back_costs_a_minute_at_most() -> None:
    clock = JumpingClock(NOON)
    rate = RequestRate(clock, 1)
    rate.wait_for_turn()
    clock.instant -= 3600 * 1_000_000
    rate.wait_for_turn()
    assert clock.waits == [60.0]
