"""Books that trade bars of other sizes, on the real exchange, and their days replayed."""

from __future__ import annotations

import threading
from datetime import date
from itertools import pairwise

import pytest

from trading_assets.domain.events import BarReady, OrderFilled
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets.workflows.run_live import run_live

pytestmark = pytest.mark.slow
MINUTE = 60_000_000


@pytest.mark.parametrize(("size", "minutes"), [("1m", 1), ("15m", 15)])
def test_a_book_trades_bars_of_its_release_and_its_day_is_replayed_to_the_byte(rig, size, minutes):
    rig.publish(bar_size=size, decision_id="e" * 64)

    run_live(rig.desk, "demo", stop=threading.Event(), max_bars=10)

    opened = [event.ts for event in rig.events() if isinstance(event, BarReady)]
    assert len(opened) >= 10  # several may have closed since the last look
    assert {ts % (minutes * MINUTE) for ts in opened} == {0}
    assert {b - a for a, b in pairwise(opened)} == {minutes * MINUTE}
    assert rig.count(OrderFilled) > 0
    assert rig.verdicts() == []
    report = replay_live_day(rig.desk, "demo", date(2024, 4, 1))
    assert (report.bars, report.bars_differ, report.rows_differ) == (len(opened), 0, 0)
    assert (report.decisions_differ, report.snapshots_differ) == (0, 0)
    assert report.differences == ()
