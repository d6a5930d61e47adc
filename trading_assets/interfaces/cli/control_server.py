"""`trading-assets control`: the API and the pages for people, and who may log in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.interfaces.cli.signals import stop_on_signals
from trading_assets.interfaces.cli.tables import AsJson, open_desk, say

if TYPE_CHECKING:
    from trading_assets.workflows.desk import Desk

app = typer.Typer(help="API and pages for people, on loopback.", no_args_is_help=True)


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(min=0, help="Port; 0 takes a free one.")] = None,
    name: Annotated[str, typer.Option("--name", help="Who logs in by the printed link.")] = "desk",
    link: Annotated[bool, typer.Option(help="Print a link that logs in once.")] = True,
) -> None:
    """Serve the pages and the API until Ctrl-C.

    Example: trading-assets control serve --name ann
    """
    from trading_assets.interfaces.http_api.key_files import Scope
    from trading_assets.interfaces.http_api.server import (
        bind,
        make_ready,
        make_server,
        own_hosts,
        served_of,
    )
    from trading_assets.interfaces.priority import yield_to_executors
    from trading_assets.live.ports import MachineTime

    yield_to_executors()
    opened = open_desk()
    settings = opened.settings.control
    with bind(settings.host, settings.port if port is None else port) as socket:
        bound = int(socket.getsockname()[1])
        hosts = own_hosts(settings.host, bound, settings.hosts)
        served = served_of(opened, hosts, MachineTime())
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        make_ready()
        code = f"#code={served.access.code(name, Scope.ADMIN)}" if link else ""
        typer.echo(f"http://{host}:{bound}/{code}")
        try:
            with stop_on_signals():  # which uvicorn raises once more when it has ended
                make_server(served).run(sockets=[socket])
        finally:
            served.store.close()
        typer.echo("stopped")


@app.command()
def token(
    scope: Annotated[str, typer.Option("--scope", help="read, trade or admin.")] = "read",
    name: Annotated[str, typer.Option("--name", help="Whose it is, for the journal.")] = "cli",
) -> None:
    """Print an access token that holds for 15 minutes, for programs; see docs/http-api.md.

    Example: trading-assets control token --scope trade --name rebalancer
    """
    from trading_assets.interfaces.http_api.key_files import Scope
    from trading_assets.interfaces.http_api.server import opened_access

    with opened_access(open_desk()) as access:
        typer.echo(access.log_in(name, Scope.named(scope)).access)


@app.command()
def link(
    scope: Annotated[str, typer.Option("--scope", help="read, trade or admin.")] = "admin",
    name: Annotated[str, typer.Option("--name", help="Who logs in by it.")] = "desk",
) -> None:
    """Print a link to the pages that logs in once, within ten minutes.

    Example: trading-assets control link --scope read --name screen
    """
    typer.echo(login_link(open_desk(), scope, name))


@app.command()
def keys(as_json: AsJson = False) -> None:
    """Say where the keys lie; each logs in with its scope, `arm.key` allows real money.

    Example: trading-assets control keys
    """
    from trading_assets.interfaces.http_api.server import keys_folder, opened_access

    opened = open_desk()
    with opened_access(opened):
        found = sorted(keys_folder(opened.settings).glob("*.key"))
    paths = [str(path) for path in found if path.stem != "signing"]
    say({"files": paths}, "\n".join(paths), as_json=as_json)


@app.command()
def document() -> None:
    """Print the OpenAPI document of the API.

    Example: trading-assets control document > openapi.json
    """
    from trading_assets.interfaces.http_api.application import document as openapi
    from trading_assets.interfaces.http_api.server import served_of
    from trading_assets.live.ports import MachineTime

    served = served_of(open_desk(), frozenset(), MachineTime())
    served.store.close()
    typer.echo(json.dumps(openapi(served), indent=1, sort_keys=True))


def login_link(opened: Desk, scope: str, name: str) -> str:
    """Make an address of the pages that logs somebody in once.

    Raises:
        ConfigurationError: if there is no such scope, or others can read a key.
        RecoveryError: if the sessions cannot be opened.
    """
    from trading_assets.interfaces.http_api.key_files import Scope
    from trading_assets.interfaces.http_api.server import opened_access

    with opened_access(opened) as access:
        code = access.code(name, Scope.named(scope))
    return f"{opened.settings.control.url}/#code={code}"
