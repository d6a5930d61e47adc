"""No entry is decided that takes the account above its caps, whatever is wished for."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.order import TrailBy
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    Costs,
    FillRules,
    Limits,
    PortfolioSetup,
    RiskFactor,
    SignalFamily,
    Sizing,
    SizingMode,
    StrategySetup,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix, together
from trading_assets.records.codes import REDUCE_ONLY, Verdict
from trading_assets_tests.stand_ins.asked import ACTIONS, Restless

STEP = 60_000_000
SYMBOLS, BARS = 3, 30
BOUNDED = settings(max_examples=40, deadline=None, derandomize=True)
INSTRUMENTS = tuple(
    Instrument(symbol_from_text(f"{c * 3}USDT"), c * 3, "USDT", *[Decimal("0.01")] * 2)
    for c in "ABC"
)
CAPS = st.sampled_from([Decimal(0), Decimal(30), Decimal(80), Decimal(150)])


def bars(rng):
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 0.03, (SYMBOLS, BARS)), axis=1))
    opens = closes * np.exp(rng.normal(0, 0.01, closes.shape))
    highs = np.maximum(opens, closes) * 1.01
    lows = np.minimum(opens, closes) * 0.99
    columns = [*(np.round(x, 2) for x in (opens, highs, lows, closes)), np.full_like(closes, 5.0)]
    for symbol, t in zip(rng.integers(0, SYMBOLS, 4), rng.integers(1, BARS, 4), strict=True):
        for column in columns:
            column[symbol, t] = np.nan
    return BarMatrix(np.arange(1, BARS + 1) * STEP, *columns)


def signals(rng, family, matrix):
    if family is SignalFamily.TARGET:
        values = np.full((SYMBOLS, BARS, 3), np.nan)
        values[:, :, 0] = rng.choice([np.nan, -2.0, -0.5, 0.0, 0.5, 1.0], (SYMBOLS, BARS))
        values[:, :, 1] = 2.0
        values[:, :, 2] = rng.choice([np.nan, 0.5, 0.9], (SYMBOLS, BARS))
    elif family is SignalFamily.ON_BAR:
        values = rng.choice([np.nan, *map(float, range(ACTIONS))], (SYMBOLS, BARS, 1))
    else:
        values = np.full((SYMBOLS, BARS, 7), np.nan)
        said = rng.random((SYMBOLS, BARS)) < 0.5
        for place, factor in enumerate((1.01, 0.99, 0.98, 1.02)):
            values[:, :, place] = np.where(said, matrix.close * factor, np.nan)
        values[:, :, 6] = matrix.ts + rng.integers(1, 9, (SYMBOLS, BARS)) * STEP
    return SignalMatrix(family, values)


@st.composite
def worlds(draw):
    """One strategy of any family, or two of any families on one account."""
    families = draw(st.lists(st.sampled_from(list(SignalFamily)), min_size=1, max_size=2))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    limits = Limits(
        max_gross_pct=draw(CAPS),
        max_net_pct=draw(CAPS),
        max_leverage=draw(CAPS) / 100,
        max_position_pct=draw(CAPS),
        max_symbol_notional=draw(CAPS) * 50,
        max_orders_per_minute=draw(st.integers(0, 2)),
    )
    sizing = draw(
        st.sampled_from(
            [
                Sizing(SizingMode.FIXED, qty=Decimal(30)),
                Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(60)),
                Sizing(SizingMode.RISK, risk_pct=Decimal(2), max_pos_pct=Decimal(70)),
                Sizing(SizingMode.ATR, risk_pct=Decimal(2), atr_bars=5),
                Sizing(SizingMode.VOL_TARGET, target_vol_pct=Decimal(900), half_life_bars=4),
                Sizing(
                    SizingMode.KELLY,
                    win_rate_pct=Decimal(60),
                    payoff=Decimal(2),
                    kelly_min_trips=2,
                ),
                Sizing(SizingMode.RISK_PARITY, pos_pct=Decimal(90), half_life_bars=4),
            ]
        )
    )
    account = Account(
        "USDT", Decimal(10_000), AccountProfile.MARGIN, Decimal(draw(st.sampled_from([0, 1, 3])))
    )
    if account.leverage:
        account = replace(account, maintenance_pct=draw(st.sampled_from([Decimal(0), Decimal(30)])))
    factor = draw(st.sampled_from([None, RiskFactor(half_life_bars=4)]))
    rules = FillRules(participation_pct=draw(st.sampled_from([Decimal(0), Decimal(50)])))
    impact = draw(st.sampled_from([Decimal(0), Decimal(40)]))
    costs = Costs(taker_bps=Decimal(5), half_spread_bps=Decimal(1), impact_bps=impact)
    setup = PortfolioSetup(
        account,
        tuple(strategy(place, family, sizing, factor) for place, family in enumerate(families)),
        costs,
        limits,
        rules,
    )
    matrix = bars(rng)
    return setup, matrix, together([signals(rng, family, matrix) for family in families])


def strategy(place, family, sizing, factor):
    """Trade all instruments; exits of brackets and of asked entries trail."""
    trail = TrailBy.NOTHING if family is SignalFamily.TARGET else TrailBy.EXTREME
    return StrategySetup(
        f"s{place}",
        INSTRUMENTS,
        family,
        sizing,
        FillRules(trailing_stop=trail),
        decider=Restless() if family is SignalFamily.ON_BAR else None,
        risk_factor=factor,
    )


def exposure(machine):
    """Measure from outside: per book the value on the long and on the short side, and held."""
    found = []
    for place, position in enumerate(machine.positions()):
        price = position.price if position.lots else 0.0
        sides = {1: max(position.lots, 0) * price, -1: max(-position.lots, 0) * price}
        book = machine._state.books[place]
        for order in book["orders"][: int(book["n_orders"])]:
            if not order["flags"] & REDUCE_ONLY:
                at = next(
                    p for p in (order["limit"], order["stop"], book["price"]) if not np.isnan(p)
                )
                sides[int(order["side"])] += (order["lots"] - order["filled"]) * at
        lot = float(machine.places[place].instrument.lot)
        found.append((sides[1] * lot, sides[-1] * lot, position.lots * price * lot))
    return np.array(found)


def decided_now(machine):
    rows = machine.working_orders
    return rows[(rows["bar_ts"] == machine.ts) & (rows["reduce_only"] == 0)]


@BOUNDED
@given(worlds())
def test_exposure_is_never_above_a_cap_when_an_entry_is_decided(world):
    setup, matrix, wishes = world
    machine, limits = Machine(setup), setup.limits
    for t in range(BARS):
        machine.step(matrix, wishes, t)
        entries = decided_now(machine)
        if not len(entries):
            continue
        long, short, held = exposure(machine).T
        top = machine.equity * (1 + 1e-9)
        gross = np.maximum(long, short).sum()
        sides = {int(side) for side in entries["side"]}
        if limits.max_gross_pct:
            assert gross <= float(limits.max_gross_pct) / 100 * top
        if limits.max_leverage:
            assert gross <= float(limits.max_leverage) * top
        if setup.account.leverage:
            assert gross <= float(setup.account.leverage) * top
        worked = {1: long - np.maximum(held, 0), -1: short - np.maximum(-held, 0)}
        for side in sides if limits.max_net_pct else ():
            net = side * held.sum() + worked[side].sum()
            assert net <= float(limits.max_net_pct) / 100 * top
        for order in entries if len(setup.strategies) == 1 else ():
            value = (long if order["side"] > 0 else short)[order["symbol"]]
            if limits.max_symbol_notional:
                assert value <= float(limits.max_symbol_notional) * (1 + 1e-9)
        if limits.max_orders_per_minute:
            assert len(entries) <= limits.max_orders_per_minute


@BOUNDED
@given(worlds())
def test_reasons_and_decisions_add_up_to_the_opportunities(world):
    setup, matrix, wishes = world
    machine = Machine(setup)
    machine.run(matrix, wishes)

    opportunities = len(setup.strategies) * int(np.count_nonzero(~np.isnan(matrix.close)))
    counts = {v: n for v, n in machine.verdicts.items() if v is not Verdict.CASH_AT_FILL}
    assert sum(counts.values()) == opportunities


@BOUNDED
@given(worlds(), st.integers(1, BARS - 1))
def test_a_cut_anywhere_changes_no_refusal(world, at):
    setup, matrix, wishes = world
    whole = Machine(setup)
    whole.run(matrix, wishes)
    head = Machine(setup)
    head.run(matrix, wishes, 0, at)
    tail = Machine.restore(setup, head.snapshot())
    tail.run(matrix, wishes, at)

    assert tail.state_hash() == whole.state_hash()
    assert [*head.factor_log, *tail.factor_log] == [*whole.factor_log]
    assert repr(head.refusal_log + tail.refusal_log) == repr(whole.refusal_log)  # some was NaN
