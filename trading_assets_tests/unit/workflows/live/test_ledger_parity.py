"""A ledger beside a backtest's: equal, different, or parted by what no backtest knows."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from trading_assets.domain.bar import Bar
from trading_assets.domain.control import StrategyLimits
from trading_assets.domain.events import BarReady, SignalRow, TradingHalted
from trading_assets.domain.strategy_events import StrategyStopped, StrategyTightened
from trading_assets.engine.machine import Machine
from trading_assets.live.translation import matrices_from_bar
from trading_assets.storage.release_store import Release
from trading_assets.strategies.spec import parse_spec
from trading_assets.workflows.ledger_parity import LedgerAgain
from trading_assets.workflows.release_parts import session_setup
from trading_assets_tests.stand_ins.tiny_venue import BAR, SOL, START

SPEC = (
    "name: mine\nstrategy: ema_trend\nsymbols: [SOLUSDT]\ncash: 1000\n"
    "sizing: {mode: fixed, qty: 1}\n"
)


@pytest.fixture(scope="module")
def release():
    spec = parse_spec(SPEC, where="test")
    return Release("0123456789abcdef", "paper", Path(), {}, spec, (SOL,))


@pytest.fixture
def setup(release):
    place = SimpleNamespace(name="x", settings=SimpleNamespace(account="x"))
    return session_setup(place, release)


def bars(setup):
    for number, target in enumerate((1.0, 1.0, 0.0, 0.0)):
        ts = START + number * BAR
        values = (target, *(float("nan"),) * (setup.signal_columns - 1))
        bar = Bar(SOL.symbol, ts, 100.0 + number, 110.0, 90.0, 100.5, 9.0, 900.0, 3)
        yield BarReady(ts, (bar,), (SignalRow(SOL.symbol, ts, values, "row"),))


def live_machine(release, setup, **costs):
    """Give an engine that has done the bars, as a book's would, with these costs."""
    engine = release.spec.engine_setup(release.instruments)
    machine = Machine(replace(engine, costs=replace(engine.costs, **costs)))
    for event in bars(setup):
        rows = matrices_from_bar(event, {SOL.symbol: 0}, setup.signal_places, setup.signal_columns)
        machine.pass_bar(event.ts, *rows)
    return machine


def verdict(release, setup, machine, events):
    again = LedgerAgain(lambda _: (setup, release), release.release_id)
    again.take(events)
    return again.verdict(machine)


def test_the_same_ledger_is_equal(release, setup):
    machine = live_machine(release, setup)
    assert len(machine.fills) == 2
    assert verdict(release, setup, machine, bars(setup)) == "equal"


def test_another_fill_differs_and_names_what(release, setup):
    machine = live_machine(release, setup, slippage_bps=Decimal(1))
    assert verdict(release, setup, machine, bars(setup)) == "differs: fills, equity, balances"


def test_what_a_backtest_does_not_know_disturbs(release, setup):
    machine = live_machine(release, setup, slippage_bps=Decimal(1))
    halted = TradingHalted(START + 7, "said so")
    found = verdict(release, setup, machine, [halted, *bars(setup)])
    assert found == f"disturbed: TradingHalted at {START + 7}"

    late = [replace(event, late=True) for event in bars(setup)]
    assert verdict(release, setup, machine, late) == f"disturbed: a late bar at {START}"


@pytest.mark.parametrize(
    "said",
    [
        StrategyStopped(START + 7, "mine", "earnings", "ann"),
        StrategyTightened(START + 7, "mine", StrategyLimits(Decimal("0.5"))),
    ],
)
def test_what_people_said_of_a_strategy_disturbs(release, setup, said):
    machine = live_machine(release, setup, slippage_bps=Decimal(1))
    found = verdict(release, setup, machine, [said, *bars(setup)])
    assert found == f"disturbed: {type(said).__name__} at {START + 7}"


def test_what_was_disturbed_and_is_the_same_is_equal(release, setup):
    machine = live_machine(release, setup)
    halted = TradingHalted(START + 7, "said so")
    assert verdict(release, setup, machine, [halted, *bars(setup)]) == "equal"
