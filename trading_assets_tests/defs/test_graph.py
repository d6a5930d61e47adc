"""The graph as people see it: a snapshot, and what holds for every asset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from trading_assets.definitions import defs
from trading_assets.defs.resources import NoPickles
from trading_assets.domain.errors import InvariantError

SNAPSHOT = Path(__file__).with_name("graph.json")
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def node_facts(node: Any) -> dict[str, Any]:
    definition = node.partitions_def
    names = getattr(definition, "partition_dimension_names", None)
    return {
        "group": node.group_name,
        "deps": sorted(key.to_user_string() for key in node.parent_keys),
        "partitions": names or (definition.fmt if definition else None),
        "checks": sorted(key.name for key in node.check_keys),
        "runs": node.is_materializable,
    }


def graph() -> dict[str, Any]:
    found = defs.resolve_asset_graph()
    return {
        key.to_user_string(): node_facts(found.get(key))
        for key in sorted(found.get_all_asset_keys())
    }


def nodes() -> list[Any]:
    found = defs.resolve_asset_graph()
    keys = sorted(found.get_all_asset_keys())
    return [pytest.param(found.get(k), id=k.to_user_string()) for k in keys]


def test_the_graph_is_what_it_was() -> None:
    """After a wanted change, write `graph()` to graph.json and look at the difference."""
    assert graph() == json.loads(SNAPSHOT.read_text())


def test_the_definitions_are_loadable() -> None:
    dg.Definitions.validate_loadable(defs)


@pytest.mark.parametrize("node", nodes())
def test_every_asset_says_what_it_is(node: Any) -> None:
    assert len(node.description) > 20
    assert node.group_name in {
        "vendors",
        "market_data",
        "features",
        "models",
        "backtests",
        "promotion",
        "live",
    }
    assert node.kinds


@pytest.mark.parametrize("node", [n for n in nodes() if n.values[0].is_materializable])
def test_every_asset_has_a_code_version(node: Any) -> None:
    assert node.code_version


@pytest.mark.parametrize("node", nodes())
def test_a_partitioned_asset_is_backfilled_in_one_run(node: Any) -> None:
    if node.is_partitioned:
        assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_every_check_and_job_says_what_it_is() -> None:
    found = defs.resolve_asset_graph()
    assert all(found.get(key).description for key in found.asset_check_keys)
    assert all(job.description for job in defs.resolve_all_job_defs() if job.name[0] != "_")


def test_nobody_carries_values_through_dagster() -> None:
    """Every asset writes through a store; the I/O manager that would pickle is replaced."""
    resources = defs.resources or {}
    assert isinstance(resources["io_manager"], NoPickles)
    assert [name for name in resources if name.endswith("io_manager")] == ["io_manager"]
    for definition in defs.resolve_all_job_defs():
        assert isinstance(definition.resource_defs["io_manager"].resource_fn(None), NoPickles)


def test_a_value_that_an_asset_returns_is_refused(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def careless() -> int:
        return 1

    result = dg.materialize(
        [careless],
        resources={"io_manager": NoPickles()},
        instance=instance,
        run_config=QUIET,
        raise_on_error=False,
    )
    assert not result.success
    assert instance.get_latest_materialization_event(careless.key) is None


def test_the_refusal_says_what_to_do_instead() -> None:
    with pytest.raises(InvariantError, match="values go to a store"):
        NoPickles().handle_output(dg.build_output_context(name="x", step_key="s"), 1)


def test_secrets_are_not_among_the_configuration_of_anything() -> None:
    for resource in (defs.resources or {}).values():
        fields = getattr(resource, "model_fields_set", set())
        assert not {name for name in fields if "key" in name or "secret" in name}
