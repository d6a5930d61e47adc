"""Fifty symbols over five years, asked of a real webserver: what a page of the UI waits for."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import httpx
import pytest

from trading_assets.domain.ids import Month, months_between

SYMBOLS = [f"S{number:02d}USDT" for number in range(50)]
MONTHS = months_between(Month(2021, 1), Month(2025, 12))
KEYS = [f"{month}|{symbol}" for symbol in SYMBOLS for month in MONTHS]
TABLES = ("raw_klines", "bars_1m", "bars_5m", "bars_1h")
ROUNDS = 5
CONNECTS = 9
"""Tries until the server listens: httpx waits longer before each, two minutes in all."""

NODE = "query($key: AssetKeyInput!) {assetNodeOrError(assetKey: $key) {...on AssetNode {%s}}}"
PAGE = NODE % (
    "description opNames partitionStats {numMaterialized numPartitions} "
    "dependencyKeys {path} dependedByKeys {path} "
    "partitionKeysByDimension {name partitionKeys} assetMaterializations(limit: 1) {partition} "
    "hasMaterializePermission assetChecksOrError {...on AssetChecks {checks {name}}}"
)
ASPECTS = "...on DefaultPartitionStatuses {materializedPartitions unmaterializedPartitions}"
STATUSES = NODE % (
    "assetPartitionStatuses {...on MultiPartitionStatuses {primaryDimensionName ranges "
    f"{{primaryDimStartKey primaryDimEndKey secondaryDim {{{ASPECTS}}}}}}}}}"
)
KEYS_OF = NODE % "partitionKeys"
GRAPH = "{assetNodes {assetKey {path} dependencyKeys {path} isPartitioned}}"
PREVIEW = (
    "query($params: AssetBackfillPreviewParams!) {assetBackfillPreview(params: $params) "
    "{assetKey {path} partitions {partitionKeys ranges {start end}}}}"
)
LAUNCH = (
    "mutation($params: LaunchBackfillParams!) {launchPartitionBackfill(backfillParams: $params) "
    "{__typename ...on LaunchBackfillSuccess {backfillId} ...on PythonError {message}}}"
)

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Served:
    """A webserver on loopback, with the graph of fifty symbols behind it."""

    client: httpx.Client

    def ask(self, query: str, **variables: Any) -> Any:
        answer = self.client.post("/graphql", json={"query": query, "variables": variables})
        told = answer.json()
        assert "errors" not in told, told["errors"]
        return told["data"]

    def least(self, name: str, query: str, **variables: Any) -> tuple[float, Any]:
        """Give the least seconds of some rounds, over HTTP, and the answer: load only ever adds."""
        found: list[float] = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            told = self.ask(query, **variables)
            found.append(time.perf_counter() - start)
        sys.stderr.write(f"\n{name}: {min(found):.3f} s, {len(json.dumps(told)) / 1000:.0f} kB\n")
        return min(found), told

    def node(self, name: str, query: str, table: str = "bars_1m") -> tuple[float, Any]:
        seconds, told = self.least(name, query, key={"path": [table]})
        return seconds, told["assetNodeOrError"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    (home / "dagster").mkdir()
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        for key in KEYS[::10]:
            event = dg.AssetMaterialization(dg.AssetKey("bars_1m"), partition=key)
            instance.report_runless_asset_event(event)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    where = ["-m", "trading_assets.definitions", "-h", "127.0.0.1", "-p", str(port)]
    variables = {
        "DAGSTER_HOME": str(home / "dagster"),
        "TA_HOME": str(home),
        "TA_SYMBOLS": json.dumps(SYMBOLS),
        "TA_HISTORY_START": str(MONTHS[0]),
    }
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "dagster_webserver", *where],
            env={k: v for k, v in os.environ.items() if not k.startswith("TA_")} | variables,
            stdout=log,
            stderr=log,
        )
        try:
            transport = httpx.HTTPTransport(retries=CONNECTS)
            url = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=url, timeout=120, transport=transport) as client:
                assert client.get("/server_info").status_code == 200, (home / "log").read_text()
                yield Served(client)
        finally:
            server.terminate()
            server.wait(timeout=60)


def test_the_page_of_a_table_opens_in_a_moment(served: Served) -> None:
    seconds, told = served.node("page of bars_1m", PAGE)
    assert told["partitionStats"]["numMaterialized"] == len(KEYS[::10])
    assert {d["name"]: len(d["partitionKeys"]) for d in told["partitionKeysByDimension"]}[
        "symbol"
    ] == len(SYMBOLS)
    assert seconds < 1.0


def test_the_statuses_of_three_thousand_keys_come_in_a_moment(served: Served) -> None:
    empty, _ = served.node("statuses of bars_1h, empty", STATUSES, "bars_1h")
    filled, told = served.node("statuses of bars_1m, every tenth key", STATUSES)
    ranges = told["assetPartitionStatuses"]["ranges"]
    assert told["assetPartitionStatuses"]["primaryDimensionName"] == "month"
    assert any(part["secondaryDim"]["materializedPartitions"] for part in ranges)
    assert empty < 0.5
    assert filled < 1.0


def test_all_keys_and_the_whole_graph_come_in_a_moment(served: Served) -> None:
    seconds, told = served.node("keys of bars_1m", KEYS_OF)
    assert set(KEYS) <= set(told["partitionKeys"])
    assert seconds < 1.0
    seconds, told = served.least("graph", GRAPH)
    assert {"bars_1m", "features_5m"} <= {n["assetKey"]["path"][-1] for n in told["assetNodes"]}
    assert seconds < 1.0


def test_a_backfill_of_four_tables_is_planned_and_accepted_in_a_moment(served: Served) -> None:
    selection = [{"path": [table]} for table in TABLES]
    wanted = {"partitionNames": KEYS, "assetSelection": selection}
    seconds, told = served.least("planning a backfill", PREVIEW, params=wanted)
    assert {n["assetKey"]["path"][0] for n in told["assetBackfillPreview"]} == set(TABLES)
    assert seconds < 5.0
    seconds, told = served.least("launching it", LAUNCH, params=wanted | {"fromFailure": False})
    assert told["launchPartitionBackfill"]["__typename"] == "LaunchBackfillSuccess"
    assert seconds < 5.0
