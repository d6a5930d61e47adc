"""A month without trading is reported empty, with its reason; one that is merely missing fails."""

# No postponed annotations here: Dagster reads the types of arguments.
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
from trading_assets.defs.partitions import ONE_RUN, range_tags
from trading_assets.domain.errors import MissingPartition, NotTraded

BEFORE, LISTED = "2024-01|AAAUSDT", "2024-02|AAAUSDT"
MONTHS = dg.MonthlyPartitionsDefinition(
    start_date="2024-01", end_date="2024-03", fmt="%Y-%m", timezone="UTC"
)
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass
class World:
    """Raw months that the vendor knows to be before the listing, and bars made of what is there."""

    instance: dg.DagsterInstance
    raw: set[str] = field(default_factory=lambda: {LISTED})
    before_listing: set[str] = field(default_factory=lambda: {BEFORE})

    def fetch(self, key: str) -> Version:
        if key in self.before_listing:
            raise NotTraded("AAAUSDT has no bars", found="its first bar in 2024-02")
        return Version("bytes")

    def publish(self, key: str) -> Version:
        if key not in self.raw:
            raise MissingPartition(f"no raw bars for {key}")
        return Version("rows")

    def run(self) -> dg.ExecuteInProcessResult:
        symbols = dg.StaticPartitionsDefinition(["AAAUSDT"])
        keys = dg.MultiPartitionsDefinition({"month": MONTHS, "symbol": symbols})
        grid: dict[str, Any] = {"partitions_def": keys, "backfill_policy": ONE_RUN}

        @dg.asset(**grid, code_version="1")
        def raw(context: dg.AssetExecutionContext) -> PartitionEvents:
            yield from report_each(context, self.fetch)

        @dg.asset(**grid, deps=[raw], code_version="1")
        def bars(context: dg.AssetExecutionContext) -> PartitionEvents:
            yield from report_each(context, self.publish)

        specs = [dg.AssetCheckSpec("is_sane", asset=bars, blocking=True, partitions_def=keys)]

        @dg.multi_asset_check(specs=specs, can_subset=True)
        def checks(context: dg.AssetCheckExecutionContext) -> CheckEvents:
            yield from check_each(context, specs, self.judge)

        return dg.materialize(
            [raw, bars, checks],
            tags=range_tags(BEFORE, LISTED),
            instance=self.instance,
            raise_on_error=False,
            run_config=QUIET,
        )

    def judge(self, key: str) -> list[Finding]:
        self.publish(key)
        return [Finding("is_sane", passed=True, description=f"looked at {key}")]

    def reason(self, asset: str, key: str) -> str:
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[key])
        (record,) = self.instance.fetch_materializations(wanted, limit=1).records
        assert record.asset_materialization is not None
        value = record.asset_materialization.metadata.get("not_traded")
        return str(value.value) if value else ""


@pytest.fixture
def world(instance: dg.DagsterInstance) -> World:
    return World(instance)


def test_what_the_source_knows_to_be_unlisted_is_empty_down_the_graph(world: World) -> None:
    result = world.run()
    assert result.success
    assert world.reason("raw", BEFORE).startswith("AAAUSDT has no bars; found its first bar")
    assert world.reason("bars", BEFORE) == f"{BEFORE} of raw is empty: its symbol was not traded"
    assert [world.reason(asset, LISTED) for asset in ("raw", "bars")] == ["", ""]
    verdicts = {e.partition: e for e in result.get_asset_check_evaluations()}
    assert verdicts[BEFORE].passed
    assert "nothing to judge" in (verdicts[BEFORE].description or "")
    assert verdicts[LISTED].description == f"looked at {LISTED}"


def test_a_month_that_is_missing_for_another_reason_fails(world: World) -> None:
    world.before_listing, world.raw = set(), {LISTED}
    assert not world.run().success


def test_a_month_that_turns_out_to_be_traded_is_published(world: World) -> None:
    assert world.run().success
    world.before_listing, world.raw = set(), {BEFORE, LISTED}
    assert world.run().success
    assert world.reason("bars", BEFORE) == ""
