"""The watching thread reads what a journal says, and tells of its own failure."""

from __future__ import annotations

import json

import pytest

from trading_assets.domain.events import (
    OrderRefused,
    OrderSubmitted,
    SessionClosed,
    SessionOpened,
    TradingHalted,
    TradingResumed,
)
from trading_assets.domain.policy_events import EntriesPaused
from trading_assets.live.policies.pauses import ALL
from trading_assets.live.supervision.slo import SloTerms
from trading_assets.settings import load_settings
from trading_assets.storage.alert_file import AlertFile
from trading_assets.storage.journal import Journal
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.live_log import LiveLog
from trading_assets.workflows.live_supervision import Supervision, enforced

MINUTE = 60_000_000
OPENED = 29_000_000 * MINUTE


class Clock:
    """Two hours and five seconds after the opening."""

    def now(self):
        return OPENED + 120 * MINUTE + 5_000_000

    def wait(self, seconds):
        raise AssertionError


@pytest.fixture
def settings(tmp_path):
    environ = {"TA_HOME": str(tmp_path), "TA_LIVE__LOG_FILE": "live.jsonl"}
    return load_settings(environ).settings


def _watched(settings, rows, *, is_wall=True):
    """Let rows be written while somebody watches; leaving waits for the last of them."""
    place = live_book(settings, "paper")
    terms = SloTerms(symbols=1, bar_size=MINUTE, began=0, is_wall=is_wall)
    with Journal(place.folder, book="paper", epoch="wall", clock=Clock()) as journal:
        journal.append([SessionOpened(OPENED, "paper", "r1", ())])
        log = LiveLog(settings, place)
        with Supervision(place, Clock(), terms, log=log) as watch:
            journal.append(rows)
    return watch, place


def test_two_hours_without_a_bar_cost_more_than_half_of_the_budget(settings):
    rows = [OrderSubmitted(OPENED, "a", Clock().now(), 5000), OrderRefused(OPENED, "a", -1, "no")]
    watch, place = _watched(settings, rows)

    assert watch.budget().remaining == pytest.approx(1 - 120 / 216)
    assert enforced(settings, watch)() is watch.budget()
    assert watch.figures()["rejects_total"] == 1
    lines = [json.loads(line) for line in (place.folder / "live.jsonl").read_text().splitlines()]
    assert [line["seq"] for line in lines if "seq" in line] == [2, 3]


def test_two_hours_of_a_clean_stop_before_this_start_cost_nothing(settings):
    place = live_book(settings, "paper")
    with Journal(place.folder, book="paper", epoch="wall", clock=Clock()) as journal:
        journal.append([SessionOpened(OPENED, "paper", "r1", ())])
        journal.append([SessionClosed(OPENED + 1, "stopped")])
        journal.append([SessionOpened(Clock().now() - MINUTE // 2, "paper", "r1", ())])
    terms = SloTerms(symbols=1, bar_size=MINUTE, began=0)
    with Supervision(place, Clock(), terms, log=LiveLog(settings, place)) as watch:
        pass

    assert watch.budget().remaining == 1.0


def test_alerts_are_kept_beside_the_journal_and_go_on_with_the_next_life(settings):
    paused = EntriesPaused(OPENED, ALL, "slo", "40% is left")
    watch, place = _watched(settings, [TradingHalted(OPENED, "drift", source="reconcile"), paused])
    stood = {
        "drift": "book and account differ",
        "error_budget": "entries are off: 40% is left",
    }
    file = AlertFile(place.folder)
    assert file.standing() == watch.alerts == stood

    _watched(settings, [TradingResumed(OPENED, "seen", "ann")])
    assert [(line.n, line.book, line.alert, line.begins) for line in file.lines()] == [
        (1, "paper", "drift", True),
        (2, "paper", "error_budget", True),
        (3, "paper", "drift", False),
    ]


def test_nothing_is_enforced_on_another_clock_or_when_switched_off(settings, tmp_path):
    watch, _ = _watched(settings, [], is_wall=False)
    assert enforced(settings, watch)() is None
    off = load_settings({"TA_HOME": str(tmp_path), "TA_LIVE__SLO_POLICY": "off"}).settings
    watch._meter.terms = SloTerms(1, MINUTE, 0)
    assert enforced(off, watch)() is None


def test_a_journal_that_cannot_be_read_any_more_is_a_failure_that_is_told(settings):
    place = live_book(settings, "paper")
    with Journal(place.folder, book="paper", epoch="wall", clock=Clock()) as journal:
        journal.append([SessionOpened(OPENED, "paper", "r1", ())])
    log = LiveLog(settings, place)
    terms = SloTerms(symbols=1, bar_size=MINUTE, began=0)
    watch = Supervision(place, Clock(), terms, log=log)
    (place.folder / "journal.sqlite").write_bytes(b"not a database" * 100)
    watch.watch()
    log.close()
    assert "supervision of the book has failed" in watch.budget().failure
