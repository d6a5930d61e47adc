"""Minutes of a live feed: in order, each once, and what changed later is said."""

from dataclasses import replace

import pytest

from trading_assets.domain.bar import DAY, MINUTE, Bar
from trading_assets.domain.ids import Micros, Symbol
from trading_assets.market.live_minutes import LiveMinutes, Revision

A, B = Symbol("AAPL"), Symbol("MSFT")
START: Micros = 1_700_000_040_000_000
GRACE = 5_000_000


def bar(symbol: Symbol, minute: int, close: float = 2.0) -> Bar:
    return Bar(symbol, START + minute * MINUTE, 2.0, 3.0, 1.0, close, 7.0, None, None)


@pytest.fixture
def minutes() -> LiveMinutes:
    return LiveMinutes((A, B), first=START, grace=GRACE)


def test_a_minute_is_given_when_all_symbols_have_it_and_it_is_over(minutes: LiveMinutes) -> None:
    minutes.add(bar(B, 0))
    minutes.add(bar(A, 0))
    assert minutes.ready(START + MINUTE - 1) == []
    assert minutes.ready(START + MINUTE) == [bar(A, 0), bar(B, 0)]
    assert minutes.ready(START + MINUTE) == []


def test_a_symbol_without_a_trade_is_waited_for_no_longer_than_the_grace(
    minutes: LiveMinutes,
) -> None:
    minutes.add(bar(B, 0))
    assert minutes.ready(START + MINUTE + GRACE - 1) == []
    assert minutes.ready(START + MINUTE + GRACE) == [bar(B, 0)]


def test_bars_that_come_in_another_order_are_given_by_time(minutes: LiveMinutes) -> None:
    for minute in (2, 0, 1):
        minutes.add(bar(A, minute))
    given = minutes.ready(START + 3 * MINUTE + GRACE)
    assert [(one.ts - START) // MINUTE for one in given] == [0, 1, 2]


def test_a_bar_that_comes_again_before_it_was_given_replaces_the_first(
    minutes: LiveMinutes,
) -> None:
    assert minutes.add(bar(A, 0)) is None
    assert minutes.add(bar(A, 0, close=2.5)) is None
    assert minutes.ready(START + MINUTE + GRACE) == [bar(A, 0, close=2.5)]


def test_a_bar_that_comes_again_later_is_a_revision_only_if_it_differs(
    minutes: LiveMinutes,
) -> None:
    minutes.add(bar(A, 0))
    minutes.ready(START + MINUTE + GRACE)
    assert minutes.add(replace(bar(A, 0), n_trades=3)) is None
    changed = bar(A, 0, close=2.5)
    assert minutes.add(changed) == Revision(A, START, bar(A, 0), changed)
    assert minutes.add(changed) is None


def test_a_bar_after_its_minute_was_given_is_a_revision_of_nothing(minutes: LiveMinutes) -> None:
    minutes.add(bar(A, 0))
    minutes.ready(START + MINUTE + GRACE)
    assert minutes.add(bar(B, 0)) == Revision(B, START, None, bar(B, 0))


def test_the_history_is_held_against_what_was_given(minutes: LiveMinutes) -> None:
    for minute in (0, 1, 3):
        minutes.add(bar(A, minute))
    minutes.ready(START + 4 * MINUTE + GRACE)
    history = [bar(A, 0), bar(A, 1, close=2.5), bar(A, 2)]
    end = START + 4 * MINUTE
    revisions = minutes.compare(A, START, end, history)
    assert [(r.was, r.now) for r in revisions] == [
        (bar(A, 1), bar(A, 1, close=2.5)),
        (None, bar(A, 2)),
        (bar(A, 3), None),
    ]
    assert minutes.handed(A, START, end) == history
    assert minutes.compare(A, START, end, history) == []


def test_what_was_given_is_remembered_for_a_day(minutes: LiveMinutes) -> None:
    minutes.add(bar(A, 0))
    minutes.ready(START + MINUTE + GRACE)
    minutes.ready(START + DAY + GRACE)
    assert len(minutes.handed(A, START, START + DAY)) == 1
    minutes.ready(START + DAY + MINUTE + GRACE)
    assert minutes.handed(A, START, START + DAY) == []
