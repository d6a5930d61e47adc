"""An answer that comes byte by byte ends, wherever it is slow; one that is only large does not."""

import socket
import threading
import time

import pytest
import requests

from trading_assets.adapters.binance.client import make_client, translate, venue_errors
from trading_assets.adapters.bounded_http import BoundedAdapter
from trading_assets.domain.errors import OutcomeUnknown

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
BODY = b'{"serverTime": 1}'


@pytest.fixture
def serve():
    """Give the address of a server that answers one request in pieces, `pause_s` between them."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()
    threads = []

    def start(pieces, pause_s):
        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for piece in pieces:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                    if ended.wait(pause_s):
                        return

        threads.append(threading.Thread(target=answer))
        threads[0].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    ended.set()
    for thread in threads:
        thread.join()
    listener.close()


def drops(data):
    return [data[k : k + 1] for k in range(len(data))]


@pytest.mark.parametrize(
    "pieces",
    [
        drops(HEAD % len(BODY) + BODY),
        [HEAD % len(BODY), *drops(BODY)],
        [HEAD % 9_999, *[b" "] * 99],
    ],
    ids=["head", "body", "endless"],
)
def test_an_answer_that_drips_is_cut_off_and_its_order_unknown(serve, pieces):
    client = make_client(f"{serve(pieces, 0.1)}/api", timeout_s=0.2, recv_window_ms=5000)
    began = time.monotonic()
    with pytest.raises(venue_errors()) as caught:
        client.get_server_time()

    assert 0.5 < time.monotonic() - began < 2.0
    assert isinstance(translate(caught.value, "it", is_order=True), OutcomeUnknown)


@pytest.mark.parametrize("head", [HEAD % 60_000, b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"])
def test_a_large_answer_comes_whole_with_or_without_its_length(serve, head):
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", BoundedAdapter())
    answer = session.get(serve([head, *[b"x" * 20_000] * 3], 0.05), timeout=0.5)
    session.close()

    assert answer.content == b"x" * 60_000
