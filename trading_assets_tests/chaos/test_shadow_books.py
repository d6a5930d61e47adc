"""Shadows: beside the live book, on the same bars, with a ledger of their own and no venue."""

from __future__ import annotations

import threading
from datetime import date

import pytest
import requests

from trading_assets.bootstrap import desk as open_desk
from trading_assets.domain.events import (
    BarReady,
    OrderFilled,
    ReleaseSwitched,
    SessionOpened,
    TradingHalted,
)
from trading_assets.settings import load_settings
from trading_assets.storage.journal_reader import JournalReader
from trading_assets.workflows.live_tables import live_days
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets.workflows.run_live import run_live

PUBLIC = ("/api/v3/ping", "/api/v3/time", "/api/v3/exchangeInfo", "/api/v3/klines")


@pytest.fixture
def shadow(rig, monkeypatch):
    """The rig's desk with a shadow of the book `demo`."""
    own = {
        "TA_BOOKS__SHADOW_X__VENUE": "embedded",
        "TA_BOOKS__SHADOW_X__ACCOUNT": "demo",
        "TA_BOOKS__SHADOW_X__MODE": "shadow",
        "TA_BOOKS__SHADOW_X__TRADES": "paper",
        "TA_LIVE__LATE_BAR_S": "36000",  # at 600x a slow machine is late, and that disturbs
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)  # for the process in which a release is tried
    return open_desk(load_settings(rig.environ | own).settings)


def _run(desk, book, bars):
    return run_live(desk, book, stop=threading.Event(), max_bars=bars)


def _events(desk, book):
    with JournalReader(desk.settings.data_root / "live" / book) as journal:
        journal.verify()
        return [event for _, event in journal.read()]


@pytest.mark.slow
def test_no_signed_request_leaves_a_shadow(rig, shadow, monkeypatch):
    sent = []
    send = requests.Session.send

    def noted(session, request, **options):
        sent.append(request)
        return send(session, request, **options)

    monkeypatch.setattr(requests.Session, "send", noted)
    _run(shadow, "shadow_x", 6)
    _run(shadow, "shadow_x", 6)

    assert len(sent) > 10
    assert {request.method for request in sent} == {"GET"}
    assert {request.path_url.partition("?")[0] for request in sent} <= set(PUBLIC)
    assert not [r for r in sent if "signature" in r.url or r.headers.get("X-MBX-APIKEY")]
    assert rig.ledger()["orders"] == []
    fills = [event for event in _events(shadow, "shadow_x") if isinstance(event, OrderFilled)]
    assert len(fills) > 3


@pytest.mark.slow
def test_a_shadow_runs_beside_the_book_whose_account_it_does_not_touch(rig, shadow):
    rig.environ["TA_LIVE__POLL_S"] = "0.1"
    champion = rig.start()
    rig.until(lambda: rig.count(BarReady) >= 1, "the champion's first bar")
    _run(shadow, "shadow_x", 8)
    rig.stop(champion)

    seen = {e.ts: e.bars for e in _events(shadow, "shadow_x") if isinstance(e, BarReady)}
    same = [e for e in rig.events() if isinstance(e, BarReady) and e.ts in seen]
    assert len(same) >= 4
    assert all(event.bars == seen[event.ts] for event in same)
    (opened,) = [e for e in _events(shadow, "shadow_x") if isinstance(e, SessionOpened)]
    assert [(b.asset, b.total) for b in opened.opening] == [("USDT", 10_000)]
    assert rig.verdicts() == []


@pytest.mark.slow
def test_the_ledger_of_a_shadow_is_a_backtests_until_something_disturbs_it(rig, shadow):
    _run(shadow, "shadow_x", 10)
    report = replay_live_day(shadow, "shadow_x", date(2024, 4, 1))

    assert report.is_equal, report.differences
    assert report.bars >= 10  # more when several bars were waiting at the end
    assert report.ledger == "equal"
    assert rig.ledger()["trades"] == []

    _run(shadow, "shadow_x", 10)  # the stop between them has withdrawn what waited for an open
    report = replay_live_day(shadow, "shadow_x", date(2024, 4, 1))
    assert report.is_equal, report.differences
    assert report.ledger == "equal" or report.ledger.startswith("disturbed: OrderReported at ")


@pytest.mark.slow
def test_a_shadow_takes_the_next_release_with_what_its_account_holds(rig, shadow):
    shadow.settings.books["shadow_x"].__dict__["hand_over"] = "carry"
    _run(shadow, "shadow_x", 6)
    first = rig.desk.releases.require("paper").release_id
    second = rig.publish(decision_id="e" * 64).release_id
    _run(shadow, "shadow_x", 40)  # looking at a release takes seconds, in which bars close

    events = _events(shadow, "shadow_x")
    (switched,) = [e for e in events if isinstance(e, ReleaseSwitched)]
    assert (switched.previous, switched.release_id, switched.carried) == (first, second, True)
    assert not [e for e in events if isinstance(e, TradingHalted)]
    later = events[events.index(switched) :]
    assert len([e for e in later if isinstance(e, OrderFilled)]) > 3
    for day in live_days(shadow, "shadow_x"):
        report = replay_live_day(shadow, "shadow_x", day)
        assert report.is_equal, report.differences
        assert not report.ledger.startswith("differs")
    _run(shadow, "shadow_x", 2)  # the account is rebuilt over the change
    assert rig.ledger()["trades"] == []
