"""A journal gives back the book that wrote it, or says why it cannot."""

from __future__ import annotations

import json
import math

import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.events import (
    BarReady,
    OrderOutcomeUnknown,
    OrderProvenAbsent,
    OrderSubmitted,
    SessionOpened,
)
from trading_assets.live.hand_over import Terms
from trading_assets.live.recovery import after_restart, last_release, recover, replay_until
from trading_assets.live.session import Session

PLAN = [(1000, math.nan), (math.nan, 200), (0, math.nan), (500, 0)]


def test_snapshot_and_full_replay_give_the_same_book(kit):
    desk = kit.Desk(PLAN)
    desk.run(10)
    seq, _ = desk.journal.latest_snapshot()
    assert seq == desk.journal.head
    by_snapshot = recover(desk.journal, desk.setup, desk.machines)
    desk.journal.snapshots = desk.journal.snapshots[:1]
    by_older_snapshot = recover(desk.journal, desk.setup, desk.machines)
    desk.journal.snapshots = []
    by_replay = recover(desk.journal, desk.setup, desk.machines)

    assert by_snapshot.snapshot() == by_replay.snapshot() == by_older_snapshot.snapshot()
    assert by_replay.snapshot() == desk.session.snapshot()


@pytest.mark.parametrize("payload", [b"", b"{}", b'{"release_id": "r0"}', b"\xff"])
def test_a_snapshot_that_does_not_fit_is_left_aside(kit, payload):
    desk = kit.Desk(PLAN)
    desk.run(3)
    desk.journal.snapshots.append((desk.journal.head, payload))

    assert recover(desk.journal, desk.setup, desk.machines).snapshot() == desk.session.snapshot()


def test_a_snapshot_of_an_earlier_layout_is_left_aside(kit):
    desk = kit.Desk(PLAN)
    desk.run(3)
    saved = json.loads(desk.session.snapshot())
    trade_ids = saved["book"].pop("known_trade_ids")
    assert any(trade_ids.values())
    saved["book"]["known_fills"] = [[key, one] for key, of in trade_ids.items() for one in of]
    desk.journal.snapshots = [(desk.journal.head, json.dumps(saved).encode())]

    assert recover(desk.journal, desk.setup, desk.machines).snapshot() == desk.session.snapshot()


def test_a_journal_of_another_release_is_refused(kit):
    desk = kit.Desk(PLAN)
    desk.run(2)
    assert last_release(desk.journal) == "r1"
    with pytest.raises(RecoveryError, match="another release"):
        recover(desk.journal, kit.setup(release_id="r2"), desk.machines)


def test_a_journal_that_ends_inside_a_bar_is_refused(kit):
    desk = kit.Desk(PLAN)
    desk.run(2)
    last = max(n for n, e in enumerate(desk.journal.events) if isinstance(e, BarReady))
    desk.journal.events = desk.journal.events[: last + 1]
    desk.journal.snapshots = []
    with pytest.raises(RecoveryError, match="middle of a bar"):
        recover(desk.journal, desk.setup, desk.machines)


def test_a_new_journal_has_no_release(kit):
    assert last_release(kit.Journal()) is None


def test_orders_left_behind_are_in_doubt_or_were_never_sent(kit):
    session = Session(kit.setup(), kit.Machine())
    session.handle(SessionOpened(0, "demo", "r1", ()))
    first, second = session.handle(kit.bar(0, sol=1000, btc=200))
    session.take_derived()
    session.handle(OrderSubmitted(1, first.ticket.client_order_id, 1, 5000))
    doubt, absent = after_restart(session.state, 9)

    assert isinstance(doubt, OrderOutcomeUnknown)
    assert doubt.client_order_id == first.ticket.client_order_id
    assert isinstance(absent, OrderProvenAbsent)
    assert absent.client_order_id == second.ticket.client_order_id


def test_the_book_of_an_earlier_moment_is_replayed(kit):
    desk = kit.Desk(PLAN)
    desk.run(8)
    then = replay_until(desk.journal, Terms(desk.setup, desk.machines), kit.START + 3 * kit.BAR)

    assert then.state.last_bar == kit.START + 2 * kit.BAR
    assert then.machine.position == [0, 200]
