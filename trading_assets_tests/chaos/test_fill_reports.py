"""A day of a real executor at a real exchange: its fills beside those of the engine's own rules."""

from __future__ import annotations

import threading
from datetime import date

import dagster as dg
import pytest

from trading_assets.defs.assets import live
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.events import OrderFilled
from trading_assets.workflows.fill_differences import fill_differences
from trading_assets.workflows.run_live import run_live

DAY = "2024-04-01"


@pytest.mark.slow
def test_fills_of_the_exchange_are_what_the_rules_expect(rig, monkeypatch):
    for name, value in rig.environ.items():
        monkeypatch.setenv(name, value)
    run_live(rig.desk, "demo", stop=threading.Event(), max_bars=10)
    filled = {e.fill.client_order_id for e in rig.events() if isinstance(e, OrderFilled)}

    report = fill_differences(rig.desk, "demo", date.fromisoformat(DAY))
    compared = {row.client_order_id for row in report.rows}
    assert len(filled) > 3
    assert filled <= compared
    both = [row for row in report.rows if row.bps is not None]
    assert all(row.expected_quantity == row.quantity for row in both)
    assert max(abs(row.bps) for row in both) < 200
    assert {row.strategy for row in report.slippage} == {"eager"}

    with dg.DagsterInstance.ephemeral() as instance:
        assets = [*live.LIVE_RUNS, live.live_fill_differences, live.live_fill_checks]
        result = dg.materialize(
            assets, instance=instance, partition_key=DAY, resources={"desk": DeskResource()}
        )
        metadata = result.asset_materializations_for_node("live_fill_differences")[0].metadata
        (check,) = result.get_asset_check_evaluations()

    assert metadata["demo orders"].value == len(report.rows)
    assert len(metadata["demo fills"].value.records) == len(report.rows)
    assert "plot" in metadata["demo bps"].value
    assert check.passed is not bool(report.failures)
