"""Clients that are broken, slow or hostile: told what is wrong, and nobody else suffers."""

import json
import resource
import socket
import time
from pathlib import Path

import pytest

from trading_assets.exchange.protocol.http import BODY_BYTES_MAX, HEAD_BYTES_MAX, URL_BYTES_MAX

PATIENCE_S = 0.6


@pytest.fixture
def hasty(wired):
    with wired(patience_s=PATIENCE_S) as wire:
        yield wire


def connected(wire):
    url = wire.http.base_url
    return socket.create_connection((url.host, url.port), timeout=10)


def until_closed(client):
    said = b""
    while part := client.recv(65_536):
        said += part
    return said


def told(wire, raw):
    """Send bytes as they are; give status, headers and body of what comes back."""
    with connected(wire) as client:
        client.sendall(raw)
        client.shutdown(socket.SHUT_WR)
        head, _, body = until_closed(client).partition(b"\r\n\r\n")
    return int(head[9:12]), head.lower(), body


def answered(client, ask):
    """Give the whole answer of a ping on a connection that stays open."""
    client.sendall(ask)
    said = b""
    while not said.endswith(b"\r\n\r\n{}"):
        part = client.recv(65_536)
        assert part, said
        said += part
    return said


def request(path, method="GET", headers="", body=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{headers}"
    if body:
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode("latin-1") + b"\r\n" + body


def sends_all(client, part, times):
    """Whether the other side takes it all, rather than closing."""
    try:
        for _ in range(times):
            client.sendall(part)
    except OSError:
        return False
    return True


def is_well(wire):
    return wire.get("ping").json() == {}


# --- what is said


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("symbol=SOL%00USDT&interval=1m", -1100),
        ("symbol=SOLUSDT%0d%0aX:1&interval=1m", -1100),
        ("symbol=%ff%fe&interval=1m", -1100),
        ("symbol=' OR 1=1--&interval=1m".replace(" ", "%20"), -1100),
        ("symbol=SOLUSDT&interval=1m&limit=1e3", -1100),
        ("symbol=SOLUSDT&interval=1m&limit=-1", -1100),
        ("symbol=SOLUSDT&interval=1m&startTime=99999999999999999999", -1108),
        ("symbol=SOLUSDT&symbol=SOLUSDT&interval=1m", -1101),
        ("symbol=SOLUSDT&interval=1m&nonsense=1", -1104),
        ("symbol=SOLUSDT&interval=1m&" + "&".join(f"a{n}=1" for n in range(500)), -1104),
        ("symbol=&interval=1m", -1102),
        ("interval=1m", -1102),
    ],
)
def test_bad_parameters_are_told_by_code(wire, query, code):
    status, _, body = told(wire, request(f"/api/v3/klines?{query}"))
    assert (status, json.loads(body)["code"]) == (400, code)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b'{"symbol": "SOLUSDT"}'),
        ("application/json", b"[" * 100_000),
        ("text/xml", b"<order/>"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nsymbol\r\n--x--"),
        ("application/x-www-form-urlencoded", b"\x00\xff" * 1_000),
        ("", b"symbol"),
    ],
)
def test_a_body_of_another_kind_is_an_order_without_its_fields(wire, kind, body):
    headers = f"Content-Type: {kind}\r\nX-MBX-APIKEY: demo-key\r\n"
    status, _, said = told(wire, request("/api/v3/order", "POST", headers, body))
    assert (status, json.loads(said)["code"]) == (400, -1102)
    assert is_well(wire)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /api/v3/ping\x00 HTTP/1.1\r\n\r\n",
        b"GET /api/v3/ping HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /api/v3/ping HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header\r\n\r\n",
        b"POST /api/v3/order HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v3/order HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello \r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_400(wire, raw):
    assert told(wire, raw)[0] == 400
    assert is_well(wire)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "OPTIONS", "TRACE"])
def test_other_methods_are_not_served(wire, method):
    assert told(wire, request("/api/v3/order", method))[0] == 404


@pytest.mark.parametrize("path", ["/", "//api/v3/ping", "/api/v3/../v3/ping", "/api/v3/", "/%00"])
def test_other_paths_are_not_served(wire, path):
    assert told(wire, request(path))[0] in {200, 404} - ({200} if path != "/" else set())


def test_a_page_elsewhere_cannot_use_the_browser(wire):
    raw = b"GET /api/v3/ping HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    assert told(wire, raw)[0] == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("null", 403),
        ("http://[", 403),
        ("http://127.0.0.1:3000", 200),
        ("http://localhost:3000", 200),
    ],
)
def test_a_page_elsewhere_cannot_arm_a_fault(wire, origin, status):
    wish = b'{"kind": "halt_symbol", "symbol": "SOLUSDT"}'
    raw = request("/_sim/fault", "POST", f"Origin: {origin}\r\nContent-Type: text/plain\r\n", wish)
    assert told(wire, raw)[0] == status
    assert bool(wire.http.get("/_sim/fault").json()["armed"]) == (status == 200)


# --- how much


def test_a_large_body_is_told_so(wire):
    status, _, body = told(wire, request("/api/v3/order", "POST", body=b"x" * 4 * BODY_BYTES_MAX))
    assert (status, json.loads(body)["code"]) == (413, -1100)
    assert is_well(wire)


def test_a_huge_body_is_refused_before_it_is_read(wire):
    head = request("/api/v3/order", "POST", f"Content-Length: {1 << 40}\r\n")
    with connected(wire) as client:
        client.sendall(head)
        said = until_closed(client)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["code"] == -1100


def test_a_body_without_an_end_is_refused_at_its_bound(wire):
    with connected(wire) as client:
        client.sendall(request("/api/v3/order", "POST", "Transfer-Encoding: chunked\r\n"))
        assert not sends_all(client, b"10000\r\n" + b"x" * 65_536 + b"\r\n", 4_096)
    assert is_well(wire)


def test_a_huge_url_is_a_414_and_a_huge_head_a_431(wire):
    assert told(wire, request("/api/v3/ping?a=" + "x" * URL_BYTES_MAX))[0] == 414
    one = f"X-A: {'x' * HEAD_BYTES_MAX}\r\n"
    many = "".join(f"X-{n}: y\r\n" for n in range(HEAD_BYTES_MAX // 4))
    for headers in (one, many):
        assert told(wire, request("/api/v3/ping", headers=headers))[0] == 431
    assert is_well(wire)


def test_a_head_without_an_end_is_refused_at_its_bound(wire):
    with connected(wire) as client:
        client.sendall(b"GET /api/v3/ping HTTP/1.1\r\nX-Long: ")
        begun = time.monotonic()
        while sends_all(client, b"x" * 65_536, 100):
            assert time.monotonic() - begun < 10
    assert is_well(wire)


# --- how long


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET /api/v3/ping HT", b"GET / HTTP/1.1\r\nX: "])
def test_a_head_that_does_not_come_is_not_waited_for(hasty, sent):
    with connected(hasty) as client:
        client.sendall(sent)
        assert until_closed(client).startswith(b"HTTP/1.1 408 ")


def test_a_head_that_trickles_is_not_waited_for(hasty):
    with connected(hasty) as client:
        client.settimeout(0.02)
        begun = time.monotonic()
        said = b""
        for byte in b"GET /api/v3/ping HTTP/1.1\r\nX-Slow: " + b"z" * 10_000:
            try:
                client.sendall(bytes([byte]))
                said = client.recv(1_000)
                break
            except TimeoutError:
                continue
    assert said.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begun < 10 * PATIENCE_S


def test_a_body_that_does_not_come_is_not_waited_for(hasty):
    with connected(hasty) as client:
        client.sendall(request("/api/v3/order", "POST", "Content-Length: 10\r\n") + b"sym")
        assert until_closed(client).startswith(b"HTTP/1.1 408 ")
    assert hasty.ledger()["requests"] == []


def test_a_connection_between_requests_may_be_quiet_for_longer(hasty):
    with connected(hasty) as client:
        ask = b"GET /api/v3/ping HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        assert answered(client, ask).startswith(b"HTTP/1.1 200 OK")
        client.settimeout(3 * PATIENCE_S)
        with pytest.raises(TimeoutError):
            client.recv(1)
        client.settimeout(10)
        assert answered(client, ask).startswith(b"HTTP/1.1 200 OK")


# --- how many


def test_connections_beyond_the_limit_are_turned_away_and_the_others_served(wired):
    with wired(connection_limit=50, patience_s=60) as wire:
        assert is_well(wire)
        idle = [connected(wire) for _ in range(60)]
        try:
            turned_away = 0
            for client in idle[49:]:
                turned_away += until_closed(client).startswith(b"HTTP/1.1 503 ")
            assert turned_away == 11
            assert is_well(wire)
        finally:
            for client in idle:
                client.close()


def test_two_thousand_slow_clients_cost_little_memory_and_hurt_nobody(wired):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 5_000  # both ends are in this process
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    clients = 2_000 if min(wanted, hard) == wanted else 300
    with wired(patience_s=60) as wire:
        assert is_well(wire)
        before = memory_kb()
        idle = []
        try:
            for _ in range(clients):
                idle.append(connected(wire))
                idle[-1].sendall(b"GET /api/v3/ping HTTP/1.1\r\n")
            assert is_well(wire)
            assert (memory_kb() - before) / clients < 40
            begun = time.monotonic()
            wire.order(**wire.limit_buy(0.9)).raise_for_status()
            assert time.monotonic() - begun < 1
        finally:
            for client in idle:
                client.close()
        assert is_well(wire)


def memory_kb():
    with Path("/proc/self/status").open() as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
