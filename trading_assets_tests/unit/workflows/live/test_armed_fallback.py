"""A leave may name the release before: the book goes back to that one by itself, to no other."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from trading_assets.domain.control import HaltLevel
from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.events import BookArmed
from trading_assets.live.safety.arming import approval
from trading_assets.storage.release_store import instrument_to_plain
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.arm_book import arm_book
from trading_assets.workflows.armed import require_armed
from trading_assets.workflows.live_book import live_book
from trading_assets.workflows.switch_release import demote
from trading_assets_tests.stand_ins.arming import ANN, SPEC
from trading_assets_tests.stand_ins.tiny_venue import BTC

REAL = {
    f"TA_BOOKS__{name}__{key}": value
    for name in ("REAL", "OTHER")
    for key, value in (("VENUE", "binance"), ("ACCOUNT", name.lower()), ("TRADES", "paper"))
} | {"TA_BINANCE_API_KEY": "key-of-the-test", "TA_BINANCE_API_SECRET": "secret-of-the-test"}


@pytest.fixture
def desk(make_desk):
    return make_desk(**REAL)


def _publish(desk, letter, limits="{max_drawdown_pct: 10}"):
    spec = parse_spec(f"{SPEC}limits: {limits}\n", where="test")
    facts = {
        "decision_id": letter * 64,
        "order_types": ["MARKET"],
        "models": {},
        "instruments": [instrument_to_plain(BTC)],
    }
    files = {"spec.yaml": spec.canonical_yaml().encode(), "decision.json": b"{}"}
    after = desk.releases.current_id("paper")
    return desk.releases.publish("paper", facts, files, after=after)[0].release_id


def _arm(desk, release_id, fallback="", book="real"):
    return arm_book(desk, book, release_id=release_id, fallback=fallback, **ANN)


def _required(desk, release_id, book="real"):
    place = live_book(desk.settings, book)
    return require_armed(desk.settings, place, release_id=release_id, now=desk.clock.now())


def _demote(desk, release_id, book="paper"):
    return demote(desk, book, release_id=release_id, reason="it differs", source="parity")


def _latched(desk, book="real"):
    return live_book(desk.settings, book).latched()


def test_a_leave_covers_the_release_and_its_fallback_and_no_other(desk):
    oldest, before, release = (_publish(desk, letter) for letter in "abc")
    token = _arm(desk, release, before)

    assert _required(desk, release) == _required(desk, before) == token
    with pytest.raises(ConfigurationError, match=f"token for release_id {release} or {before}"):
        _required(desk, oldest)
    assert _required(desk, _arm(desk, release).release_id).fallback == ""
    with pytest.raises(ConfigurationError, match="not armed"):
        _required(desk, before)


def test_the_journal_names_the_fallback_that_was_approved(desk):
    before, release = _publish(desk, "a"), _publish(desk, "b")
    (event,) = approval(_arm(desk, release, before), 7)
    assert event == BookArmed(
        7, "ann", ANN["reason"], "api.binance.com", release, event.expires, before,
        Decimal(1000), 0, "c" * 16,
    )  # fmt: skip


def test_only_the_release_before_is_a_fallback(desk):
    oldest, _, release = (_publish(desk, letter) for letter in "abc")
    with pytest.raises(ConfigurationError, match="does not go back"):
        _arm(desk, release, oldest)
    with pytest.raises(ConfigurationError, match="it is the first"):
        _arm(desk, oldest, release)
    assert not live_book(desk.settings, "real").arm_token.exists()


@pytest.mark.parametrize("wider", ["{max_drawdown_pct: 11}", "{}"])
def test_a_fallback_with_a_wider_limit_is_not_armed(desk, wider):
    before, release = _publish(desk, "a", wider), _publish(desk, "b")
    with pytest.raises(ConfigurationError, match="lets more pass") as caught:
        _arm(desk, release, before)
    assert "max_drawdown_pct" in str(caught.value)


def test_a_demotion_to_the_fallback_halts_nothing_and_any_other_one_does(desk):
    before, release = _publish(desk, "a"), _publish(desk, "b")
    _arm(desk, release, before)
    _arm(desk, release, book="other")

    said = _demote(desk, release)

    assert before in said
    assert desk.releases.current_id("paper") == before
    assert _latched(desk) is None
    assert (_latched(desk, "other").level, _latched(desk, "other").source) == (
        HaltLevel.PAUSE,
        "parity",
    )


def test_a_demotion_by_the_armed_book_itself_goes_back_or_halts(desk):
    before, release = _publish(desk, "a"), _publish(desk, "b")
    _arm(desk, release, before)
    _demote(desk, release, "real")
    assert (desk.releases.current_id("paper"), _latched(desk)) == (before, None)

    third = _publish(desk, "c")  # the leave is for b and a
    _demote(desk, third, "real")
    assert (desk.releases.current_id("paper"), _latched(desk)) == (before, None)

    fourth, fifth = _publish(desk, "d"), _publish(desk, "e")
    _arm(desk, fifth)
    _demote(desk, fifth, "real")
    assert desk.releases.current_id("paper") == fourth
    assert _latched(desk).level is HaltLevel.PAUSE


def test_a_leave_that_has_ended_is_no_way_back(desk):
    before, release = _publish(desk, "a"), _publish(desk, "b")
    expired = _arm(desk, release, before).expires
    late = type("Late", (), {"now": lambda _: expired})()

    _demote(dataclasses.replace(desk, clock=late), release)

    assert _latched(desk).source == "parity"


def test_a_book_without_a_way_back_is_halted(desk):
    only = _publish(desk, "a")
    _arm(desk, only)
    _demote(desk, only)
    assert _latched(desk).level is HaltLevel.PAUSE
