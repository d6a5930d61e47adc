"""Costs that change on the way: every bar is charged by those in force when it opens."""

import hashlib
from dataclasses import replace
from decimal import Decimal

import pytest

from trading_assets import Backtest, Sweep
from trading_assets.backtest.runner import run
from trading_assets.backtest.segments import breaks, holes
from trading_assets.backtest.space import varied
from trading_assets.backtest.variants import dearer, with_impact
from trading_assets.domain.bar import MINUTE
from trading_assets.domain.errors import ConfigurationError, DataError
from trading_assets.domain.setup import Costs
from trading_assets.engine.machine import Machine
from trading_assets.strategies.spec import parse_spec, spec_of
from trading_assets.strategies.spec_sections import CostsSpec
from trading_assets_tests.unit.backtest import swept

MINUTES = list(range(5, 65, 5))
WISHES = {5: 1.0, 15: 0.0, 25: 1.0, 35: 0.0, 45: 1.0}
DEAR = Costs(taker_bps=Decimal(100), half_spread_bps=Decimal(50), impact_bps=Decimal(7))


def test_bars_before_a_change_are_as_they_were_to_the_byte(setup, bars_at, targets):
    bars = bars_at(MINUTES)
    signals = targets(bars, WISHES)
    plain = run(setup, bars, signals, max_hole=0)
    later = replace(setup, later_costs=((30 * MINUTE, DEAR),))

    changed = run(later, bars, signals, max_hole=0)

    before = int((plain.fills["ts"] < 30 * MINUTE).sum())
    assert before == 2
    assert changed.fills[:before].tobytes() == plain.fills[:before].tobytes()
    assert changed.equity[:5].tobytes() == plain.equity[:5].tobytes()
    first = changed.fills[before]  # at the open of the very bar from which the costs hold
    assert first["ts"] == 30 * MINUTE
    assert first["price"] == pytest.approx(102.0 * (1 + 0.0057))  # all of the bar's volume
    assert first["fee"] == pytest.approx(first["notional"] * 0.01, abs=1)


def test_costs_known_within_a_bar_count_from_the_next(setup, bars_at, targets):
    bars = bars_at(MINUTES)
    signals = targets(bars, WISHES)

    def after(instant):
        return run(replace(setup, later_costs=((instant, DEAR),)), bars, signals, max_hole=0)

    assert after(30 * MINUTE + 1).equity.tobytes() == after(35 * MINUTE).equity.tobytes()
    assert after(30 * MINUTE).equity.tobytes() != after(35 * MINUTE).equity.tobytes()
    plain = run(setup, bars, signals, max_hole=0)
    assert after(61 * MINUTE).fills.tobytes() == plain.fills.tobytes()  # after the last bar


def test_costs_from_before_the_first_bar_are_the_only_ones(setup, bars_at, targets):
    bars = bars_at(MINUTES)
    signals = targets(bars, WISHES)
    always = run(replace(setup, costs=DEAR), bars, signals, max_hole=0)
    later = run(replace(setup, later_costs=((1, DEAR),)), bars, signals, max_hole=0)
    assert later.fills.tobytes() == always.fills.tobytes()
    assert later.equity.tobytes() == always.equity.tobytes()


def test_data_end_at_the_costs_of_their_last_bar(setup, bars_at, targets):
    bars = bars_at([5, 10, 15, 120, 125])
    signals = targets(bars, {5: 1.0})
    known = holes(bars, 60 * MINUTE)
    stops = breaks(bars.ts, known, ((100 * MINUTE, DEAR),))
    assert [(stop.row, stop.costs) for stop in stops] == [(3, None), (3, DEAR)]
    log = run(
        replace(setup, later_costs=((100 * MINUTE, DEAR),)), bars, signals, max_hole=60 * MINUTE
    )
    assert log.fills[-1]["price"] == bars.close[0, 2] * (1 - 0.0005)


def test_later_costs_are_proven_before_the_first_bar(setup, bars_at, targets):
    with pytest.raises(ConfigurationError, match="taker"):
        Machine(replace(setup, later_costs=((1, Costs(taker_bps=Decimal(-1))),)))
    bars = bars_at(MINUTES)
    bars.volume[0, 7] = float("nan")
    with pytest.raises(DataError, match="volume"):
        run(
            replace(setup, later_costs=((50 * MINUTE, DEAR),)),
            bars,
            targets(bars, WISHES),
            max_hole=0,
        )


def test_what_a_setup_is_depends_on_its_later_costs(setup):
    one, other = (
        Machine(replace(setup, later_costs=((since, DEAR),))).fixed.setup_hash for since in (1, 2)
    )
    assert len({one, other, Machine(setup).fixed.setup_hash}) == 3


def test_trials_of_a_sweep_change_their_costs_as_single_runs_do():
    values = {**swept.SPEC, "costs": {"fees_bps": 5, "measured": "paper"}}
    plain, bars = spec_of(values, where="test"), swept.bars()
    half = round(bars["ts"][len(bars) // 2].timestamp()) * 1_000_000
    dear = CostsSpec.model_validate({"fees_bps": 30, "half_spread_bps": 4})
    later = plain.model_copy(update={"costs": plain.costs.with_later(((half, dear),))})
    space, grid = {"fast": [2, 6], "sizing.qty": ["0.25", "0.5"]}, {"tick": "0.01", "lot": "0.001"}

    trials = Sweep(later, bars, space, **grid).run().trials

    for trial in trials:
        log = Backtest(varied(later, trial.params), bars, **grid).run().log
        assert trial.fills_hash == hashlib.sha256(log.fills.tobytes()).hexdigest()
        assert trial.state_hash == log.final_state_hash
    unchanged = {trial.fills_hash for trial in Sweep(plain, bars, space, **grid).run().trials}
    assert unchanged.isdisjoint(trial.fills_hash for trial in trials)
    refused = varied(later, {"costs.half_spread_bps": 1})
    assert isinstance(refused, ConfigurationError)


def test_variants_of_a_spec_change_its_later_costs_too():
    text = (
        "name: mine\nstrategy: ema_trend\nsymbols: [SOLUSDT]\ncash: 1000\n"
        "sizing: {mode: fixed, qty: 1}\ncosts: {fees_bps: 2.0, slippage_bps: 0.5, measured: paper}"
    )
    spec = parse_spec(text, where="test")
    measured = CostsSpec.model_validate({"maker_bps": 1, "taker_bps": 4, "half_spread_bps": 3})
    bound = spec.model_copy(update={"costs": spec.costs.with_later(((9, measured),))})

    ((since, costs),) = dearer(bound, fees=Decimal(2), prices=Decimal(3)).costs.later
    assert (since, costs.maker, costs.taker, costs.half_spread_bps) == (9, 2, 8, 9)
    ((_, costs),) = with_impact(bound, Decimal(1)).costs.later
    assert (costs.sqrt_impact, costs.half_spread_bps) == (1, 3)
    assert bound.spec_hash == spec.spec_hash
    assert bound.canonical_yaml() == spec.canonical_yaml()
