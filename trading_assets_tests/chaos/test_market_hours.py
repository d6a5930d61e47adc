"""A release whose market has sessions, traded at a venue that never closes."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from trading_assets.domain.events import BarReady
from trading_assets.domain.policy_events import EntriesPaused
from trading_assets.exchange.server import ExchangeConfig, running_exchange
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets.workflows.run_live import run_live

START = int(datetime(2024, 4, 1, 14, tzinfo=UTC).timestamp()) * 1_000_000
SIZE = 900_000_000
SESSION = 26  # bars


@pytest.fixture
def hours(rig, make_rig):
    """A rig at an exchange where an hour lasts a second, with a release of New York's calendar."""
    listed = rig.desk.releases.require("paper").facts["instruments"]
    config = ExchangeConfig(start=START, warp=3600, sim_controls=True, weight_limit=10**9)
    with running_exchange(config) as exchange:
        rig = make_rig(exchange)
        rig.publish(bar_size="15m", instruments=[{**item, "calendar": "XNYS"} for item in listed])
        yield rig
        rig.close()


def _is_open(ts):
    """Tell whether New York trades, or has just closed: a busy machine handles bars late."""
    minute = ts // 60_000_000 % (24 * 60)
    return 13 * 60 + 30 <= minute < 20 * 60 + 45


@pytest.mark.slow
def test_a_book_sleeps_over_the_night_and_is_decided_again_to_the_bit(hours):
    run_live(hours.desk, "demo", stop=threading.Event(), max_bars=SESSION + 4)

    bars = [event for event in hours.events() if isinstance(event, BarReady)]
    steps = {b.ts - a.ts for a, b in pairwise(bars)}
    night = 24 * 3_600_000_000 - (SESSION - 1) * SIZE
    assert steps == {SIZE, night}
    assert {datetime.fromtimestamp(e.ts / 1e6, UTC).hour for e in bars} <= set(range(13, 20))
    assert not any(event.incomplete for event in bars)
    pauses = [event.ts for event in hours.events() if isinstance(event, EntriesPaused)]
    assert [ts for ts in pauses if not _is_open(ts)] == []  # no silence of a night is one
    for day in sorted({datetime.fromtimestamp(e.ts / 1e6, UTC).date() for e in bars}):
        report = replay_live_day(hours.desk, "demo", day)
        assert report.is_equal, report.differences
        assert report.bars > 0
    assert hours.verdicts() == []
