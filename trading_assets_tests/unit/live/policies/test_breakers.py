"""Circuit breakers: a book far from its usual self halts itself, at the bar that says so."""

from __future__ import annotations

import dataclasses
import math
import random

import numpy as np
import pytest

from trading_assets.domain.control import CommandKind, HaltLevel, confirmation_code
from trading_assets.domain.events import (
    BarReady,
    EquityMarked,
    OrderIntentCreated,
    OrderProvenAbsent,
    TradingHalted,
)
from trading_assets.domain.order import OrderSide
from trading_assets.domain.policy_events import BreakerTripped
from trading_assets.domain.setup import RiskFactor
from trading_assets.live.policies.book_policies import PolicyTerms
from trading_assets.live.policies.breakers import BreakerTerms
from trading_assets.live.recovery import recover
from trading_assets.live.safety.people import halt_identity
from trading_assets.live.turmoil import HALF_LIFE, USUAL_HALF_LIFE, Turmoil, Volatility
from trading_assets.risk.factor_path import FactorInputs, FactorRules, factor_path

NAN = math.nan
HALF = 50_000
"""Lots of SOL worth half of what the book has at a price of 100."""


def _desk(kit, plan, prices, **terms):
    """A book at the closes of a list; the last one stays."""

    class Feed(kit.Feed):
        def poll(self, now):
            return [self._priced(ready) for ready in super().poll(now)]

        def _priced(self, ready):
            price = prices[min((ready.ts - kit.START) // kit.BAR, len(prices) - 1)]
            bars = (dataclasses.replace(bar, close=price) for bar in ready.bars)
            return dataclasses.replace(ready, bars=tuple(bars))

    desk = kit.Desk(plan)
    desk.feed = Feed
    desk.policies = PolicyTerms(breakers=BreakerTerms(**terms))
    return desk


def _kinds(desk, *kinds):
    return [event for event in desk.journal.events if isinstance(event, kinds)]


def _sides(desk):
    return [order["ticket"].side.name for order in desk.venue.orders]


def _resume(desk):
    state = desk.session.state
    code = confirmation_code(desk.setup.book, halt_identity(None, state.halted))
    desk.people.ask(CommandKind.RESUME_TRADING, code=code)


def _is_replayed(desk):
    """Tell whether the newest snapshot, and the journal alone, give the book as it is."""
    by_snapshot = recover(desk.journal, desk.setup, desk.machines).state.to_json()
    desk.journal.snapshots = []
    by_row = recover(desk.journal, desk.setup, desk.machines).state.to_json()
    return by_snapshot == by_row == desk.session.state.to_json()


def test_a_drawdown_halts_in_the_commit_of_its_bar_and_no_entry_of_that_bar_leaves(kit):
    """Half of the money falls by 70 percent: 35 percent of the peak."""
    desk = _desk(kit, [(HALF, NAN), (NAN, 2000)], [100.0, 30.0], drawdown=0.35)
    desk.run(3)

    (tripped,) = _kinds(desk, BreakerTripped)
    assert (tripped.cause, tripped.symbol, tripped.limit) == ("drawdown", "", 0.35)
    assert tripped.measured == pytest.approx(0.35)
    (commit,) = [commit for commit in desk.journal.commits if tripped in commit]
    kinds = [type(event) for event in commit]
    assert kinds[:2] == [BarReady, EquityMarked]
    assert kinds[-4:] == [OrderIntentCreated, BreakerTripped, TradingHalted, OrderProvenAbsent]
    (halted,) = _kinds(desk, TradingHalted)
    assert (halted.ts, halted.source, halted.level) == (commit[0].ts, "breaker", HaltLevel.HALT)
    assert halted.reason == (
        "circuit breaker: drawdown of the book: 35.00% below its peak, the limit is 35.00%"
    )
    assert halted.reason in desk.observed[-2].reason
    assert _sides(desk) == ["BUY"]
    assert _is_replayed(desk)


def test_below_its_limit_and_without_one_nothing_trips(kit):
    for limit in (0.0, 0.3501):
        desk = _desk(kit, [(HALF, NAN), (NAN, 2000)], [100.0, 30.0], drawdown=limit)
        desk.run(2)
        assert _kinds(desk, BreakerTripped, TradingHalted) == []
        assert _sides(desk) == ["BUY", "BUY"]


@pytest.mark.parametrize(
    ("level", "sides"), [("PAUSE", ["BUY"]), ("HALT", ["BUY"]), ("FLATTEN", ["BUY", "SELL"])]
)
def test_the_level_says_how_far_and_exits_pass(kit, level, sides):
    terms = {"drawdown": 0.3, "level": HaltLevel[level]}
    desk = _desk(kit, [(HALF, NAN), (NAN, NAN), (2 * HALF, 2000)], [100.0, 30.0], **terms)
    desk.run(3)
    assert _sides(desk) == sides
    assert desk.session.state.level is HaltLevel[level]

    desk.plan = [(0, NAN)]
    desk.run(1)
    assert _sides(desk) == ["BUY", "SELL"]
    assert _is_replayed(desk)


def test_only_a_person_resumes_and_the_drawdown_counts_anew_from_there(kit):
    """The peak is 10,000, and after the resume the 7,000 that the book then has."""
    desk = _desk(kit, [(HALF, NAN), (NAN, NAN)], [100.0, 30.0, 30.0, 40.0, 10.0], drawdown=0.2)
    desk.run(3)
    assert len(_kinds(desk, TradingHalted)) == 1
    assert desk.session.state.turmoil.peak == 10_000.0

    _resume(desk)
    desk.run(1)
    assert desk.session.state.halted == ""
    assert desk.session.state.turmoil.peak == pytest.approx(7_000)

    desk.run(1)
    _, second = _kinds(desk, BreakerTripped)
    assert second.measured == pytest.approx(1 - 5_500 / 7_000)
    assert len(_kinds(desk, TradingHalted)) == 2
    assert _is_replayed(desk)


def test_a_person_s_halt_is_not_halted_again_unless_the_breaker_goes_further(kit):
    for level, halts in ((HaltLevel.HALT, 1), (HaltLevel.FLATTEN, 2)):
        desk = _desk(kit, [(HALF, NAN), (NAN, NAN)], [100.0, 30.0], drawdown=0.2, level=level)
        desk.run(1)
        desk.halt("lunch")
        desk.run(2)
        assert len(_kinds(desk, BreakerTripped)) == 1
        assert len(_kinds(desk, TradingHalted)) == halts


def _wild(calm, wild, seed=5, step=0.05):
    """Closes: small steps, then large ones."""
    dice, price, closes = random.Random(seed), 100.0, []
    for number in range(calm + wild):
        price *= 1.0 + dice.choice((-1, 1)) * (0.001 if number < calm else step)
        closes.append(price)
    return closes


CALM = HALF_LIFE + USUAL_HALF_LIFE + 10


def test_a_wild_symbol_halts_the_book_once_and_again_after_it_has_calmed_down(kit):
    closes = _wild(CALM, 3) + _wild(200, 3, seed=6, step=0.3)
    desk = _desk(kit, [(NAN, NAN)], closes, volatility=7.0)
    desk.run(CALM + 3)
    first = _kinds(desk, BreakerTripped)
    assert [(e.cause, e.symbol) for e in first] == [
        ("volatility", "BTCUSDT"), ("volatility", "SOLUSDT")
    ]  # fmt: skip
    assert all(e.measured >= 7.0 and e.ts == kit.START + CALM * kit.BAR for e in first)
    (halted,) = _kinds(desk, TradingHalted)
    assert halted.reason.count("circuit breaker: volatility of") == 2

    _resume(desk)
    desk.run(1)
    assert desk.session.state.turmoil.ratio("SOLUSDT") > 7.0
    assert len(_kinds(desk, TradingHalted)) == 1

    desk.run(len(closes) - CALM - 4)
    assert len(_kinds(desk, TradingHalted)) == 2
    assert _is_replayed(desk)


def test_nothing_is_extreme_before_the_usual_is_known(kit):
    desk = _desk(kit, [(NAN, NAN)], _wild(CALM // 2, 5), volatility=1.5)
    desk.run(CALM // 2 + 5)
    assert _kinds(desk, BreakerTripped) == []


def test_the_measure_is_that_of_the_engine():
    closes = np.array(_wild(USUAL_HALF_LIFE, 0)) * np.linspace(1.0, 3.0, USUAL_HALF_LIFE)
    flat = np.full(len(closes), np.nan)
    no = np.zeros(len(closes), bool)
    rules = FactorRules(RiskFactor(half_life_bars=HALF_LIFE), 1.0, 1.0)
    path = factor_path(rules, FactorInputs(closes, closes, closes, no, flat, flat, flat))
    ours = Volatility()
    for number, close in enumerate(closes):
        ours.take(float(close), 60_000_000 * (number + 1))
    assert math.sqrt(ours.variance) == pytest.approx(path.volatility[-1], rel=1e-12)
    assert ours.usual == pytest.approx(path.usual[-1], rel=1e-12)


def test_a_hole_or_another_bar_size_is_no_turmoil_of_itself():
    """Of a change over n times the time, the square counts a n-th."""
    dice, ours, price, ts = random.Random(3), Volatility(), 100.0, 1
    for number in range(2_000):
        minutes = 60 if number > 1_000 or number % 97 == 0 else 5
        price *= math.exp(0.001 * math.sqrt(minutes) * dice.gauss(0, 1))
        ts += minutes * 60_000_000
        ours.take(price, ts)
        assert ours.ratio < 3.0
    assert math.sqrt(ours.variance) == pytest.approx(0.001, rel=0.3)


def test_the_book_is_measured_where_it_moves_and_a_flat_one_says_nothing():
    turmoil, bars = Turmoil(), ()
    for number in range(3 * CALM):
        is_held = number % 3 == 0
        turmoil.see(number * 300_000_000, bars, 10_000.0 + (number % 2 if is_held else 0))
    assert 0.0 < turmoil.ratio("") < 3.0
    known = turmoil.ratio("")
    last = turmoil.equity.value
    for number in range(3 * CALM, 4 * CALM):
        turmoil.see(number * 300_000_000, bars, last)
    assert turmoil.ratio("") == known
    turmoil.see(4 * CALM * 300_000_000, bars, last * 1.05)
    assert turmoil.ratio("") > 10.0


@pytest.mark.parametrize("kill_at", range(1, 50, 2))
def test_a_process_that_ends_anywhere_leaves_a_halted_book(kit, kill_at):
    plan = [(HALF, NAN)] * 3 + [(NAN, 2000)] * 3
    desk = _desk(kit, plan, [100.0] * 3 + [30.0], drawdown=0.3)
    desk.doom.at = kill_at
    while (done := len(_kinds(desk, BarReady))) < 6:
        try:
            desk.run(6 - done)
        except desk.Killed:
            continue
    assert len(_kinds(desk, BreakerTripped)) == len(_kinds(desk, TradingHalted)) == 1
    assert desk.session.state.halted
    assert [(o["ticket"].symbol, o["ticket"].side) for o in desk.venue.orders] == [
        ("SOLUSDT", OrderSide.BUY)
    ]
    assert _is_replayed(desk)
