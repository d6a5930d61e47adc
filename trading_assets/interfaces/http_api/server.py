"""The control API behind a socket on loopback."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from trading_assets.interfaces.http_api.access import Access
from trading_assets.interfaces.http_api.control_store import ControlStore
from trading_assets.interfaces.http_api.key_files import load_keys

if TYPE_CHECKING:
    import uvicorn

    from trading_assets.interfaces.http_api.served import Served
    from trading_assets.live.ports import LocalTime
    from trading_assets.settings import Settings
    from trading_assets.workflows.desk import Desk

_BACKLOG = 512  # a halt waits behind no handful of idle connections
_KEEP_ALIVE_S = 15
_STOP_S = 3
_MOST_HEADERS = 32_768
_READERS = (
    "book_history",
    "book_listing",
    "book_summary",
    "chart_bars",
    "markers",
    "performance_reading",
    "regime_series",
)


def keys_folder(settings: Settings) -> Path:
    """Give where keys and sessions lie; beside the books, readable by the owner only."""
    return settings.data_root / "live" / "control"


def access_of(desk: Desk) -> tuple[Access, ControlStore]:
    """Open keys and sessions of a desk; the caller closes the store.

    Raises:
        ConfigurationError: if others can read a key.
        RecoveryError: if the sessions cannot be opened.
    """
    folder = keys_folder(desk.settings)
    keys = load_keys(folder)
    store = ControlStore(folder)
    return Access(keys, store, desk.clock), store


@contextmanager
def opened_access(desk: Desk) -> Iterator[Access]:
    """Open keys and sessions for a command.

    Raises:
        ConfigurationError: if others can read a key.
        RecoveryError: if the sessions cannot be opened.
    """
    access, store = access_of(desk)
    try:
        yield access
    finally:
        store.close()


def served_of(desk: Desk, hosts: frozenset[str], local: LocalTime) -> Served:
    """Join a desk to its keys, sessions and limits.

    Raises:
        ConfigurationError: if others can read a key.
        RecoveryError: if the sessions cannot be opened.
    """
    from trading_assets.interfaces.http_api.served import Served

    access, store = access_of(desk)
    return Served(desk=desk, access=access, store=store, hosts=hosts, local=local)


def make_ready() -> None:
    """Load what answers the pages' first questions; whoever opens one does not wait for it."""
    for name in _READERS:
        importlib.import_module(f"trading_assets.workflows.{name}")


def bind(host: str, port: int) -> socket.socket:
    """Take a port of loopback; 0 takes a free one.

    Raises:
        OSError: if the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(_BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def own_hosts(host: str, port: int, more: tuple[str, ...] = ()) -> frozenset[str]:
    """Give the values of `Host` that name this server.

    Args:
        host: address that it listens at.
        port: the one that it has taken.
        more: names by which a proxy is asked.
    """
    names = {"127.0.0.1", "localhost", "[::1]", f"[{host}]" if ":" in host else host}
    return frozenset({*(f"{name}:{port}" for name in names), *(name.lower() for name in more)})


def make_server(served: Served) -> uvicorn.Server:
    """Make the server; `run(sockets=[...])` serves until a signal, `should_exit` ends it."""
    import uvicorn

    from trading_assets.interfaces.http_api.application import create_app

    config = uvicorn.Config(
        create_app(served),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        ws_max_size=65_536,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_STOP_S,
        h11_max_incomplete_event_size=_MOST_HEADERS,
        backlog=_BACKLOG,
    )
    return uvicorn.Server(config)
