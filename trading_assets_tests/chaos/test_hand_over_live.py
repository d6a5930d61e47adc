"""Another release for a book that trades: a real process, the real exchange, a person's halt."""

from __future__ import annotations

import subprocess
import time

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    ReleaseAwaited,
    ReleaseSwitched,
    SessionOpened,
    TradingHalted,
)
from trading_assets.workflows.control_book import halt_book
from trading_assets.workflows.live_status import live_status
from trading_assets.workflows.switch_release import demote, roll_back

pytestmark = pytest.mark.slow


def _is_looked_at(process):
    command = ["pgrep", "-P", str(process.pid), "-f", "try_release"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _of(rig, *kinds):
    return [event for event in rig.events() if isinstance(event, kinds)]


def _traded(rig):
    """Give the release that the status names, once it says that the book trades."""
    seen = live_status(rig.desk, "demo")
    return seen.book.get("release_id") if seen.state == "trading" else None


def test_a_halt_takes_effect_within_a_second_while_a_release_is_loaded(rig):
    process = rig.start()
    rig.until(lambda: rig.count(OrderFilled), "a fill")
    rig.publish(decision_id="e" * 64)
    rig.until(lambda: _is_looked_at(process), "the release being looked at")
    bars = rig.count(BarReady)
    asked = time.monotonic()
    halt_book(rig.desk, "demo", level=HaltLevel.HALT, who="ann", reason="enough", source="cli")
    rig.until(lambda: rig.count(TradingHalted), "the halt in the journal")
    took_s = time.monotonic() - asked
    was_awaited = rig.count(ReleaseAwaited)
    rig.until(lambda: rig.count(ReleaseAwaited), "the release that was looked at")
    rig.stop(process)

    assert took_s < 1.0
    assert not was_awaited
    order = [type(e) for e in rig.events()[-200:]]
    assert order.index(TradingHalted) < order.index(ReleaseAwaited)
    assert rig.count(BarReady) > bars
    assert rig.verdicts() == []


def test_a_book_follows_a_promotion_a_rollback_and_a_demotion_between_two_bars(rig):
    rig.environ["TA_BOOKS__DEMO__HAND_OVER_BARS"] = "1"  # its own, in place of all books' 288
    process = rig.start()
    first = rig.desk.releases.require("paper").release_id
    rig.until(lambda: rig.count(OrderFilled) and _traded(rig) == first, "the first one at work")
    second = rig.publish(decision_id="e" * 64).release_id
    rig.until(lambda: _traded(rig) == second, "the status to name the second release")

    roll_back(rig.desk, "demo", reason="fills too late", by="ada")
    rig.until(lambda: _traded(rig) == first, "the first release again")

    third = rig.publish(decision_id="f" * 64).release_id
    rig.until(lambda: _traded(rig) == third, "the third release")
    said = demote(rig.desk, "demo", release_id=third, reason="parity is red", source="parity")
    rig.until(lambda: _traded(rig) == first, "the first release once more")
    bars = rig.count(BarReady)
    rig.until(lambda: rig.count(BarReady) > bars, "a bar of it")
    rig.stop(process)

    assert first in said
    switches = [(e.previous, e.release_id) for e in _of(rig, ReleaseSwitched)]
    assert switches == [(first, second), (second, first), (first, third), (third, first)]
    assert [e.release_id for e in _of(rig, SessionOpened)] == [first, second, first, third, first]
    bars = [e.ts for e in _of(rig, BarReady)]
    assert bars == list(range(bars[0], bars[-1] + 1, 300_000_000))  # none left out, none twice
    assert {(e.policy, e.bars) for e in _of(rig, ReleaseAwaited)} == {("when_flat", 1)}
    assert rig.verdicts() == []
