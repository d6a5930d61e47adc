"""Whoever has used a version is found, and nobody else."""

import dataclasses

from trading_assets.domain.ids import Month
from trading_assets.workflows.blast_radius import BlastRadius, blast_radius
from trading_assets.workflows.decide import decide
from trading_assets.workflows.publish_release import publish_release
from trading_assets.workflows.run_backtest import run_backtest
from trading_assets.workflows.strategy_specs import find_spec

JANUARY, FEBRUARY = Month(2024, 1), Month(2024, 2)
NOBODY = BlastRadius((), (), (), (), ())


def radius(desk, manifest):
    return blast_radius(desk, manifest.address, manifest.version)


def test_a_version_is_followed_to_runs_decisions_and_releases(desk, lay_bars):
    run = run_backtest(desk, find_spec(desk.settings, "ema_trend")).run
    decision = decide(desk, "paper")
    release = publish_release(desk, "paper", decision.decision_id)
    (symbol, *_) = release.spec.symbols
    old = desk.tables.require("bars_5m", symbol, JANUARY)
    found = radius(desk, old)
    assert found == BlastRadius(
        partitions=(),
        models=(),
        backtests=(f"ema_trend {run.run_id[:16]}",),
        decisions=(f"paper {decision.decision_id[:16]}",),
        releases=(f"paper {release.release_id}",),
    )
    lay_bars(desk, symbol, 9)
    new = desk.tables.require("bars_5m", symbol, JANUARY)
    assert new.version != old.version
    assert radius(desk, new) == NOBODY
    assert radius(desk, old) == found


def test_tables_are_followed_through_tables(desk, lay_bars):
    bars = desk.tables.require("bars_5m", "BTCUSDT", JANUARY)
    frame = desk.tables.read_manifest(bars)
    common = {"code_version": "1", "extra": {}}
    first, _ = desk.tables.publish(
        "features_5m",
        "BTCUSDT",
        FEBRUARY,
        frame,
        parents={bars.address: bars.version},
        **common,
    )
    desk.tables.publish(
        "scores", None, FEBRUARY, frame, parents={first.address: first.version}, **common
    )
    desk.tables.publish(
        "features_5m", "SOLUSDT", FEBRUARY, frame, parents={bars.address: "another"}, **common
    )
    found = radius(desk, bars)
    assert found.partitions == ("features_5m/BTCUSDT/2024-02", "scores/2024-02")
    assert dataclasses.replace(found, partitions=()) == NOBODY
