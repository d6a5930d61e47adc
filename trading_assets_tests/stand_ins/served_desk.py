"""A desk behind the real server of its API, in a thread of this process."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from socket import SO_SNDBUF, SOL_SOCKET

from trading_assets.interfaces.http_api.server import bind, make_server, own_hosts, served_of
from trading_assets.live.ports import MachineTime


@contextmanager
def served_desk(desk, *, sent_bytes=None):
    """Serve until the end; give what is served, and its port.

    `sent_bytes` bounds what the kernel keeps for a client that does not read.
    """
    with bind("127.0.0.1", 0) as socket:
        if sent_bytes is not None:
            socket.setsockopt(SOL_SOCKET, SO_SNDBUF, sent_bytes)
        port = socket.getsockname()[1]
        served = served_of(desk, own_hosts("127.0.0.1", port), MachineTime())
        server = make_server(served)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        try:
            yield served, port
        finally:
            server.should_exit = True
            thread.join()
            served.store.close()
