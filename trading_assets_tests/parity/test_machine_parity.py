"""Whole loop, bar by bar, cut anywhere and restored, in another process: equal bytes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from trading_assets.domain.order import OrderSide, OrderType
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.machine import Machine
from trading_assets.engine.signals import SignalMatrix

FAMILIES = list(SignalFamily)


def logs(*machines):
    """Join what one or several machines in a row have logged."""
    names = ("fills", "round_trips", "equity_curve", "financing_log")
    joined = [b"".join(getattr(m, name).tobytes() for m in machines) for name in names]
    closed = b"".join(m.orders[m.orders["state"] != 0].tobytes() for m in machines[:-1])
    refusals = tuple(r for m in machines for r in m.refusal_log)
    return (*joined, len(closed), refusals)


def ended(*machines):
    """All orders by id as their last owner knows them."""
    rows = np.concatenate([m.orders[m.orders["state"] != 0] for m in machines[:-1]]
                          + [machines[-1].orders])  # fmt: skip
    return rows[np.argsort(rows["id"], kind="stable")].tobytes()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("margin", [True, False])
@pytest.mark.parametrize("rich", [False, True])
def test_bar_by_bar_is_the_loop(world, family, margin, rich):
    setup, bars, signals = world(11, family, margin=margin, rich=rich)
    loop, steps = Machine(setup), Machine(setup)
    loop.run(bars, signals)

    for t in range(len(bars)):
        steps.step(bars, signals, t)

    assert len(loop.fills) > 20
    assert (len(loop.financing_log) > 0) == (rich and margin)
    assert (len(loop.atomic_fills) < len(loop.fills)) == rich
    assert steps.snapshot() == loop.snapshot()
    assert logs(steps) == logs(loop)
    assert steps.orders.tobytes() == loop.orders.tobytes()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("margin", [True, False])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("rich", [False, True])
def test_cut_anywhere_and_restored_is_the_loop(world, family, margin, seed, rich):
    setup, bars, signals = world(seed, family, margin=margin, rich=rich)
    loop = Machine(setup)
    loop.run(bars, signals)
    cuts = sorted(np.random.default_rng(seed).integers(0, len(bars), 25).tolist())

    parts = [Machine(setup)]
    reached = 0
    for cut in [*cuts, len(bars)]:
        parts[-1].run(bars, signals, reached, cut)
        reached = cut
        parts.append(Machine.restore(setup, parts[-1].snapshot()))

    assert parts[-1].snapshot() == loop.snapshot()
    assert logs(*parts)[:4] == logs(loop)[:4]
    assert logs(*parts)[-1] == loop.refusal_log
    assert ended(*parts) == loop.orders.tobytes()


CHILD = """
import sys
sys.path[:0] = [{folder!r}, {root!r}]
import conftest
from trading_assets.domain.setup import SignalFamily
from trading_assets.engine.machine import Machine
setup, bars, signals = conftest.world.__wrapped__()({seed}, SignalFamily({family}))
machine = Machine.restore(setup, sys.stdin.buffer.read())
machine.run(bars, signals, {cut})
sys.stdout.buffer.write(machine.snapshot() + machine.fills.tobytes())
"""


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_another_process_goes_on_with_the_same_bytes(world, family):
    setup, bars, signals = world(5, family)
    loop = Machine(setup)
    loop.run(bars, signals)
    first = Machine(setup)
    first.run(bars, signals, 0, 200)
    folder, root = str(Path(__file__).parent), str(Path(__file__).parents[2])
    script = CHILD.format(folder=folder, root=root, seed=5, family=int(family), cut=200)

    child = subprocess.run(
        [sys.executable, "-c", script], input=first.snapshot(), capture_output=True, check=True
    )

    later = loop.fills[len(first.fills) :]
    assert child.stdout == loop.snapshot() + later.tobytes()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_run_twice_is_the_same_run(world, family):
    setup, bars, signals = world(3, family)
    one, two = Machine(setup), Machine(setup)
    one.run(bars, signals)
    two.run(bars, signals)

    assert one.state_hash() == two.state_hash()
    assert logs(one) == logs(two)


@pytest.mark.parametrize("columns", [1, 2])
def test_columns_of_a_target_that_say_nothing_need_not_be_there(world, columns):
    setup, bars, signals = world(9, SignalFamily.TARGET, rich=True)
    values = signals.values.copy()
    values[..., columns:] = np.nan
    whole, short = Machine(setup), Machine(setup)
    whole.run(bars, SignalMatrix(SignalFamily.TARGET, values))
    short.run(bars, SignalMatrix(SignalFamily.TARGET, values[..., :columns]))

    assert len(whole.orders) > 20
    assert short.snapshot() == whole.snapshot()
    assert logs(short) == logs(whole)


def test_the_live_path_fed_with_the_simulations_fills_decides_the_same(world):
    """Live has no matching of its own: what it decides depends on fills and closes alone."""
    setup, bars, signals = world(7, SignalFamily.TARGET)
    simulated = Machine(setup)
    simulated.run(bars, signals)
    live = Machine(setup)
    fills = list(simulated.fills)
    decided = []
    for t, ts in enumerate(bars.ts.tolist()):
        while fills and fills[0]["ts"] == ts:
            f = fills.pop(0)
            live.on_fill(
                int(f["order_id"]), int(f["lots"]), float(f["price"]), int(f["fee"]),
                bool(f["fee_in_base"]), ts,
            )  # fmt: skip
        row = np.stack([c[:, t] for c in (bars.open, bars.high, bars.low, bars.close, bars.volume)])
        decided += live.on_close(ts, row.T, signals.values[:, t])

    assert [(o.order_id, o.lots, o.leg) for o in decided] == [
        (o["id"], o["lots"], o["leg"]) for o in simulated.orders
    ]
    assert live.equity_curve.tobytes() == simulated.equity_curve.tobytes()
    assert live.balances() == simulated.balances()
    assert live.round_trips.tobytes() == simulated.round_trips.tobytes()
    assert live.verdicts == simulated.verdicts


@pytest.mark.parametrize("family", [SignalFamily.TARGET, SignalFamily.BRACKET])
@pytest.mark.parametrize("symbols", [1, 3])
def test_coasting_over_quiet_bars_leaves_the_same_marks(world, family, symbols):
    """An order that never fills forces every bar through matching and deciding."""
    setup, bars, signals = world(4, family, symbols=symbols + 1, length=900)
    quiet = SignalMatrix(family, np.where(np.arange(900)[None, :, None] % 50 < 2, signals.values,
                                          np.nan))  # fmt: skip
    quiet.values[-1] = np.nan
    coasted, stepped = Machine(setup), Machine(setup)
    coasted.run(bars, quiet)
    start = int(np.flatnonzero(~np.isnan(bars.close[-1]))[0]) + 1
    stepped.run(bars, quiet, 0, start)
    never = stepped.submit(symbols, OrderSide.BUY, OrderType.LIMIT, 1_000_000, limit_ticks=1)
    assert isinstance(never, int)

    stepped.run(bars, quiet, start)

    assert len(coasted.fills) > 5
    assert stepped.equity_curve.tobytes() == coasted.equity_curve.tobytes()
    assert stepped.max_drawdown == coasted.max_drawdown
    assert stepped.balances() == coasted.balances()
    assert stepped.round_trips["pnl"].tolist() == coasted.round_trips["pnl"].tolist()
