"""Further runs of a candidate, and a decision that rests on them."""

import json
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest.variants import dearer, neighbours, with_capital
from trading_assets.domain.errors import ConfigurationError, CorruptFile
from trading_assets.evaluation.daily_returns import returns_since
from trading_assets.workflows import examine_run as examining
from trading_assets.workflows.decide import decide, recompute
from trading_assets.workflows.examine_run import examine_run
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.run_plan import plan_any
from trading_assets.workflows.simulate_run import simulate
from trading_assets.workflows.strategy_specs import find_spec
from trading_assets.workflows.trial_ledger import read_trials, trials_of_family


@pytest.fixture
def spec(desk):
    return find_spec(desk.settings, "ema_trend")


@pytest.fixture
def examined(desk, spec):
    return examine_run(desk, spec, run_backtest(desk, spec).run)


def sharpe_of(desk, spec, start):
    log = simulate(desk, plan_any(desk, spec)).result.log
    found = returns_since(
        log.ts, log.equity, opening=log.opening_equity, start=start, per_year=365.0
    )
    return found.moments.sharpe


def test_figures_are_those_of_runs_of_such_specs(desk, spec, examined):
    document = examined.document
    start = desk.runs.current("ema_trend").manifest["oos_start"]
    twice = dearer(spec, fees=Decimal(2), prices=Decimal(3))
    assert (twice.costs.fees_bps, twice.costs.slippage_bps) == (20, 9)
    assert document["stressed"]["costs x2 and slippage x3"] == sharpe_of(desk, twice, start)
    assert document["stressed"]["costs x2 and slippage x3"] < document["unimpaired"]
    assert document["stressed"]["orders a bar late"] != document["unimpaired"]
    slower = neighbours(spec, 0.1)["slow +"]
    assert slower.params["slow"] == 40
    assert document["neighbours"]["slow +"] == sharpe_of(desk, slower, start)
    assert {"fast -", "fast +", "slow -", "slow +"} <= set(document["neighbours"])


def test_more_capital_moves_prices_more(examined):
    points = examined.document["capacity"]
    shares = [point["participation_pct"] for point in points]
    assert shares == sorted(shares)
    assert points[0]["amount"] == 100_000
    assert points[-1]["sharpe"] < points[0]["sharpe"]


def test_holding_is_the_mean_of_what_symbols_did(desk, examined):
    table = examined.returns()
    start = desk.runs.current("ema_trend").manifest["oos_start"]
    bars = {
        symbol: pl.concat(
            [desk.tables.read("bars_5m", symbol, m) for m in desk.tables.months("bars_5m", symbol)]
        )
        for symbol in desk.settings.symbols
    }
    ends = []
    for frame in bars.values():
        before = frame.filter(pl.col("ts").dt.epoch("us") < start)["close"][-1]
        ends.append(frame["close"][-1] / before)
    grown = (1.0 + table["buy_and_hold"]).product()
    assert grown == pytest.approx(sum(ends) / len(ends))


def test_an_examination_is_made_once(desk, spec, examined, monkeypatch):
    monkeypatch.setattr(examining, "lay_out", None)
    again = examine_run(desk, spec, desk.runs.current("ema_trend"))
    assert (again.address, again.evidence()) == (examined.address, examined.evidence())


def test_neighbours_that_are_no_strategy_are_said(spec):
    narrow = spec.model_copy(update={"params": {**spec.params, "fast": 1}})
    found = neighbours(narrow, 0.1)
    assert isinstance(found["fast -"], ConfigurationError)
    assert found["fast +"].params["fast"] == 2


def test_a_neighbour_that_does_not_fit_its_instrument_is_none(desk):
    spec = find_spec(desk.settings, "ib_risk1")
    found = examine_run(desk, spec, run_backtest(desk, spec).run).document["neighbours"]
    assert {"reward_risk +", "trend_bars -"} <= set(found)
    assert not {"tick +", "tick -"} & set(found)


def test_bars_without_volume_have_no_capacity(desk, spec, monkeypatch):
    run = run_backtest(desk, spec).run
    lay_out = examining.lay_out

    def without_volume(*values):
        laid = lay_out(*values)
        bars = replace(laid.bars, volume=np.full_like(laid.bars.volume, np.nan))
        return replace(laid, bars=bars)

    monkeypatch.setattr(examining, "lay_out", without_volume)
    assert examine_run(desk, spec, run).document["capacity"] == []


def test_further_runs_are_entered_and_are_no_further_try(desk, spec, examined):
    purposes = Counter(row["purpose"] for row in read_trials(desk.settings.data_root))
    assert purposes["neighbour"] == len(examined.document["neighbours"])
    assert purposes["stress"] >= 3 + len(examined.document["capacity"]) - 1
    assert trials_of_family(desk.settings.data_root, "ema_trend").n == 1


def test_what_financing_pays_is_not_made_more_of(spec):
    paid = spec.model_copy(
        update={"costs": spec.costs.model_copy(update={"swap_long_bps": Decimal("-1.5")})}
    )
    assert dearer(paid, fees=Decimal(2), prices=Decimal(3)).costs.swap_long_bps == Decimal("-1.5")


def test_amounts_grow_with_the_capital(desk):
    fixed = find_spec(desk.settings, "ib_fixed1")
    larger = with_capital(fixed, Decimal(10))
    assert (larger.cash, larger.sizing.qty) == (fixed.cash * 10, fixed.sizing.qty * 10)


def test_a_candidate_that_passes_the_cheap_rules_is_examined_and_recomputed(desk):
    run_backtest(desk, find_spec(desk.settings, "ema_trend"))
    run_backtest(desk, find_spec(desk.settings, "ib_risk1"))
    decision = decide(desk, "paper")
    entries = {entry["spec"]: entry for entry in decision.document["inputs"]["candidates"]}
    assert entries["ema_trend"]["examination"]
    assert entries["ib_risk1"]["examination"] is None  # the venue lacks its orders
    rules = {rule["rule"]: rule for rule in decision.rules}
    assert rules["stressed"]["passed"] is not None
    assert rules["superior_ability"]["passed"]
    assert rules["deflated_sharpe"]["value"]["trials"] == 1
    assert recompute(desk, decision.decision_id).payload == decision.payload

    folder = desk.examinations.get(entries["ema_trend"]["examination"]).folder
    path = folder / "examination.json"
    document = json.loads(path.read_bytes())
    path.write_bytes(json.dumps({**document, "unimpaired": 9.0}).encode())
    with pytest.raises(CorruptFile, match=r"examination\.json"):
        recompute(desk, decision.decision_id)
