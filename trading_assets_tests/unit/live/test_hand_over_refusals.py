"""What is no release for a book is refused and told, and the present one goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from trading_assets.domain.errors import CorruptFile, InvariantError, RecoveryError
from trading_assets.domain.events import (
    ReleaseAwaited,
    ReleaseRefused,
    ReleaseSwitched,
)
from trading_assets.engine.machine import Machine
from trading_assets.live.hand_over import (
    Releases,
    handed_over,
    next_step,
)
from trading_assets_tests.stand_ins.releases import Desk


@pytest.fixture
def desk(kit):
    return Desk(kit)


def test_books_that_do_not_fit_are_left_flat_instead_of_carried(desk):
    desk.policy = "carry"
    desk.wanted = "r3"

    assert desk.turn()[0].policy == "when_flat"


def test_a_release_that_cannot_be_traded_is_refused_once_and_the_present_one_goes_on(desk):
    desk.wanted, desk.refusal = "r2", "its model is damaged"

    event, _ = desk.turn()

    assert event == ReleaseRefused(event.ts, "r2", "its model is damaged")
    assert desk.turn() == (None, [])
    assert desk.examined == ["r2"]
    assert len(desk.bar(0, sol=0.5)) == 1
    desk.must_recover()


def test_a_release_that_is_taken_back_is_awaited_no_more(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted = "r2"
    desk.turn()
    desk.wanted = "r1"

    event, _ = desk.turn()

    assert (event.release_id, desk.release) == ("", "r1")
    assert len(desk.bar(1, btc=1.0)) == 1


def test_a_change_that_leaves_an_order_behind_is_refused(desk):
    desk.bar(0, sol=0.5)
    with pytest.raises(InvariantError, match="cannot be left"):
        desk.session.handle(ReleaseSwitched(1, "r1", "r2", carried=False))
    with pytest.raises(InvariantError, match="cannot be left"):
        desk.session.handle(ReleaseSwitched(1, "r9", "r2", carried=True))


def test_terms_of_another_release_are_refused(desk):
    event = ReleaseSwitched(1, "r1", "r2", carried=False)
    with pytest.raises(RecoveryError, match="terms of another release"):
        handed_over(desk.session, desk.terms["r3"], event)


def test_the_engine_of_another_layout_is_not_carried(desk):
    former = Machine(desk.engines["r1"])
    assert Machine(desk.engines["r2"]).can_carry(former)
    assert not Machine(desk.engines["r3"]).can_carry(former)
    margin = replace(desk.engines["r2"], tag="other")
    assert Machine(margin).can_carry(former)


def test_a_book_that_goes_back_to_a_refused_release_waits_for_nothing(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted, desk.refusal = "r3", "damaged"
    desk.turn()
    desk.wanted, desk.refusal = "r2", ""
    assert isinstance(desk.turn()[0], ReleaseAwaited)
    desk.wanted = "r3"

    event, _ = desk.turn()

    assert (event.release_id, desk.session.state.awaited) == ("", "")
    assert desk.turn() == (None, [])
    assert len(desk.bar(1, btc=1.0)) == 1


def test_a_release_that_is_damaged_while_it_is_awaited_is_refused(desk):
    (ticket,) = desk.bar(0, sol=0.5)
    desk.fill(ticket)
    desk.wanted = "r2"
    desk.turn()
    desk.refusal = "damaged meanwhile"
    (out,) = desk.bar(1, sol=0.0)
    desk.fill(out)

    event, _ = desk.turn()

    assert event == ReleaseRefused(event.ts, "r2", "damaged meanwhile")
    assert (desk.release, desk.session.state.awaited) == ("r1", "")


def test_a_ledger_that_cannot_be_read_is_told_once_and_the_present_release_goes_on(desk):
    def current():
        raise CorruptFile("The pointer is damaged", expected="a seal", found="none")

    damaged = Releases(current, desk.releases.examine)
    event = next_step(desk.session, damaged, 1)
    assert isinstance(event, ReleaseRefused)
    desk.take(event)

    assert next_step(desk.session, damaged, 2) is None
    assert len(desk.bar(0, sol=0.5)) == 1
    desk.wanted = "r2"
    assert isinstance(desk.turn()[0], ReleaseAwaited)
