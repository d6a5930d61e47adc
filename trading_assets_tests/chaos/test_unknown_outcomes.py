"""Answers and requests lost between executor and exchange, and what the book makes of them."""

from __future__ import annotations

import threading
from datetime import date

import pytest

from trading_assets.domain.errors import ConfigurationError, RecoveryError, VenueUnavailable
from trading_assets.domain.events import (
    OrderFilled,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderRefused,
    OrderReported,
    ReleaseRefused,
    ReleaseSwitched,
    SessionOpened,
)
from trading_assets.workflows.live_book import live_book, set_aside
from trading_assets.workflows.live_tables import live_days, live_tables
from trading_assets.workflows.replay_live_day import replay_live_day
from trading_assets.workflows.run_live import run_live


def _run(rig, bars, local=None):
    observed = []
    summary = run_live(
        rig.desk,
        "demo",
        stop=threading.Event(),
        observe=observed.append,
        max_bars=bars,
        local=local,
        wrap_broker=local.broker if local else lambda broker: broker,
    )
    return summary, observed


def _kinds(rig, kind):
    return [event for event in rig.events() if isinstance(event, kind)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault",
    [{"kind": "drop_reply"}, {"kind": "status", "status": 502, "when": "after"}],
    ids=["drop", "502"],
)
def test_an_answer_lost_after_execution_is_adopted_once(rig, fault):
    rig.fault(**fault)
    _run(rig, 8)

    (unknown,) = _kinds(rig, OrderOutcomeUnknown)
    filled = _kinds(rig, OrderFilled)
    assert unknown.client_order_id in {e.fill.client_order_id for e in filled}
    assert _kinds(rig, OrderProvenAbsent) == []
    assert rig.verdicts() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "fault", [{"kind": "drop_request"}, {"kind": "status", "status": 503}], ids=["drop", "503"]
)
def test_a_request_lost_before_execution_is_proven_absent(rig, hurried, fault):
    rig.fault(**fault)
    local = hurried.Local()
    _run(rig, 12, local)

    (unknown,) = _kinds(rig, OrderOutcomeUnknown)
    (absent,) = _kinds(rig, OrderProvenAbsent)
    assert absent.client_order_id == unknown.client_order_id
    assert local.gained_s > 15
    assert absent.client_order_id not in {o["client_order_id"] for o in rig.ledger()["orders"]}
    assert rig.verdicts() == []


@pytest.mark.slow
def test_a_limited_order_is_refused_and_the_venue_left_alone(rig):
    rig.fault("status", status=429, retry_after_s=1)
    _run(rig, 8)

    (refused,) = _kinds(rig, OrderRefused)
    assert refused.code == -1003
    assert rig.verdicts() == []


@pytest.mark.slow
def test_a_day_is_replayed_to_the_last_bit_also_after_restarts_and_faults(rig):
    rig.fault("drop_reply")
    _run(rig, 8)
    _run(rig, 6)
    (day,) = live_days(rig.desk, "demo")
    report = replay_live_day(rig.desk, "demo", day)

    assert day == date(2024, 4, 1)
    assert report.is_equal, report.differences
    assert report.bars == 14
    assert report.rows == 42
    assert report.decisions > 14
    assert report.snapshots == 3  # at both stops, and after an hour
    assert replay_live_day(rig.desk, "demo", date(2024, 4, 2)).bars == 0


@pytest.mark.slow
def test_the_tables_of_a_day_say_what_the_exchange_says(rig):
    _run(rig, 8)
    (day,) = live_days(rig.desk, "demo")
    tables = live_tables(rig.desk, "demo", day)
    ledger = rig.ledger()

    assert sorted(tables["orders"]["client_order_id"]) == sorted(
        order["client_order_id"] for order in ledger["orders"]
    )
    assert sorted(tables["orders"]["state"]) == sorted(o["status"] for o in ledger["orders"])
    assert tables["fills"].height == len(ledger["trades"])
    assert tables["equity"].height == 8
    assert tables["equity"]["equity"][0] == 10_000
    held = {row["symbol"]: row["qty"] for row in tables["positions"].iter_rows(named=True)}
    found = {
        row["asset"]: row["free_units"] + row["locked_units"]
        for row in ledger["balances"]
        if row["account"] == "demo"
    }
    assert held["SOLUSDT"] * 10**8 == found.get("SOL", 0)
    assert held["BTCUSDT"] * 10**8 == found["BTC"] - 10**8
    assert len(_kinds(rig, OrderReported)) >= tables["orders"].height


def test_another_clock_is_refused_until_the_journal_is_set_aside(rig, monkeypatch):
    _run(rig, 1)
    monkeypatch.setattr("trading_assets.workflows.run_live._epoch", lambda *_: "wall")
    with pytest.raises(RecoveryError, match="another clock epoch"):
        _run(rig, 1)

    moved = set_aside(live_book(rig.settings, "demo"))
    assert moved.name == "demo.old-1"
    _run(rig, 1)


def test_a_release_that_does_not_fit_the_venue_is_refused(rig):
    rig.publish(decision_id="e" * 64, order_types=["MARKET", "STOP"])
    with pytest.raises(ConfigurationError, match="cannot trade release"):
        _run(rig, 1)
    listed = rig.desk.releases.require("paper").facts["instruments"]
    coarser = [{**item, "tick": "0.1"} for item in listed]
    rig.publish(decision_id="f" * 64, instruments=coarser)
    with pytest.raises(ConfigurationError, match="another tick"):
        _run(rig, 1)

    assert rig.ledger()["requests"] == []


def test_a_new_release_is_taken_between_two_bars_once_the_book_is_flat(rig):
    rig.settings.live.__dict__["hand_over_bars"] = 1
    _run(rig, 2)
    first = rig.desk.releases.require("paper").release_id
    second = rig.publish(decision_id="e" * 64).release_id

    # Looking at a release takes seconds, in which bars close: room for them before the switch.
    summary, _ = _run(rig, 20)

    (switched,) = _kinds(rig, ReleaseSwitched)
    assert (switched.previous, switched.release_id) == (first, second)
    assert [e.release_id for e in _kinds(rig, SessionOpened)] == [first, first, second]
    assert summary.bars == 20
    assert rig.verdicts() == []
    assert rig.desk.releases.roll_back("paper", reason="test", by="test").release_id == first
    _run(rig, 20)
    assert _kinds(rig, ReleaseSwitched)[-1].release_id == first
    assert rig.verdicts() == []


def test_a_damaged_release_is_refused_and_the_present_one_goes_on(rig):
    _run(rig, 1)
    first = rig.desk.releases.require("paper").release_id
    second = rig.publish(decision_id="e" * 64)
    (second.folder / "spec.yaml").write_text("name: other\n")

    _run(rig, 12)  # looking at a release takes seconds, in which bars close

    (refused,) = _kinds(rig, ReleaseRefused)
    assert refused.release_id == second.release_id
    assert {e.release_id for e in _kinds(rig, SessionOpened)} == {first}


def test_an_exchange_that_is_down_is_said_so_at_once(rig):
    rig.settings.exchange.__dict__["port"] = 9
    with pytest.raises(VenueUnavailable, match="cannot reach the venue"):
        _run(rig, 1)

    assert rig.events() == []
