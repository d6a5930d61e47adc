"""An instance that forgets, and what Dagster itself calls stale."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

Stale = dict[str, list[str | None]]
RunProgram = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def told_by(tmp_path_factory: pytest.TempPathFactory) -> RunProgram:
    """Run a program over the real graph of two symbols and an empty mirror; give what it tells.

    It is a process of its own, since the graph is made from settings as it is imported; `variables`
    change those settings.
    """

    def run(program: Path, **variables: str) -> dict[str, Any]:
        home = tmp_path_factory.mktemp("home")
        (home / "mirror/monthly").mkdir(parents=True)
        result = subprocess.run(
            [sys.executable, str(program)],
            env={k: v for k, v in os.environ.items() if not k.startswith("TA_")}
            | {
                "TA_HOME": str(home),
                "TA_SOURCE": "archive",
                "TA_ARCHIVE_ROOT": str(home / "mirror"),
                "TA_SYMBOLS": '["BTCUSDT", "SOLUSDT"]',
                "TA_HISTORY_START": "2021-01",
                "TA_QUALITY__MAX_GAP_MINUTES": "100000",
                **variables,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr[-4000:]
        found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
        return found

    return run


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
