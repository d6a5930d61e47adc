"""An instance that forgets, and what Dagster itself calls stale."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

Stale = dict[str, list[str | None]]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture
def stale_keys(instance: dg.DagsterInstance) -> Callable[[dg.Definitions], Stale]:
    """List every stale key of every asset, by the resolver that the UI asks."""

    def stale(definitions: dg.Definitions) -> Stale:
        graph = definitions.get_repository_def().asset_graph
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        found: Stale = {}
        for key in sorted(graph.materializable_asset_keys):
            node = graph.get(key)
            definition = node.partitions_def
            keys = definition.get_partition_keys() if definition else [None]
            stale_ones = [k for k in keys if resolver.get_status(key, k) == StaleStatus.STALE]
            if stale_ones:
                found[key.to_user_string()] = stale_ones
        return found

    return stale
