"""The factor over time: the engine's own, bar by bar, and what research adds to it."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.ids import symbol_from_text
from trading_assets.domain.instrument import Instrument
from trading_assets.domain.setup import (
    Account,
    AccountProfile,
    EngineSetup,
    RiskFactor,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.risk.factor_path import (
    FactorInputs,
    FactorRules,
    factor_path,
    reason_names,
)

RULES = FactorRules(RiskFactor(half_life_bars=12), 0.8, 0.05)


def _inputs(n=400, seed=3, **known):
    draw = np.random.default_rng(seed)
    sigma = np.where(np.arange(n) // 100 == 2, 0.02, 0.003)
    close = 100 * np.exp(np.cumsum(draw.normal(size=n) * sigma))
    unknown = np.full(n, np.nan)
    values = {"confidence": unknown, "drawdown": unknown, "turbulence": unknown} | known
    return FactorInputs(close * 1.004, close * 0.995, close, np.zeros(n, bool), **values)


def _names(path):
    return [reason_names(int(code)) for code in path.reasons]


def test_it_is_the_engines_own_factor_on_the_same_bars():
    n = 400
    confidence = np.random.default_rng(5).uniform(0.4, 0.9, n)
    inputs = _inputs(n, confidence=confidence)
    instrument = Instrument(symbol_from_text("AAAUSDT"), "AAA", "USDT", Decimal("0.01"),
                            Decimal("0.001"))  # fmt: skip
    made = EngineSetup(
        (instrument,),
        Account("USDT", Decimal(1_000_000), AccountProfile.MARGIN),
        SignalFamily.TARGET,
        Sizing(SizingMode.FIXED, qty=Decimal(6000)),
        risk_factor=RULES.own,
    )
    prices = [each[None, :] for each in (inputs.close, inputs.high, inputs.low, inputs.close)]
    bars = BarMatrix(np.arange(1, n + 1) * 300_000_000, *prices, np.ones((1, n)))
    signals = np.full((1, n, 3), np.nan)
    signals[0, :, 0] = np.where(np.arange(n) % 2, 1.0, -1.0)
    signals[0, :, 2] = confidence
    machine = Machine(made)
    drawdown = []
    for row in range(n):
        machine.run(bars, SignalMatrix(SignalFamily.TARGET, signals), row, row + 1)
        drawdown.append(machine.drawdown)
    path = factor_path(RULES, replace(inputs, drawdown=np.array(drawdown)))
    log = {
        int(row["ts"]): (float(row["factor"]), int(row["reasons"])) for row in machine.factor_log
    }
    assert len(log) > 20
    assert {reason for _, code in log.values() for reason in reason_names(code)} == {
        "low_confidence",
        "drawdown",
        "high_volatility",
    }
    now = (1.0, 0)
    for row in range(n):
        now = log.get((row + 1) * 300_000_000, now)
        assert (path.factor[row], path.reasons[row]) == now


def test_the_seeds_numbers():
    n = 400
    path = factor_path(RULES, _inputs(n, confidence=np.full(n, 0.59)))
    assert path.factor[50] == 0.8
    assert reason_names(int(path.reasons[50])) == ("low_confidence",)
    loud = factor_path(RULES, _inputs(n))
    assert set(loud.factor) == {1.0, 0.6}
    assert all(found in ((), ("high_volatility",)) for found in _names(loud))
    both = (loud.volatility > 2 * loud.usual) & (loud.volatility > 0)
    assert np.array_equal(both, loud.factor == 0.6)
    deep = factor_path(RULES, _inputs(n, drawdown=np.full(n, 0.0501)))
    assert deep.factor.min() == 0.5 * 0.6
    at = factor_path(RULES, _inputs(n, drawdown=np.full(n, 0.05), confidence=np.full(n, 0.6)))
    assert np.array_equal(at.factor, loud.factor)


def test_a_turbulent_regime_counts_as_high_volatility_once():
    n = 400
    alone = factor_path(RULES, _inputs(n, turbulence=np.full(n, 0.81)))
    assert set(alone.factor) == {0.6}
    assert {len(found) for found in _names(alone)} == {1, 2}
    assert all("turbulent_regime" in found for found in _names(alone))
    below = factor_path(RULES, _inputs(n, turbulence=np.full(n, 0.8)))
    assert np.array_equal(below.factor, factor_path(RULES, _inputs(n)).factor)


def test_a_miscalibrated_confidence_counts_as_a_low_one_once():
    n = 30
    for error, expected in ((None, ()), (0.05, ()), (0.0501, ("miscalibrated",))):
        path = factor_path(RULES, replace(_inputs(n), calibration_error=error))
        assert _names(path)[-1] == expected
        assert path.factor[-1] == (0.8 if expected else 1.0)
    low = replace(_inputs(n, confidence=np.full(n, 0.1)), calibration_error=0.2)
    assert factor_path(RULES, low).factor[-1] == 0.8


def test_the_past_is_forgotten_after_a_hole():
    inputs = _inputs()
    begins = np.zeros(400, bool)
    begins[150] = True
    holed = factor_path(RULES, replace(inputs, begins=begins))
    cut = {name: getattr(inputs, name)[150:] for name in (
        "high", "low", "close", "begins", "confidence", "drawdown", "turbulence"
    )}  # fmt: skip
    alone = factor_path(RULES, FactorInputs(**cut))
    assert np.array_equal(holed.volatility[150:], alone.volatility)
    assert np.array_equal(holed.factor[150:], alone.factor)


def test_later_bars_change_nothing_before_them():
    inputs = _inputs()
    names = ("high", "low", "close", "begins", "confidence", "drawdown", "turbulence")
    head = FactorInputs(**{name: getattr(inputs, name)[:250] for name in names})
    assert np.array_equal(factor_path(RULES, inputs).factor[:250], factor_path(RULES, head).factor)


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(DataError, match="differ in length"):
        factor_path(RULES, replace(_inputs(), confidence=np.zeros(3)))
    with pytest.raises(DataError, match="calibration error"):
        factor_path(RULES, replace(_inputs(), calibration_error=1.5))
    wrong = replace(RULES, own=replace(RULES.own, confidence_factor=Decimal(-1)))
    with pytest.raises(ConfigurationError, match="confidence_factor"):
        factor_path(wrong, _inputs())
