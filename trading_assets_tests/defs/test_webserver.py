"""What reaches Dagster through the guard, and what a foreign web page can try."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import dagster as dg
import httpx
import pytest
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from trading_assets.defs.webserver import guarded
from trading_assets.domain.errors import ConfigurationError

VICTIM = dg.AssetKey("victim")
WIPE = (
    'mutation{wipeAssets(assetPartitionRanges:[{assetKey:{path:["victim"]}}])'
    "{__typename ...on AssetWipeSuccess{assetPartitionRanges{assetKey{path}}}}}"
)
QUERY = "{version}"
SUBSCRIPTION = "subscription{locationStateChangeEvents{event{message}}}"


@dataclass(frozen=True)
class Served:
    """One Dagster application, with the guard in front of it and bare."""

    instance: dg.DagsterInstance
    guarded: str
    bare: str

    def victim_lives(self) -> bool:
        return self.instance.has_asset_key(VICTIM)

    @property
    def authority(self) -> str:
        return self.guarded.removeprefix("http://")


def _listen() -> tuple[socket.socket, int]:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dagster_home")


@pytest.fixture(scope="module")
def served(home: Path) -> Iterator[Served]:
    with (
        dg.DagsterInstance.local_temp(str(home)) as instance,
        WorkspaceProcessContext(instance, EmptyWorkspaceTarget(), dg.__version__) as context,
    ):
        app = create_app_from_workspace_process_context(context)
        servers, threads, urls = [], [], []
        for is_guarded in (True, False):
            listener, port = _listen()
            front = guarded(app, "127.0.0.1", port) if is_guarded else app
            server = uvicorn.Server(uvicorn.Config(front, log_level="error", lifespan="off"))
            thread = threading.Thread(target=server.run, args=([listener],))
            thread.start()
            servers.append(server)
            threads.append(thread)
            urls.append(f"http://127.0.0.1:{port}")
        yield Served(instance, *urls)
        for server, thread in zip(servers, threads, strict=True):
            server.should_exit = True
            thread.join(timeout=20)


@pytest.fixture(autouse=True)
def victim(served: Served) -> None:
    if not served.victim_lives():
        served.instance.report_runless_asset_event(dg.AssetMaterialization(VICTIM))


ATTACKS: dict[str, tuple[str, str, dict[str, str], str]] = {
    "an image tag": ("GET", f"/graphql?query={quote(WIPE)}", {}, ""),
    "a named operation in the address": (
        "GET",
        f"/graphql?operationName=m&query={quote(WIPE.replace('mutation', 'mutation m'))}",
        {},
        "",
    ),
    "a query behind the UI's own label": ("GET", f"/graphql?op=Nux&query={quote(WIPE)}", {}, ""),
    "an encoded parameter": ("GET", f"/graphql?%71uery={quote(WIPE)}", {}, ""),
    "an encoded path": ("GET", f"/%67raphql?query={quote(WIPE)}", {}, ""),
    "text/plain with the query in the address": (
        "POST",
        f"/graphql?query={quote(WIPE)}",
        {"content-type": "text/plain"},
        "",
    ),
    "application/graphql": ("POST", "/graphql", {"content-type": "application/graphql"}, WIPE),
    "a simple content type that contains application/json": (
        "POST",
        "/graphql",
        {"content-type": "text/plain; x=application/json"},
        json.dumps({"query": WIPE}),
    ),
}
JSON = {"content-type": "application/json"}
FOREIGN: dict[str, dict[str, str]] = {
    "a foreign Host (DNS rebinding)": {"host": "evil.example:3000"},
    "a foreign Host with our port's name in it": {"host": "127.0.0.1.evil.example"},
    "a foreign Origin": {"origin": "http://evil.example"},
    "an opaque Origin": {"origin": "null"},
    "our name under another scheme": {"origin": "https://127.0.0.1"},
    "another local port": {"origin": "http://127.0.0.1:1"},
    "a browser that says cross-site": {"sec-fetch-site": "cross-site"},
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_web_page_wipes_an_asset_through_bare_dagster_but_not_through_the_guard(
    served: Served, name: str
) -> None:
    method, path, headers, body = ATTACKS[name]

    refused = httpx.request(method, served.guarded + path, headers=headers, content=body)
    assert 400 <= refused.status_code < 500
    assert served.victim_lives()

    httpx.request(method, served.bare + path, headers=headers, content=body)
    assert not served.victim_lives(), "the attack no longer works on Dagster itself"


@pytest.mark.parametrize("name", FOREIGN)
def test_a_mutation_from_elsewhere_is_refused(served: Served, name: str) -> None:
    headers = JSON | FOREIGN[name]
    body = json.dumps({"query": WIPE})
    refused = httpx.post(f"{served.guarded}/graphql", headers=headers, content=body)
    assert refused.status_code in (403, 421)
    assert served.victim_lives()


@pytest.mark.parametrize("path", ["/", "/server_info", "/graphql"])
def test_a_foreign_host_reads_nothing(served: Served, path: str) -> None:
    assert httpx.get(served.guarded + path, headers={"host": "evil.example"}).status_code == 421


def test_events_cannot_be_reported_by_a_form_of_another_page(served: Served) -> None:
    url = f"{served.guarded}/report_asset_materialization/planted?data_version=1"
    assert httpx.post(url, headers={"content-type": "text/plain"}).status_code == 415
    assert not served.instance.has_asset_key(dg.AssetKey("planted"))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(served: Served, method: str) -> None:
    assert httpx.request(method, f"{served.guarded}/graphql").status_code == 405


@pytest.mark.parametrize("hosts", [["127.0.0.1:3000", "evil.example"], []])
def test_a_request_names_its_host_exactly_once(hosts: list[str]) -> None:
    async def app(*_: object) -> None: ...

    headers = [(b"host", host.encode()) for host in hosts]
    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
    refused = guarded(app, "127.0.0.1", 3000).examine(scope)
    assert refused is not None
    assert refused.status == 421


def test_the_page_of_the_ui_loads_and_cannot_be_framed(served: Served) -> None:
    page = httpx.get(served.guarded, headers={"accept": "text/html"})
    assert page.status_code == 200
    assert page.text.startswith("<!DOCTYPE html>")
    assert page.headers["x-frame-options"] == "SAMEORIGIN"


@pytest.mark.parametrize("origin", ["own", "absent"])
def test_queries_and_mutations_of_the_ui_pass(served: Served, origin: str) -> None:
    headers = {"origin": served.guarded, "sec-fetch-site": "same-origin"} if origin == "own" else {}
    url = f"{served.guarded}/graphql?op=Version"
    answer = httpx.post(url, headers=headers, json={"query": QUERY})
    assert answer.json() == {"data": {"version": dg.__version__}}
    answer = httpx.post(url, headers=headers, json={"query": WIPE})
    assert answer.json()["data"]["wipeAssets"]["__typename"] == "AssetWipeSuccess"
    assert not served.victim_lives()


def test_localhost_is_an_own_name(served: Served) -> None:
    port = served.authority.rpartition(":")[2]
    headers = {"host": f"localhost:{port}", "origin": f"http://localhost:{port}"}
    answer = httpx.post(f"{served.guarded}/graphql", headers=headers, json={"query": QUERY})
    assert answer.status_code == 200


async def _subscribe(url: str, origin: str) -> str:
    async with connect(url, subprotocols=["graphql-ws"], origin=origin) as channel:
        await channel.send(json.dumps({"type": "connection_init"}))
        return str(json.loads(await channel.recv())["type"])


def test_a_subscription_of_the_ui_is_accepted(served: Served) -> None:
    url = f"ws://{served.authority}/graphql"
    assert asyncio.run(_subscribe(url, served.guarded)) == "connection_ack"


def test_a_subscription_from_a_foreign_origin_is_refused(served: Served) -> None:
    url = f"ws://{served.authority}/graphql"
    with pytest.raises(InvalidStatus, match="403"):
        asyncio.run(_subscribe(url, "http://evil.example"))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", ""])
def test_only_loopback_is_served(host: str) -> None:
    async def app(*_: object) -> None: ...

    with pytest.raises(ConfigurationError, match="loopback only"):
        guarded(app, host, 3000)
