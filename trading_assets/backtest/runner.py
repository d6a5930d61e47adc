"""Runs of the machine over history."""

from __future__ import annotations

from collections.abc import Sequence

from trading_assets.backtest.run_log import RunLog
from trading_assets.backtest.segments import Break, Hole, breaks, holes
from trading_assets.domain.ids import Micros
from trading_assets.domain.setup import AnySetup
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets.market.sessions import Sessions


def run(
    setup: AnySetup,
    bars: BarMatrix,
    signals: SignalMatrix,
    *,
    max_hole: Micros,
    sessions: Sequence[Sessions | None] = (),
) -> RunLog:
    """Run a setup over bars and their signals.

    Where a symbol misses more than `max_hole` of trading time (see `segments.holes`), its orders
    are cancelled and its position is closed at the last close before, with reason `segment_end`;
    it starts again, flat, after the hole. Account and logs go on through all segments. What is
    open after the last bar stays open and is marked to its close.

    Raises:
        DataError: if bars, signals and setup do not fit each other.
        ConfigurationError: if the setup is inconsistent.
    """
    return run_segments(setup, bars, signals, holes(bars, max_hole, sessions))


def run_segments(
    setup: AnySetup, bars: BarMatrix, signals: SignalMatrix, known: tuple[Hole, ...]
) -> RunLog:
    """Do the same with the holes already found (see `segments.holes`)."""
    return log_of(run_machine(setup, bars, signals, known), bars, known)


def run_machine(
    setup: AnySetup, bars: BarMatrix, signals: SignalMatrix, known: tuple[Hole, ...]
) -> Machine:
    """Run a machine over bars and their signals, and give it as it stands after the last bar."""
    machine = Machine(setup)
    reached = 0
    for stop in breaks(bars.ts, known, setup.later_costs):
        machine.run(bars, signals, reached, stop.row)
        reached = stop.row
        pass_break(machine, stop)
    machine.run(bars, signals, reached)
    return machine


def pass_break(machine: Machine, stop: Break) -> None:
    """Do what happens between two bars."""
    if stop.symbol_index is not None:
        machine.end_segment(stop.symbol_index)
    if stop.costs is not None:
        machine.charge(stop.costs)


def log_of(machine: Machine, bars: BarMatrix, known: tuple[Hole, ...]) -> RunLog:
    """Take down what a machine has done."""
    return RunLog(
        setup=machine.setup,
        bars=bars,
        equity=machine.equity_curve,
        fills=machine.fills,
        ended_orders=machine.ended_orders,
        working_orders=machine.working_orders,
        round_trips=machine.round_trips,
        verdicts=machine.verdicts,
        refusals=machine.refusals,
        refusal_log=machine.refusal_log,
        positions=machine.positions(),
        balances=machine.balances(),
        fees=machine.fees,
        max_drawdown=machine.max_drawdown,
        holes=known,
        final_state_hash=machine.state_hash(),
        financing=machine.financing_log,
        verdicts_by_tag=machine.verdicts_by_tag,
        factors=machine.factor_log,
    )
