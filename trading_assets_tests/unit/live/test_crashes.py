"""Killed at any boundary between two effects, on a bad network: no order is lost or doubled.

The venue's own record is the judge. Each schedule is a seed: targets, what happens to each
submission, and the effect after which the process dies.
"""

from __future__ import annotations

import math
import random
from decimal import Decimal

import pytest

from trading_assets.domain.events import BarReady
from trading_assets.domain.setup import (
    Account,
    Costs,
    EngineSetup,
    FeeAsset,
    SignalFamily,
    Sizing,
    SizingMode,
)
from trading_assets.engine.machine import Machine
from trading_assets.live.hand_over import MachineFactory

FATES = ("ok", "ok", "partial", "refuse", "lost_request", "lost_answer", "late:2", "late:30")


def _plan(rng, choices=(math.nan, math.nan, 0, 500, 1001, 2000)):
    return [(rng.choice(choices), rng.choice(choices)) for _ in range(8)]


def _live_through(desk, bars):
    """Run until the journal has so many bars, restarting after each kill; count the kills."""
    kills = 0
    while (done := sum(isinstance(e, BarReady) for e in desk.journal.events)) < bars:
        try:
            desk.run(bars - done)
        except desk.Killed:
            kills += 1
    return kills


def _judged(kit, seed, kill_at, **machine):
    rng = random.Random(seed)
    script = [rng.choice(FATES) for _ in range(6)]
    desk = kit.Desk(_plan(rng, **machine.pop("plan", {})), script, kill_at, **machine)
    kills = _live_through(desk, 8)
    desk.plan = [(0, 0), (math.nan, math.nan)]
    return desk, kills + _live_through(desk, 12)


@pytest.mark.parametrize("seed", range(6))
def test_a_kill_after_any_effect_loses_and_doubles_nothing(kit, seed):
    kill_at = 0
    while True:
        kill_at += 1
        desk, kills = _judged(kit, seed, kill_at)
        assert desk.verdicts() == [], f"seed {seed}, killed at effect {kill_at}"
        if not kills:
            break

    assert kill_at > 20


def test_the_engine_itself_is_restored_and_keeps_counting(kit):
    setup = EngineSetup(
        instruments=(kit.SOL, kit.BTC),
        account=Account("USDT", Decimal(10_000)),
        family=SignalFamily.TARGET,
        sizing=Sizing(SizingMode.PCT_OF_EQUITY, pos_pct=Decimal(40), cash_buffer_pct=Decimal(2)),
        costs=Costs(taker_bps=Decimal(10), fee_asset=FeeAsset.RECEIVED),
    )
    real = MachineFactory(lambda: Machine(setup), lambda blob: Machine.restore(setup, blob))
    plan = {"choices": (math.nan, 0, 0.3, 0.7, 1.0)}
    trades = 0
    for kill_at in range(1, 60, 4):
        desk, _ = _judged(kit, kill_at, kill_at, machines=real, columns=3, plan=plan)
        assert desk.verdicts() == [], f"killed at effect {kill_at}"
        desk.session.check_engine()
        trades += len(desk.venue.trades)

    assert trades > 100


@pytest.mark.slow
def test_many_schedules_with_several_kills_each(kit):
    kills = faults = 0
    for seed in range(400):
        rng = random.Random(seed)
        desk = kit.Desk(_plan(rng), [rng.choice(FATES) for _ in range(8)])
        for leg in range(1, rng.randint(2, 5)):
            desk.doom.at = desk.doom.seen + rng.randint(1, 30)
            kills += _live_through(desk, 3 * leg)
        desk.doom.at = 0
        faults += 8 - len(desk.venue.script)
        desk.venue.script = []
        desk.run(6)
        assert desk.verdicts() == [], f"seed {seed}"

    assert kills > 400
    assert faults > 1500
