"""One true version per key: what Dagster does with the events that we report."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from trading_assets.defs.partition_events import (
    CheckEvents,
    Finding,
    PartitionEvents,
    Version,
    check_each,
    report_each,
)
from trading_assets.defs.partitions import range_tags

ONE_RUN = dg.BackfillPolicy.single_run()
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def months_from(start: str) -> dg.MonthlyPartitionsDefinition:
    return dg.MonthlyPartitionsDefinition(
        start_date=start, end_date="2025-01", fmt="%Y-%m", timezone="UTC"
    )


def grid_from(start: str) -> dg.MultiPartitionsDefinition:
    symbols = dg.StaticPartitionsDefinition(["AAAUSDT", "BBBUSDT"])
    return dg.MultiPartitionsDefinition({"month": months_from(start), "symbol": symbols})


def a_hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@dataclass
class World:
    """A graph like ours on content that a test can change: bars, features, dataset, model, run."""

    instance: dg.DagsterInstance
    start: str = "2023-01"
    content: dict[str, str] = field(default_factory=dict)
    failing: str = ""
    code_version: str = "1"

    def row_hash(self, key: str) -> str:
        if key == self.failing:
            raise RuntimeError(f"no bars for {key}")
        return a_hash(key, self.content.get(key, "as it was"))

    def definitions(self) -> dg.Definitions:
        partitions, months = grid_from(self.start), months_from(self.start)
        grid: dict[str, Any] = {"partitions_def": partitions, "backfill_policy": ONE_RUN}

        @dg.asset(**grid, code_version=self.code_version)
        def bars(context: dg.AssetExecutionContext) -> PartitionEvents:
            yield from report_each(context, lambda key: Version(self.row_hash(key), {"rows": 1}))

        @dg.asset(**grid, deps=[bars], code_version="1")
        def features(context: dg.AssetExecutionContext) -> PartitionEvents:
            yield from report_each(context, lambda key: Version(a_hash(self.row_hash(key))))

        @dg.asset(deps=[features], code_version="1")
        def dataset() -> dg.MaterializeResult[Any]:
            merkle = a_hash([self.row_hash(key) for key in partitions.get_partition_keys()])
            return dg.MaterializeResult(data_version=dg.DataVersion(merkle))

        @dg.asset(deps=[dataset], partitions_def=months, backfill_policy=ONE_RUN, code_version="1")
        def model(context: dg.AssetExecutionContext) -> PartitionEvents:
            yield from report_each(context, lambda key: Version(a_hash(key)))

        by_month = dg.AssetDep(
            model, partition_mapping=dg.MultiToSingleDimensionPartitionMapping("month")
        )

        @dg.asset(**grid, deps=[features, by_month], code_version="1")
        def forecasts(context: dg.AssetExecutionContext) -> PartitionEvents:
            yield from report_each(context, lambda key: Version(a_hash(self.row_hash(key), 2)))

        @dg.asset(deps=[dataset], code_version="1")
        def backtest() -> dg.MaterializeResult[Any]:
            return dg.MaterializeResult(data_version=dg.DataVersion("result"))

        checks = [
            dg.AssetCheckSpec(name, asset=bars, blocking=blocking, partitions_def=partitions)
            for name, blocking in (("is_sane", True), ("is_fresh", False))
        ]

        @dg.multi_asset_check(specs=checks, can_subset=True)
        def bars_checks(context: dg.AssetCheckExecutionContext) -> CheckEvents:
            yield from check_each(
                context,
                checks,
                lambda key: [
                    Finding("is_sane", self.content.get(key) != "insane"),
                    Finding("is_fresh", passed=False, severity=dg.AssetCheckSeverity.WARN),
                ],
            )

        assets = [bars, features, dataset, model, forecasts, backtest]
        return dg.Definitions(assets=assets, asset_checks=[bars_checks])

    def run(self, *names: str, first: str = "", last: str = "") -> dg.ExecuteInProcessResult:
        definitions = self.definitions()
        return dg.materialize(
            [*definitions.assets, *definitions.asset_checks],
            selection=dg.AssetSelection.assets(*names),
            tags=range_tags(first, last) if first else {},
            instance=self.instance,
            raise_on_error=False,
            run_config=QUIET,
        )

    def run_all(self) -> None:
        grid_ends = {"first": f"{self.start}|AAAUSDT", "last": "2024-12|BBBUSDT"}
        assert self.run("bars", "features", **grid_ends).success
        assert self.run("dataset").success
        assert self.run("model", first=self.start, last="2024-12").success
        assert self.run("forecasts", **grid_ends).success
        assert self.run("backtest").success


@pytest.fixture
def world(instance: dg.DagsterInstance) -> World:
    return World(instance)


@pytest.fixture
def stale(world: World, stale_keys: Callable[[dg.Definitions], Any]) -> Callable[[], Any]:
    return lambda: stale_keys(world.definitions())


YEAR = {"first": "2023-01|BBBUSDT", "last": "2023-12|BBBUSDT"}


def test_twelve_months_run_again_with_one_changed_leave_one_stale_child(
    world: World, stale: Callable[[], Any]
) -> None:
    world.run_all()
    assert stale() == {}

    world.content["2023-05|BBBUSDT"] = "restated"
    assert world.run("bars", **YEAR).success

    assert stale() == {"features": ["2023-05|BBBUSDT"]}


def test_dagster_alone_would_call_all_twelve_children_stale(
    instance: dg.DagsterInstance, stale_keys: Callable[[dg.Definitions], Any]
) -> None:
    """Why this file exists; when it fails, Dagster can version keys by itself."""
    version = ["first"]

    @dg.asset(partitions_def=grid_from("2023-01"), backfill_policy=ONE_RUN, code_version="1")
    def bars() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(data_version=dg.DataVersion(version[0]))

    @dg.asset(
        partitions_def=grid_from("2023-01"), backfill_policy=ONE_RUN, code_version="1", deps=[bars]
    )
    def features() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult()

    tags = range_tags(*YEAR.values())
    dg.materialize([bars, features], tags=tags, instance=instance, run_config=QUIET)
    version[0] = "second"
    dg.materialize(
        [bars, features], tags=tags, instance=instance, selection=[bars], run_config=QUIET
    )

    assert len(stale_keys(dg.Definitions(assets=[bars, features]))["features"]) == 12


@pytest.mark.slow
def test_sixty_months_of_two_symbols_with_one_changed_make_models_and_backtests_stale_only(
    world: World, stale: Callable[[], Any]
) -> None:
    world.start = "2020-01"
    world.run_all()
    world.content["2023-05|BBBUSDT"] = "restated"

    whole = {"first": "2020-01|AAAUSDT", "last": "2024-12|BBBUSDT"}
    assert world.run("bars", "features", **whole).success
    assert world.run("dataset").success

    found = stale()
    assert found.pop("forecasts") == ["2023-05|BBBUSDT"]  # its own features changed
    assert found == {"model": list(months_from("2020-01").get_partition_keys()), "backtest": [None]}


@pytest.mark.slow
def test_a_child_that_is_run_again_is_fresh_again(world: World, stale: Callable[[], Any]) -> None:
    world.run_all()
    world.content["2023-05|BBBUSDT"] = "restated"
    world.run("bars", **YEAR)
    one = {"first": "2023-05|BBBUSDT", "last": "2023-05|BBBUSDT"}
    world.run("features", **one)
    assert stale() == {"dataset": [None], "forecasts": ["2023-05|BBBUSDT"]}


@pytest.mark.slow
def test_a_model_trained_again_to_the_same_bits_leaves_forecasts_fresh(
    world: World, stale: Callable[[], Any]
) -> None:
    world.run_all()
    world.content["2023-01|AAAUSDT"] = "restated"
    world.run("dataset")
    assert "model" in stale()
    world.run("model", first="2023-01", last="2024-12")
    assert stale() == {"backtest": [None]}


def test_new_code_makes_its_own_keys_stale(world: World, stale: Callable[[], Any]) -> None:
    world.run_all()
    world.code_version = "2"
    assert set(stale()) == {"bars"}


def test_each_key_has_one_event_with_its_own_version(world: World) -> None:
    result = world.run("bars", **YEAR)
    events = result.get_asset_materialization_events()
    keys = [str(event.partition) for event in events]
    assert keys == [f"2023-{month:02d}|BBBUSDT" for month in range(1, 13)]
    versions = [event.materialization.tags["dagster/data_version"] for event in events]
    assert versions == [world.row_hash(key) for key in keys]


def test_a_key_that_did_not_change_repeats_its_version(world: World) -> None:
    world.run("bars", **YEAR)
    again = world.run("bars", **YEAR).get_asset_materialization_events()
    assert len(again) == 12
    assert again[0].materialization.tags["dagster/data_version"] == world.row_hash(
        "2023-01|BBBUSDT"
    )


def test_a_single_key_is_reported_alike(world: World, instance: dg.DagsterInstance) -> None:
    world.run("bars", first="2024-03|AAAUSDT", last="2024-03|AAAUSDT")
    result = dg.materialize(
        list(world.definitions().assets),
        selection=dg.AssetSelection.assets("features"),
        partition_key="2024-03|AAAUSDT",
        instance=instance,
        run_config=QUIET,
    )
    (event,) = result.get_asset_materialization_events()
    tags = event.materialization.tags
    assert event.partition == "2024-03|AAAUSDT"
    assert tags["dagster/input_data_version/bars"] == world.row_hash("2024-03|AAAUSDT")


def test_when_one_key_fails_those_before_it_stand(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.failing = "2023-04|BBBUSDT"
    result = world.run("bars", **YEAR)
    assert not result.success
    assert instance.get_materialized_partitions(dg.AssetKey("bars")) == {
        f"2023-0{month}|BBBUSDT" for month in (1, 2, 3)
    }


def test_checks_are_evaluated_key_by_key(world: World) -> None:
    world.content["2023-02|BBBUSDT"] = "insane"
    result = world.run("bars", **YEAR)
    verdicts = {
        (evaluation.check_name, evaluation.partition): evaluation.passed
        for evaluation in result.get_asset_check_evaluations()
    }
    assert len(verdicts) == 24
    assert [
        key for (name, key), passed in verdicts.items() if name == "is_sane" and not passed
    ] == ["2023-02|BBBUSDT"]


def test_a_failed_blocking_check_stops_what_is_downstream(world: World) -> None:
    world.content["2023-02|BBBUSDT"] = "insane"
    result = world.run("bars", "features", **YEAR)
    assert not result.success
    assert {
        str(event.asset_key.path[0]) for event in result.get_asset_materialization_events()
    } == {"bars"}


def test_a_check_points_at_the_materialization_that_it_judged(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.run("bars", **YEAR)
    key = dg.AssetCheckKey(dg.AssetKey("bars"), "is_sane")
    infos = list(instance.event_log_storage.get_asset_check_partition_info([key]))
    assert len(infos) == 12
    for info in infos:
        assert (
            info.latest_target_materialization_storage_id == info.latest_materialization_storage_id
        )


def test_a_run_of_selected_checks_leaves_the_others_out(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.run("bars", **YEAR)
    definitions = world.definitions()
    result = dg.materialize(
        [*definitions.assets, *definitions.asset_checks],
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("bars"), "is_sane")),
        tags=range_tags("2023-01|BBBUSDT", "2023-03|BBBUSDT"),
        instance=instance,
        run_config=QUIET,
    )
    evaluations = result.get_asset_check_evaluations()
    assert {evaluation.check_name for evaluation in evaluations} == {"is_sane"}
    assert len(evaluations) == 3
