"""The day's availability as an asset, from the journal that a real executor has written."""

from __future__ import annotations

import dagster as dg

from trading_assets.defs.assets.slo import slo_checks, slo_report
from trading_assets.defs.resources import DeskResource
from trading_assets.domain.events import BarReady


def test_a_day_is_materialised_and_checked(rig, monkeypatch):
    process = rig.start()
    rig.until(lambda: rig.count(BarReady) >= 3, "bars")
    rig.stop(process)
    for name, value in rig.environ.items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [slo_report, slo_checks],
            instance=instance,
            partition_key="2024-04-01",
            resources={"desk": DeskResource()},
        )
        assert result.success
        (event,) = result.asset_materializations_for_node("slo_report")
        report = event.metadata["demo"].value
        (check,) = result.get_asset_check_evaluations()
    assert report["good"] > 0
    assert check.passed is (event.metadata["levels"].value["demo"] == "NORMAL")
