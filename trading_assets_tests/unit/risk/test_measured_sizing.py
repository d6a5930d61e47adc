"""Sizes by range, volatility and odds, against a plain computation beside the engine."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    EngineSetup,
    FillRules,
    RiskFactor,
    SignalFamily,
    SizeAt,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.records.codes import FactorReason, Verdict
from trading_assets.records.terms import terms_from_setup
from trading_assets.risk.measured_sizing import atr_based_size, vol_target_scale

STEP = 300_000_000
BARS = 30
CASH = 1_000_000.0


def market(symbols=1, seed=3, bars=BARS, width=0.01):
    rng = np.random.default_rng(seed)
    scale = np.arange(1, symbols + 1)[:, None] * width
    closes = np.round(100 * np.exp(np.cumsum(rng.normal(0, 1, (symbols, bars)) * scale, 1)), 2)
    highs = np.round(closes * 1.004, 2)
    lows = np.round(closes * 0.995, 2)
    ts = np.arange(1, bars + 1) * STEP
    return BarMatrix(ts, closes, highs, lows, closes, np.ones_like(closes))


def setup(sizing, symbols=1, **changes):
    grid = (Decimal("0.01"), Decimal("0.001"))
    names = [f"{c * 3}USDT" for c in "ABC"[:symbols]]
    instruments = tuple(Instrument(symbol_from_text(n), n[:3], "USDT", *grid) for n in names)
    account = Account("USDT", Decimal(int(CASH)), AccountProfile.MARGIN)
    return EngineSetup(instruments, account, SignalFamily.TARGET, sizing, **changes)


def decide(made, bars, at, target=1.0, confidence=np.nan, stop=None):
    """Run with one target per symbol, at bar `at`; give the machine after `stop` bars."""
    values = np.full((bars.symbols, len(bars), 3), np.nan)
    values[:, at, 0] = target
    values[:, at, 2] = confidence
    machine = Machine(made)
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, values), 0, stop or at + 1)
    return machine


def ordered(machine):
    return machine.working_orders["lots"].tolist()


def wilder(bars, n):
    before = bars.close[0, :-1]
    ranges = np.maximum(bars.high[0, 1:], before) - np.minimum(bars.low[0, 1:], before)
    atr = ranges[:n].mean()
    for value in ranges[n:]:
        atr += (value - atr) / n
    return atr


def halving(closes, half_life):
    """Give the volatility at every close that knows it, by plain loops."""
    changes = closes[1:] / closes[:-1] - 1.0
    variance, found = 0.0, []
    for n, change in enumerate(changes, 1):
        weight = max(1 / n, 1 - 2 ** (-1 / half_life))
        variance += weight * (change**2 - variance)
        if n >= half_life:
            found.append(variance**0.5)
    return np.array(found)


def test_atr_sizing_loses_its_risk_at_a_stop_of_so_many_ranges():
    bars = market()
    sizing = Sizing(SizingMode.ATR, risk_pct=Decimal(1), atr_bars=5, stop_mult=Decimal(2))
    (lots,) = ordered(decide(setup(sizing), bars, BARS - 1))

    assert lots == pytest.approx(0.01 * CASH / (2 * wilder(bars, 5)) / 0.001, abs=1)
    assert lots // 1000 == atr_based_size(CASH, 100, wilder(bars, 5), 1.0, 2.0)


def test_volatility_targeting_scales_a_bar_to_a_year():
    bars = market()
    sizing = Sizing(
        SizingMode.VOL_TARGET, target_vol_pct=Decimal(20), half_life_bars=6, bars_per_year=1000
    )
    (lots,) = ordered(decide(setup(sizing), bars, BARS - 1, target=-1.0))
    sigma = halving(bars.close[0], 6)[-1] * 1000**0.5
    exposure = vol_target_scale(0.2, sigma, 1.0)

    assert exposure < 1
    assert lots == pytest.approx(exposure * CASH / bars.close[0, -1] / 0.001, abs=1)


def test_risk_parity_shares_by_inverse_volatility():
    bars = market(symbols=3)
    sizing = Sizing(SizingMode.RISK_PARITY, pos_pct=Decimal(90), half_life_bars=6)
    lots = ordered(decide(setup(sizing, symbols=3), bars, BARS - 1))
    inverse = np.array([1 / halving(closes, 6)[-1] for closes in bars.close])
    values = np.array(lots) * 0.001 * bars.close[:, -1]

    assert values == pytest.approx(0.9 * CASH * inverse / inverse.sum(), abs=1.0)


@pytest.mark.parametrize(
    ("sizing", "known"),
    [
        (Sizing(SizingMode.ATR, risk_pct=Decimal(1), atr_bars=5), 5),
        (Sizing(SizingMode.VOL_TARGET, target_vol_pct=Decimal(9), half_life_bars=7), 7),
        (Sizing(SizingMode.RISK_PARITY, pos_pct=Decimal(9), half_life_bars=7), 7),
    ],
)
def test_nothing_is_sized_by_what_is_not_known_yet(sizing, known):
    early = decide(setup(sizing), market(), known - 1)

    (refusal,) = early.refusal_log
    assert (refusal.rule, refusal.limit, refusal.was) == ("no_volatility", known, known - 1)
    assert early.verdicts[Verdict.NO_VOLATILITY] == 1
    assert ordered(decide(setup(sizing), market(), known))


def test_a_measured_size_is_capped_by_its_part_of_equity():
    sizing = Sizing(SizingMode.ATR, risk_pct=Decimal(100), atr_bars=2, max_pos_pct=Decimal(25))
    (lots,) = ordered(decide(setup(sizing), market(), 10))

    assert lots == pytest.approx(0.25 * CASH / market().close[0, 10] / 0.001, abs=1)


KELLY = Sizing(SizingMode.KELLY, win_rate_pct=Decimal(60), payoff=Decimal(2), kelly_pct=Decimal(50))


def test_kelly_takes_its_part_of_the_declared_edge():
    (lots,) = ordered(decide(setup(KELLY), market(), 0))

    assert lots == pytest.approx(0.5 * (0.6 - 0.4 / 2) * CASH / market().close[0, 0] / 0.001, abs=1)
    no_edge = decide(setup(replace(KELLY, payoff=Decimal("0.6"))), market(), 0)
    assert no_edge.refusal_log[0].rule == "no_edge"


def test_kelly_learns_the_odds_of_its_own_round_trips():
    made = setup(replace(KELLY, kelly_min_trips=3, kelly_pct=Decimal(100)))
    prices = np.array([[100.0, 100, 110, 110, 99, 99, 118.8, 118.8, 118.8]])
    bars = BarMatrix(np.arange(1, 10) * STEP, *[prices] * 4, np.ones_like(prices))
    values = np.full((1, 9, 3), np.nan)
    # long 100 to 110, long 110 to 99, long 99 to 118.8: two wins of 10 and 20, one loss of 10 %
    values[0, :8, 0] = [1, 0, 1, 0, 1, 0, np.nan, 1]
    machine = Machine(made)
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, values))

    book = machine._state.books[0]
    assert (book["trips"], book["won_trips"]) == (3, 2)
    assert (book["won"], book["lost"]) == (pytest.approx(0.3), pytest.approx(0.1))
    fraction = 2 / 3 - (1 / 3) / (0.15 / 0.1)
    order = machine.orders[-1]
    before = float(machine.equity_curve[7])
    assert order["lots"] == pytest.approx(fraction * before / 118.8 / 0.001, abs=1)


FACTOR = RiskFactor(half_life_bars=3)
FIXED = Sizing(SizingMode.FIXED, qty=Decimal(10))


def test_low_confidence_makes_an_entry_smaller_and_says_so():
    made = setup(FIXED, risk_factor=FACTOR)
    for confidence, lots in ((0.59, 8_000), (0.6, 10_000), (np.nan, 10_000)):
        machine = decide(made, market(), 20, confidence=confidence)
        assert ordered(machine) == [lots]
        changes = [(int(r["ts"]), r["factor"], r["reasons"]) for r in machine.factor_log]
        expected = [(21 * STEP, 0.8, FactorReason.LOW_CONFIDENCE)]
        assert changes == (expected if lots == 8_000 else [])


def test_drawdown_and_high_volatility_multiply():
    prices = np.full((1, 20), 100.0)
    prices[0, 1:12] = 100 + 0.1 * (np.arange(11) % 2)
    prices[0, 12:] = 90.0  # a loss of 10 percent, and by far the largest move so far
    bars = BarMatrix(np.arange(1, 21) * STEP, *[prices] * 4, np.ones_like(prices))
    values = np.full((1, 20, 3), np.nan)
    values[0, 0, 0], values[0, 12, 0], values[0, 13, 0] = 1.0, 0.0, 1.0
    sizing = Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(100))
    machine = Machine(setup(sizing, risk_factor=FACTOR))
    machine.run(bars, SignalMatrix(SignalFamily.TARGET, values), 0, 14)

    (lots,) = ordered(machine)
    assert machine.drawdown > 0.05
    assert machine.factor_log["factor"].tolist() == [0.3]
    both = FactorReason.DRAWDOWN | FactorReason.HIGH_VOLATILITY
    assert machine.factor_log["reasons"].tolist() == [both]
    assert lots == pytest.approx(0.3 * machine.equity / 90 / 0.001, abs=1)


def test_what_is_held_is_not_made_smaller():
    values = np.full((1, BARS, 3), np.nan)
    values[0, 5:, 0] = 1.0
    values[0, 10:, 2] = 0.1
    machine = Machine(setup(FIXED, risk_factor=FACTOR))
    machine.run(market(), SignalMatrix(SignalFamily.TARGET, values))

    assert machine.positions()[0].lots == 10_000
    assert len(machine.orders) == 1


def test_after_a_hole_volatility_is_not_known():
    sizing = Sizing(SizingMode.VOL_TARGET, target_vol_pct=Decimal(9), half_life_bars=4)
    values = np.full((1, BARS, 3), np.nan)
    values[0, 12, 0] = 1.0
    machine = Machine(setup(sizing))
    signals = SignalMatrix(SignalFamily.TARGET, values)
    machine.run(market(), signals, 0, 10)
    machine.end_segment(0)
    machine.run(market(), signals, 10)

    assert machine.refusal_log[0].rule == "no_volatility"


@pytest.mark.parametrize(
    ("sizing", "changes", "said"),
    [
        (Sizing(SizingMode.KELLY), {}, "begins with declared odds"),
        (KELLY, {"rules": FillRules(size_at=SizeAt.FILL)}, "those of the decision"),
        (FIXED, {"risk_factor": FACTOR, "rules": FillRules(size_at=SizeAt.FILL)}, "the decision"),
        (FIXED, {"risk_factor": RiskFactor(drawdown_factor=Decimal(2))}, "makes entries smaller"),
        (Sizing(SizingMode.ATR, atr_bars=0), {}, "mean over no bars"),
        (
            Sizing(SizingMode.RISK_PARITY, pos_pct=Decimal(9), half_life_bars=7),
            {"risk_factor": FACTOR},
            "one volatility",
        ),
    ],
)
def test_combinations_that_say_nothing_are_refused(sizing, changes, said):
    with pytest.raises(ConfigurationError, match=said):
        terms_from_setup(setup(sizing, **changes))


@pytest.mark.parametrize("bad", [(0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, -1.0)])
def test_pure_functions_refuse_what_has_no_answer(bad):
    with pytest.raises(ValueError, match="above 0"):
        atr_based_size(1000.0, 100.0, *bad)
    with pytest.raises(ValueError, match="above 0"):
        vol_target_scale(0.2, 0.0, 1.0)
    assert vol_target_scale(0.2, 0.1, 4.0) == 0.5
    assert atr_based_size(10_000.0, 50.0, 2.0, 10.0) == 1  # 50 of risk, 30 a unit
