"""A strategy that is asked: no future, the same path live, the same trades as by columns."""

from dataclasses import replace

import numpy as np
import pytest

from trading_assets.domain.errors import RecoveryError
from trading_assets.domain.setup import FillAt, FillRules, SignalFamily, SizeAt
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import BarMatrix, SignalMatrix
from trading_assets_tests.stand_ins.asked import Follower, Restless

ON_BAR = SignalFamily.ON_BAR


def follower(setup, signals):
    """The same run, with the targets shown to a strategy instead of to the engine."""
    asked = replace(setup, family=ON_BAR, decider=Follower())
    return asked, SignalMatrix(ON_BAR, signals.values)


def changed_after(cut, bars, signals):
    """The same market up to a cut, and three times its prices afterwards."""
    later = np.arange(len(bars)) >= cut
    prices = [np.where(later, column * 3, column) for column in
              (bars.open, bars.high, bars.low, bars.close)]  # fmt: skip
    values = np.where(later[None, :, None], np.roll(signals.values, 1, axis=1), signals.values)
    return BarMatrix(bars.ts, *prices, bars.volume), SignalMatrix(signals.family, values)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_up_to_a_close_depends_on_later_bars(world, seed):
    setup, bars, signals = world(seed, ON_BAR)
    cut = int(np.random.default_rng(seed).integers(50, 350))
    other, other_signals = changed_after(cut, bars, signals)
    one, two = Machine(setup), Machine(setup)

    one.run(bars, signals, 0, cut)
    two.run(other, other_signals, 0, cut)

    assert len(one.fills) > 5
    assert one.snapshot() == two.snapshot()
    assert one.fills.tobytes() == two.fills.tobytes()
    one.run(bars, signals, cut)
    two.run(other, other_signals, cut)
    assert one.snapshot() != two.snapshot()


@pytest.mark.parametrize("margin", [True, False])
def test_targets_wished_for_in_on_bar_trade_as_those_of_the_target_family(world, margin):
    setup, bars, signals = world(21, SignalFamily.TARGET, margin=margin)
    by_columns = Machine(setup)
    by_columns.run(bars, signals)
    asked, columns = follower(setup, signals)
    machine = Machine(asked)

    machine.run(bars, columns)

    assert len(machine.fills) > 20
    assert machine.fills.tobytes() == by_columns.fills.tobytes()
    assert machine.equity_curve.tobytes() == by_columns.equity_curve.tobytes()
    assert machine.verdicts == by_columns.verdicts
    assert machine.refusal_log == by_columns.refusal_log


@pytest.mark.parametrize(
    "rules",
    [
        FillRules(fill_at=FillAt.BAR_CLOSE),
        FillRules(size_at=SizeAt.FILL),
        FillRules(fill_at=FillAt.BAR_CLOSE, size_at=SizeAt.FILL),
    ],
)
def test_conventions_of_other_engines_hold_for_asked_strategies_too(world, rules):
    setup, bars, signals = world(21, SignalFamily.TARGET, margin=True)
    setup = replace(setup, rules=rules)
    by_columns = Machine(setup)
    by_columns.run(bars, signals)
    asked, columns = follower(setup, signals)
    machine = Machine(asked)

    machine.run(bars, columns)

    assert len(machine.fills) > 20
    assert machine.fills.tobytes() == by_columns.fills.tobytes()
    assert machine.equity_curve.tobytes() == by_columns.equity_curve.tobytes()


def test_the_live_path_fed_with_the_simulations_fills_decides_the_same(world):
    setup, bars, signals = world(7, SignalFamily.TARGET)
    setup, signals = follower(setup, signals)
    simulated = Machine(setup)
    simulated.run(bars, signals)
    live, fills, decided = Machine(setup), list(simulated.fills), []
    for t, ts in enumerate(bars.ts.tolist()):
        while fills and fills[0]["ts"] == ts:
            f = fills.pop(0)
            live.on_fill(
                int(f["order_id"]), int(f["lots"]), float(f["price"]), int(f["fee"]),
                bool(f["fee_in_base"]), ts,
            )  # fmt: skip
        if t % 50 == 0:
            live = Machine.restore(setup, live.snapshot())
        row = np.stack([c[:, t] for c in (bars.open, bars.high, bars.low, bars.close, bars.volume)])
        decided += live.on_close(ts, row.T, signals.values[:, t])

    assert [(o.order_id, o.lots, o.leg) for o in decided] == [
        (o["id"], o["lots"], o["leg"]) for o in simulated.orders
    ]
    assert live.snapshot() == simulated.snapshot()


def test_a_snapshot_of_other_parameters_is_refused(world):
    setup, bars, signals = world(1, ON_BAR)
    machine = Machine(setup)
    machine.run(bars, signals)

    with pytest.raises(RecoveryError, match="another setup"):
        Machine.restore(replace(setup, decider=Restless(weight=0.25)), machine.snapshot())


def test_every_opportunity_has_one_verdict(world):
    setup, bars, signals = world(2, ON_BAR)
    machine = Machine(setup)
    machine.run(bars, signals)

    counts = {v.name: n for v, n in machine.verdicts.items() if v.name != "CASH_AT_FILL"}
    assert sum(counts.values()) == int((~np.isnan(bars.close)).sum())
    assert counts["ACCEPTED"] > 50
    assert counts["NO_SIGNAL"] > 50
    assert len(machine.refusal_log) >= sum(machine.refusals.values()) > 10
