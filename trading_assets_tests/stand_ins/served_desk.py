"""A desk behind the real server of its API, in a thread of this process."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from trading_assets.interfaces.http_api.server import bind, make_server, own_hosts, served_of
from trading_assets.live.ports import MachineTime


@contextmanager
def served_desk(desk):
    """Serve until the end; give what is served, and its port."""
    with bind("127.0.0.1", 0) as socket:
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
