"""Strategies that are asked at every close, on one account with others."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pytest

from trading_assets.domain.intents import TargetIntent
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    EngineSetup,
    FillRules,
    PortfolioSetup,
    SignalFamily,
    Sizing,
    SizingMode,
    StrategySetup,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BRACKET_COLUMNS, BarMatrix, SignalMatrix
from trading_assets.records.codes import Verdict
from trading_assets.strategies.asked import AskedStrategy
from trading_assets_tests.stand_ins.asked import ACTIONS, Restless
from trading_assets_tests.unit.engine.conftest import instrument

STEP = 300_000_000
BARS = 300
ASKED, TARGET, BRACKET = SignalFamily.ON_BAR, SignalFamily.TARGET, SignalFamily.BRACKET
ONE = Sizing(SizingMode.FIXED, qty=Decimal(1))
AAA, BBB = instrument("AAAUSDT"), instrument("BBBUSDT")
COLUMNS = {ASKED: 1, TARGET: 3, BRACKET: len(BRACKET_COLUMNS)}


@dataclass(frozen=True)
class Looker(AskedStrategy):
    """Holds what its mean says; notes what it is shown."""

    bars: int = 3
    seen: ClassVar[list[Any]] = []
    state: ClassVar = (("closes", "f8"), ("n", "i8"))

    @property
    def lookback(self):
        return self.bars

    def on_bar(self, view, state):
        state["closes"] += view.close.mean()
        state["n"] += 1
        self.seen.append((self.bars, str(view.symbol), view.ts, view.close.tolist()))
        mean = state["closes"] / state["n"]
        return [TargetIntent(1.0 if view.price > mean else 0.0)]


def strategy(tag, *instruments, decider=None, family=ASKED, **changes):
    return StrategySetup(tag, instruments or (AAA,), family, ONE, decider=decider, **changes)


def walk(seed):
    """Two symbols; the second misses some bars."""
    rng = np.random.default_rng(seed)
    closes = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, (2, BARS)), axis=1)), 2)
    opens = np.round(closes * np.exp(rng.normal(0, 0.005, closes.shape)), 2)
    high, low = np.maximum(opens, closes) + 0.5, np.minimum(opens, closes) - 0.5
    columns = [opens, high, low, closes, np.full(closes.shape, 50.0)]
    for column in columns:
        column[1, 40:44] = np.nan
    return BarMatrix(np.arange(1, BARS + 1) * STEP, *columns)


def said(rng, family, books, bars):
    """Columns of a strategy, float64 (books, T, F)."""
    values = np.full((books, BARS, COLUMNS[family]), np.nan)
    often = rng.random((books, BARS)) < 0.4
    if family is ASKED:
        values[..., 0] = np.where(often, rng.integers(0, ACTIONS, (books, BARS)), np.nan)
    elif family is TARGET:
        values[..., 0] = np.where(often, rng.choice([-1.0, 0.0, 1.0], (books, BARS)), np.nan)
        values[..., 1] = 2.0
    else:
        close = np.nan_to_num(bars.close[:books], nan=100.0)
        for place, factor in enumerate((1.005, 0.995, 0.99, 1.01)):
            values[..., place] = np.where(often, close * factor, np.nan)
        values[..., 6] = bars.ts + 20 * STEP
    return values


def together(parts):
    """Put the columns of all strategies under each other."""
    width = max(part.shape[2] for part in parts)
    wide = [np.pad(p, ((0, 0), (0, 0), (0, width - p.shape[2])), constant_values=np.nan)
            for p in parts]  # fmt: skip
    return np.concatenate(wide)


def account(cash, *, margin):
    profile = AccountProfile.MARGIN if margin else AccountProfile.SPOT_LONG_ONLY
    return Account("USDT", Decimal(cash), profile)


def world(seed, *, cash=1_000_000, margin=True, rules=None):
    """Four strategies of three families, two of them asked."""
    bars, rng = walk(seed), np.random.default_rng(seed)
    strategies = (
        strategy("moody", AAA, BBB, decider=Restless()),
        strategy("trend", BBB, family=TARGET),
        strategy("looker", BBB, AAA, decider=Looker(bars=3)),
        strategy("breaks", AAA, family=BRACKET),
    )
    parts = [said(rng, s.family, len(s.instruments), bars) for s in strategies]
    parts[2] = parts[2][..., :0]  # it has no columns
    costs = Costs(Decimal(1), Decimal(5), half_spread_bps=Decimal(1), impact_bps=Decimal(20))
    if not margin:
        four = Sizing(SizingMode.FIXED, qty=Decimal(4))
        parts_of = {"sizing": four, "allocation_pct": Decimal(25)}
        strategies = tuple(replace(s, **parts_of) for s in strategies)
    setup = PortfolioSetup(
        account(cash, margin=margin), strategies, costs, rules=rules or FillRules()
    )
    return setup, bars, parts


def run(setup, bars, parts):
    machine = Machine(setup)
    families = {s.family for s in setup.strategies}
    family = families.pop() if len(families) == 1 else None
    machine.run(bars, SignalMatrix(family, together(parts)))
    return machine


def alone(setup, bars, parts, tag):
    """Run one of the strategies by itself."""
    own = setup.strategies[tag]
    symbols = [(AAA, BBB).index(i) for i in own.instruments]
    only = BarMatrix(bars.ts, *(np.ascontiguousarray(c[symbols]) for c in bars.columns[1:]))
    one = EngineSetup(
        own.instruments, setup.account, own.family, own.sizing, setup.costs, rules=setup.rules,
        decider=own.decider, tag=own.tag,
    )  # fmt: skip
    machine = Machine(one)
    machine.run(only, SignalMatrix(own.family, np.ascontiguousarray(parts[tag])))
    return machine


WHAT = ["ts", "lots", "price", "fee", "side", "leg", "position", "maker"]


@pytest.mark.parametrize("seed", [1, 2])
def test_with_cash_enough_each_trades_as_it_does_alone(seed):
    """Fixed sizes, no limits: nothing that is shared binds."""
    setup, bars, parts = world(seed)
    machine = run(setup, bars, parts)

    for tag in range(4):
        lone, shared = alone(setup, bars, parts, tag), machine.fills[machine.fills["tag"] == tag]
        order = np.argsort(shared["ts"], kind="stable")
        assert len(lone.fills) > 20
        for place, own in enumerate(setup.strategies[tag].instruments):
            symbol = [str(i.symbol) for i in setup.instruments].index(own.symbol)
            here = shared[order][shared[order]["symbol"] == symbol]
            there = lone.fills[lone.fills["symbol"] == place]
            assert here[WHAT].tolist() == there[WHAT].tolist()
        counted = {v: n for v, n in machine.verdicts_by_tag[tag].items() if n}
        assert counted == {v: n for v, n in lone.verdicts.items() if n}


def test_each_is_shown_as_many_bars_as_it_looks_back():
    """Two lengths in one memory, and a symbol that misses bars."""
    bars = walk(3)
    strategies = (
        strategy("short", AAA, decider=Looker(bars=2)),
        strategy("long", BBB, AAA, decider=Looker(bars=7)),
    )
    setup = PortfolioSetup(account(1_000_000, margin=True), strategies)
    silent = [np.full((len(s.instruments), BARS, 0), np.nan) for s in strategies]
    Looker.seen.clear()
    run(setup, bars, silent)

    times = {str(s.symbol): bars.ts[~np.isnan(c)] for s, c in zip((AAA, BBB), bars.close,
             strict=True)}  # fmt: skip
    for lookback, symbol, ts, closes in Looker.seen:
        row = 0 if symbol == "AAAUSDT" else 1
        known = bars.close[row][(bars.ts <= ts) & ~np.isnan(bars.close[row])]
        assert closes == known[-lookback:].tolist()
    shown = {(n, s): sum(1 for x in Looker.seen if x[:2] == (n, s)) for n, s in
             ((2, "AAAUSDT"), (7, "BBBUSDT"), (7, "AAAUSDT"))}  # fmt: skip
    assert shown == {
        (n, s): len(times[s]) - n + 1 for n, s in shown
    }  # from the bar on at which it has seen enough


@pytest.mark.parametrize("margin", [True, False])
@pytest.mark.parametrize("participation", ["0", "20"])
def test_bar_by_bar_and_cut_anywhere_give_the_same_bytes(margin, participation):
    rules = FillRules(participation_pct=Decimal(participation))
    setup, bars, parts = world(4, cash=900, margin=margin, rules=rules)
    signals = SignalMatrix(None, together(parts))
    loop = run(setup, bars, parts)
    machine, fills = Machine(setup), []
    for t in range(BARS):
        if t % 37 == 0:
            fills += machine.fills.tolist()
            machine = Machine.restore(setup, machine.snapshot())
        machine.step(bars, signals, t)

    assert len(loop.fills) > 50
    assert machine.snapshot() == loop.snapshot()
    assert fills + machine.fills.tolist() == loop.fills.tolist()
    opportunities = int(sum((~np.isnan(bars.close[row])).sum() for row in (0, 1, 1, 1, 0, 0)))
    counted = {v: n for v, n in loop.verdicts.items() if v is not Verdict.CASH_AT_FILL}
    assert sum(counted.values()) == opportunities


@dataclass(frozen=True)
class Eager(AskedStrategy):
    """Wants to hold from the first bar on."""

    def on_bar(self, view, state):
        return [TargetIntent(1.0)] if view.lots == 0 else []


def test_columns_decide_before_questions_and_questions_in_the_order_of_the_portfolio():
    """Cash for two of three: matched in the order of the books, decided columns first."""
    flat = np.full((1, 4), 100.0)
    bars = BarMatrix(np.arange(1, 5) * STEP, *[flat] * 5)
    strategies = (
        strategy("first", decider=Eager()),
        strategy("second", decider=Eager()),
        strategy("columns", family=TARGET),
    )
    thirds = tuple(replace(s, allocation_pct=Decimal(100)) for s in strategies)
    setup = PortfolioSetup(account(200, margin=True), thirds)
    setup = replace(setup, account=replace(setup.account, leverage=Decimal(1)))
    silent, wish = np.full((1, 4, 1), np.nan), np.full((1, 4, 3), np.nan)
    wish[0, 0, 0] = 1.0

    machine = run(setup, bars, [silent, silent, wish])

    assert [(o["tag"], o["bar_ts"]) for o in machine.orders] == [(2, STEP), (0, STEP)]
    assert {(r.tag, r.rule) for r in machine.refusal_log} == {(1, "initial_margin")}


def test_a_hole_makes_only_the_books_of_its_symbol_begin_anew():
    bars = walk(5)
    strategies = (
        strategy("trend", BBB, family=TARGET),
        strategy("looker", AAA, BBB, decider=Looker(bars=4)),
        strategy("moody", BBB, decider=Restless()),
    )
    setup = PortfolioSetup(account(10_000, margin=True), strategies)
    machine = Machine(setup)
    parts = [np.full((len(s.instruments), BARS, COLUMNS[s.family]), np.nan) for s in strategies]
    machine.run(bars, SignalMatrix(None, together(parts)), 0, 30)
    bbb = [str(i.symbol) for i in setup.instruments].index(BBB.symbol)

    machine.end_segment(bbb)

    memory = machine._state.memory[0]
    assert memory["seen"].tolist() == [30, 0, 0]
    assert memory["own_1"]["n"].tolist() == [27, 0]
    assert memory["own_2"]["asked"].tolist() == [0]
    assert not memory["window"][1:].any()


def test_two_strategies_may_share_a_frozen_object_and_still_have_their_own_memory():
    bars = walk(6)
    same = Looker(bars=3)
    strategies = (strategy("a", AAA, BBB, decider=same), strategy("b", BBB, decider=same))
    setup = PortfolioSetup(account(10_000, margin=True), strategies)
    silent = [np.full((len(s.instruments), BARS, 0), np.nan) for s in strategies]
    machine = run(setup, bars, silent)
    memory = machine._state.memory[0]

    assert memory["own_0"]["n"][1] == memory["own_1"]["n"][0] > 0
    assert machine.fills["tag"].tolist().count(1) > 10
