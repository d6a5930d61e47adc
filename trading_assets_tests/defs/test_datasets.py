"""Data sets follow their tables: frozen again when rows have changed, and only then."""

from __future__ import annotations

import dagster as dg
import pytest

from trading_assets.definitions import defs
from trading_assets.defs.assets.market_data import bars_5m, dataset_bars_5m
from trading_assets.defs.sensors import follow_tables

KEY = "2024-03|BTCUSDT"


class Daemon:
    """Evaluates the conditions as the daemon does, and keeps its cursor."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.cursor = dg.evaluate_automation_conditions(defs, instance).cursor

    def requests(self) -> int:
        result = dg.evaluate_automation_conditions(defs, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        return result.get_num_requested(dataset_bars_5m.key)

    def publish(self, version: str) -> None:
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(
                bars_5m.key, partition=KEY, tags={"dagster/data_version": version}
            )
        )

    def freeze(self) -> None:
        self.instance.report_runless_asset_event(dg.AssetMaterialization(dataset_bars_5m.key))


@pytest.fixture
def daemon(instance: dg.DagsterInstance) -> Daemon:
    return Daemon(instance)


def test_a_changed_month_asks_for_the_data_set_once(daemon: Daemon) -> None:
    daemon.publish("a")
    assert daemon.requests() == 1
    assert daemon.requests() == 0


def test_a_month_that_came_out_as_before_asks_for_nothing(daemon: Daemon) -> None:
    daemon.publish("a")
    daemon.requests()
    daemon.publish("a")
    assert daemon.requests() == 0


def test_a_data_set_that_was_frozen_in_the_same_run_is_not_asked_for_again(
    daemon: Daemon,
) -> None:
    daemon.publish("a")
    daemon.freeze()
    assert daemon.requests() == 0


def test_the_sensor_looks_at_data_sets_only_and_is_on() -> None:
    targets = follow_tables.asset_selection.resolve(defs.resolve_asset_graph())
    assert {key.path[0] for key in targets} == {"dataset"}
    assert follow_tables.default_status is dg.DefaultSensorStatus.RUNNING
